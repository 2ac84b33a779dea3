package io.luciole.onnx;

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
 * Which of the libraries that ONNX Runtime's CUDA provider links to are where the system's loader
 * looks, for telling a user what to install. Linux only; says nothing elsewhere.
 */
final class CudaLibraries {
  /**
   * A version of CUDA.
   *
   * @param libraries what the provider of the build named in {@link OrtRuntime#ADD_CUDA} links to
   *     (by its ELF header), and cuDNN, which ONNX Runtime asks for with CUDA 12 as well
   * @param packages Debian packages of NVIDIA's that have it
   * @param wheels Python wheels that have it
   */
  private record Toolkit(String title, List<String> libraries, String packages, String wheels) {}

  private static final List<Toolkit> TOOLKITS =
      List.of(
          new Toolkit(
              "CUDA 12",
              List.of(
                  "libcudart.so.12",
                  "libcublas.so.12",
                  "libcublasLt.so.12",
                  "libcurand.so.10",
                  "libcudnn.so.9"),
              "cuda-cudart-12-8 libcublas-12-8 libcurand-12-8 libcudnn9-cuda-12",
              "nvidia-cuda-runtime-cu12 nvidia-cublas-cu12 nvidia-curand-cu12 nvidia-cudnn-cu12"),
          new Toolkit(
              "CUDA 13",
              List.of("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9"),
              "cuda-cudart-13-0 libcublas-13-0 libcudnn9-cuda-13",
              "nvidia-cuda-runtime nvidia-cublas nvidia-cudnn-cu13"));

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
      Pattern.compile("lib(?:cuda|cudart|cublas|cublasLt|curand|cudnn)\\.so\\.\\d+");

  private final Set<String> present;

  private CudaLibraries(Set<String> present) {
    this.present = present;
  }

  /** What this process's loader would find. */
  static CudaLibraries installed() {
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
      try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "libcu*.so.*")) {
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

  /**
   * One sentence or more on what is missing for each version of CUDA, and how to install it; says
   * so if nothing is.
   */
  String advice() {
    StringBuilder advice = new StringBuilder();
    if (!present.contains(DRIVER)) {
      advice.append("The NVIDIA driver's library ").append(DRIVER).append(" was not found. ");
    }
    for (Toolkit toolkit : TOOLKITS) {
      List<String> missing =
          toolkit.libraries().stream().filter(name -> !present.contains(name)).toList();
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
