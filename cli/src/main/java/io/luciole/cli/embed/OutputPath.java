package io.luciole.cli.embed;

import java.io.IOException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;

/** Where an output's name leads. */
public final class OutputPath {
  /** Names of standard output. */
  private static final Set<String> STANDARD_OUTPUT =
      Set.of("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1");

  private static final int MOST_LINKS = 40;

  private OutputPath() {}

  /**
   * Tells whether a name is one of standard output.
   *
   * @param name what the user wrote
   * @return true if it is
   */
  public static boolean isStandardOutput(String name) {
    return STANDARD_OUTPUT.contains(name);
  }

  /**
   * Finds the file that is written or replaced: behind symbolic links, which stay.
   *
   * @param path what the user wrote
   * @return the file, absolute, which need not exist
   * @throws IOException if it is a folder, its folder does not exist, or it cannot be written
   */
  public static Path of(Path path) throws IOException {
    Path file = path.toAbsolutePath();
    for (int links = 0; Files.isSymbolicLink(file); links++) {
      if (links == MOST_LINKS) {
        throw new FileSystemLoopException(path.toString());
      }
      file = file.resolveSibling(Files.readSymbolicLink(file)).normalize();
    }
    if (Files.isDirectory(file)) {
      throw new IOException("expected a file, found the folder " + path);
    }
    Path folder = file.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IOException("its folder " + folder + " does not exist");
    }
    if (!Files.isWritable(Files.exists(file) ? file : folder)) {
      throw new IOException("no permission to write " + file);
    }
    return file;
  }

  /**
   * Tells whether a file can only be written to as it is, as a device or a pipe.
   *
   * @param file the file
   * @return true if it can
   */
  public static boolean isStream(Path file) {
    return Files.exists(file) && !Files.isRegularFile(file);
  }

  /**
   * Checks that no input would be overwritten.
   *
   * @param file the file that is to be written
   * @param inputs the files that are read
   * @param flag the flag that named the file, for the message
   * @throws IOException if one of the inputs is the file, by whatever name
   */
  public static void requireOther(Path file, List<Path> inputs, String flag) throws IOException {
    for (Path input : inputs) {
      if (Files.isRegularFile(input) && Files.exists(file) && Files.isSameFile(input, file)) {
        throw new IOException(
            "Expected another file for "
                + flag
                + " than for --input, found "
                + input
                + " for both: the texts would be replaced");
      }
    }
  }
}
