package io.luciole.internal;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;
import java.util.StringJoiner;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The native libraries of one artifact, copied from the class path to a folder from which the
 * system can load them.
 *
 * <p>The first choice is a folder beneath the {@linkplain CacheFolder cache folder}. Its name tells
 * the bytes, so that all processes share it, each finds there what an earlier one copied, and an
 * upgrade takes another. Where that cannot be written or its files cannot be mapped into memory, as
 * on a read-only or {@code noexec} file system, and where another class loader of this JVM has
 * loaded the libraries from it, since a JVM loads a file for one class loader only, the libraries
 * are copied to a temporary folder, which the JVM deletes as it exits.
 */
public final class NativeFiles {
  /** The folder beneath the cache folder. */
  private static final String NATIVES = "natives";

  private static final Logger log = LoggerFactory.getLogger(NativeFiles.class);

  private final String name;
  private final SortedMap<String, URL> files;

  /** Loads libraries, with the class loader of the class that implements it. */
  @FunctionalInterface
  public interface Loader {
    /**
     * Loads the libraries with {@link System#load}.
     *
     * @param folder the absolute path of the folder that holds the files
     * @throws UnsatisfiedLinkError if one cannot be loaded from this folder
     */
    void load(Path folder);
  }

  /**
   * Names the libraries of an artifact.
   *
   * @param name what the folder's name begins with: the artifact and the platform
   * @param files for each file name the resource on the class path; one at least
   */
  public NativeFiles(String name, Map<String, URL> files) {
    this.name = requireNonNull(name, "name");
    this.files = new TreeMap<>(files);
    if (files.isEmpty()) {
      throw new IllegalArgumentException("expected a library, got none for " + name);
    }
  }

  /**
   * Copies the libraries unless that is done, and loads them. A folder from which the loader cannot
   * load them is passed over.
   *
   * @return the folder from which they were loaded
   * @throws IOException if no folder will do; the message says why each will not, and how to name
   *     another
   */
  public Path load(Loader loader) throws IOException {
    return load(CacheFolder.path(), loader);
  }

  /** As {@link #load(Loader)}, with a given cache folder. */
  Path load(Path cache, Loader loader) throws IOException {
    StringJoiner problems = new StringJoiner("; ");
    Path folder = cache.toAbsolutePath().resolve(NATIVES);
    try {
      folder = folder.resolve(name + "-" + digest());
      Files.createDirectories(folder);
      copyTo(folder);
      loader.load(folder);
      return folder;
    } catch (IOException | UnsatisfiedLinkError e) {
      log.debug("{} cannot be loaded from {}", name, folder, e);
      problems.add(folder + ": " + e);
    }
    try {
      Path temporary = TemporaryFolder.create("luciole-natives", files.keySet());
      copyTo(temporary);
      loader.load(temporary);
      return temporary;
    } catch (IOException | UnsatisfiedLinkError e) {
      problems.add(System.getProperty("java.io.tmpdir") + ": " + e);
      throw new IOException(message(problems), e);
    }
  }

  private String message(StringJoiner problems) {
    return "Expected a folder that can be written and from which the native libraries of "
        + name
        + " can be loaded, found none ("
        + problems
        + "). Where a file system is read-only or mounted with noexec, name a folder elsewhere:"
        + " with -Dluciole.cache or LUCIOLE_CACHE for the first, or -Djava.io.tmpdir for the"
        + " second.";
  }

  /** Copies each file unless one of its size is there; a file is there whole or not. */
  private void copyTo(Path folder) throws IOException {
    for (Map.Entry<String, URL> file : files.entrySet()) {
      Path target = folder.resolve(file.getKey());
      URLConnection resource = open(file.getValue());
      try (InputStream in = resource.getInputStream()) {
        if (!Files.isRegularFile(target) || Files.size(target) != resource.getContentLengthLong()) {
          AtomicFiles.write(target, in::transferTo);
        }
      }
    }
  }

  /** Tells apart the libraries of two artifacts by names, sizes and, in a jar, checksums. */
  private String digest() throws IOException {
    StringJoiner parts = new StringJoiner("\n");
    for (Map.Entry<String, URL> file : files.entrySet()) {
      parts.add(file.getKey() + " " + fingerprint(file.getValue()));
    }
    return Sha256.hex(Sha256.of(parts.toString())).substring(0, 16);
  }

  private static String fingerprint(URL resource) throws IOException {
    URLConnection connection = open(resource);
    InputStream in = connection.getInputStream();
    try {
      long size = connection.getContentLengthLong();
      return connection instanceof JarURLConnection jar
          ? size + " " + jar.getJarEntry().getCrc()
          : Long.toString(size);
    } finally {
      in.close();
    }
  }

  /** Without the cache of jars, which would keep the file open after its class loader is closed. */
  private static URLConnection open(URL resource) throws IOException {
    URLConnection connection = resource.openConnection();
    connection.setUseCaches(false);
    return connection;
  }
}
