package io.luciole.internal;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Which of NVIDIA's libraries that a backend links to are where the system's loader looks, for
 * telling a user what to install. Linux only; elsewhere it finds none. Immutable.
 */
public final class CudaLibraries {
  private static final String DRIVER = "libcuda.so.1";

  /** Where Linux keeps libraries besides what its loader's cache names. */
  private static final List<String> USUAL =
      List.of(
          "/usr/lib/x86_64-linux-gnu",
          "/lib/x86_64-linux-gnu",
          "/usr/lib64",
          "/lib64",
          "/usr/lib",
          "/lib",
          "/usr/local/nvidia/lib64");

  private static final Path LOADER_CACHE = Path.of("/etc/ld.so.cache");

  private static final Pattern LIBRARY =
      Pattern.compile("lib(?:cu|nvJitLink)[A-Za-z]*\\.so\\.\\d+");

  private final Set<String> present;

  /**
   * A version of CUDA, as one build of a backend's runtime needs it.
   *
   * @param title what users call it
   * @param libraries the names under which the loader looks for what the build links to
   * @param packages Debian packages of NVIDIA's that have them
   * @param wheels Python wheels that have them
   */
  public record Toolkit(String title, List<String> libraries, String packages, String wheels) {
    /** Copies the list. */
    public Toolkit {
      libraries = List.copyOf(libraries);
    }
  }

  private CudaLibraries(Set<String> present) {
    this.present = present;
  }

  /** As on a machine that has none. */
  public static CudaLibraries none() {
    return new CudaLibraries(Set.of());
  }

  /** What this process's loader would find. */
  public static CudaLibraries installed() {
    List<Path> folders = new ArrayList<>();
    String path = System.getenv("LD_LIBRARY_PATH");
    Stream.concat(Stream.of((path == null ? "" : path).split(":", -1)), USUAL.stream())
        .filter(folder -> !folder.isBlank())
        .map(Path::of)
        .forEach(folders::add);
    return in(folders, LOADER_CACHE);
  }

  /**
   * What folders hold, and what a loader's cache names.
   *
   * @param cache the file, or null for none
   */
  static CudaLibraries in(List<Path> folders, @Nullable Path cache) {
    Set<String> present = new LinkedHashSet<>();
    for (Path folder : folders) {
      try (DirectoryStream<Path> files =
          Files.newDirectoryStream(folder, "lib{cu,nvJitLink}*.so.*")) {
        files.forEach(file -> present.add(String.valueOf(file.getFileName())));
      } catch (IOException e) {
        // Not there, or not to be read: the loader finds nothing in it either.
      }
    }
    if (cache != null && Files.isReadable(cache)) {
      try (InputStream in = Files.newInputStream(cache)) {
        Matcher names = LIBRARY.matcher(new String(in.readAllBytes(), StandardCharsets.ISO_8859_1));
        while (names.find()) {
          present.add(names.group());
        }
      } catch (IOException e) {
        // Then the folders decide.
      }
    }
    return new CudaLibraries(present);
  }

  /** The libraries of a version that were not found, in its order. */
  public List<String> missing(Toolkit toolkit) {
    return toolkit.libraries().stream().filter(name -> !present.contains(name)).toList();
  }

  /**
   * One sentence or more on what is missing for each version of CUDA, and how to install it; says
   * so if nothing is.
   *
   * @param toolkits the versions, any of which would do
   */
  public String advice(List<Toolkit> toolkits) {
    StringBuilder advice = new StringBuilder();
    if (!present.contains(DRIVER)) {
      advice.append("The NVIDIA driver's library ").append(DRIVER).append(" was not found. ");
    }
    for (Toolkit toolkit : toolkits) {
      List<String> missing = missing(toolkit);
      if (missing.isEmpty()) {
        advice.append(toolkit.title()).append(": all libraries were found. ");
      } else {
        advice
            .append(toolkit.title())
            .append(": missing ")
            .append(String.join(", ", missing))
            .append("; install the packages ")
            .append(toolkit.packages())
            .append(" from NVIDIA's repository, or the Python wheels ")
            .append(toolkit.wheels())
            .append(" with their lib folders in LD_LIBRARY_PATH. ");
      }
    }
    return advice.toString().strip();
  }
}
