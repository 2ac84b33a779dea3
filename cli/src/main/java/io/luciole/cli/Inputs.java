package io.luciole.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;

/** Opens and checks input files that the user named. */
final class Inputs {
  private Inputs() {}

  /**
   * Opens a file.
   *
   * @throws CliException if it does not exist, or is not a file
   */
  static InputStream open(Path file) {
    requireFile(file);
    try {
      return Files.newInputStream(file);
    } catch (IOException e) {
      throw new CliException("Cannot read " + file + ": " + Failures.message(e), e);
    }
  }

  /**
   * Checks that there is a file to read.
   *
   * @throws CliException if not
   */
  static void requireFile(Path file) {
    if (!Files.exists(file)) {
      throw new CliException("No such file: " + file);
    }
    if (Files.isDirectory(file)) {
      throw new CliException("Expected a file, found the folder " + file);
    }
  }

  /** The number of lines; -1 for what is not a regular file and can be read only once. */
  static long countLines(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      return -1;
    }
    byte[] buffer = new byte[1 << 16];
    long lines = 0;
    byte last = '\n';
    try (InputStream in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
        for (int i = 0; i < n; i++) {
          lines += buffer[i] == '\n' ? 1 : 0;
        }
        last = buffer[n - 1];
      }
    }
    return last == '\n' ? lines : lines + 1;
  }
}
