package io.luciole.internal;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;

/** Folders that last as long as the JVM. */
public final class TemporaryFolder {
  private TemporaryFolder() {}

  /**
   * Creates a folder in {@code java.io.tmpdir} that the JVM deletes as it exits.
   *
   * @param prefix what its name begins with
   * @param files the names of all files that will be written to it
   * @throws IOException if it cannot be created
   */
  public static Path create(String prefix, Collection<String> files) throws IOException {
    Path folder = Files.createTempDirectory(prefix);
    // The JVM deletes in the reverse order: the folder last, when it is empty.
    folder.toFile().deleteOnExit();
    for (String file : files) {
      folder.resolve(file).toFile().deleteOnExit();
    }
    return folder;
  }
}
