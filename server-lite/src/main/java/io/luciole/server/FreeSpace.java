package io.luciole.server;

import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The room that is left on the disk of a folder. Safe for use by many threads. */
final class FreeSpace {
  private final long least;

  /** Looked up once; null where that failed. */
  private final @Nullable FileStore disk;

  /**
   * The space of a folder that is there.
   *
   * @param least the bytes that should be free
   */
  FreeSpace(Path folder, long least) {
    this.least = least;
    this.disk = disk(folder);
  }

  private static @Nullable FileStore disk(Path folder) {
    try {
      return Files.getFileStore(folder);
    } catch (IOException e) {
      return null;
    }
  }

  /** Says how much is missing; empty if nothing is, or if that cannot be told. */
  Optional<String> shortage() {
    if (disk == null) {
      return Optional.empty();
    }
    try {
      long free = disk.getUsableSpace();
      // A disk of 2^63 bytes and more has a negative number of them.
      return free < 0 || free >= least
          ? Optional.empty()
          : Optional.of(
              "The disk of the index is nearly full: documents are taken while "
                  + least
                  + " bytes are free ("
                  + ServedIndexKeys.MIN_DISK
                  + "), and there are "
                  + free
                  + ". Make room; searches and deletions go on.");
    } catch (IOException e) {
      return Optional.empty(); // The index itself finds out what is wrong with its folder.
    }
  }
}
