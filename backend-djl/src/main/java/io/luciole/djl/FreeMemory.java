package io.luciole.djl;

import io.luciole.spi.BackendOutOfMemoryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Refuses a batch that the machine has no memory for, before it starts. On the CPU PyTorch cannot
 * report a shortage of memory: Linux grants allocations beyond what it has, and kills the process
 * when the memory is used.
 */
final class FreeMemory {
  private static final Path MEMINFO = Path.of("/proc/meminfo");
  private static final Path LIMIT = Path.of("/sys/fs/cgroup/memory.max");
  private static final Path USED = Path.of("/sys/fs/cgroup/memory.current");
  private static final Path PARTS = Path.of("/sys/fs/cgroup/memory.stat");

  private final LongSupplier bytes;

  private FreeMemory(LongSupplier bytes) {
    this.bytes = bytes;
  }

  /** The memory that Linux has available, within the limit of the control group; else no limit. */
  static FreeMemory ofThisProcess() {
    return new FreeMemory(() -> Math.min(ofMachine(), ofControlGroup()));
  }

  /** A fixed number of bytes, for tests. */
  static FreeMemory of(long bytes) {
    return new FreeMemory(() -> bytes);
  }

  /** No limit, for devices that report a shortage of memory themselves. */
  static FreeMemory unknown() {
    return of(Long.MAX_VALUE);
  }

  /**
   * Checks that the memory for a run is available.
   *
   * @param needed the bytes that the run needs
   * @param batch the batch, for the message
   * @throws BackendOutOfMemoryException if it is not
   */
  void require(long needed, Object batch) {
    long free = bytes.getAsLong();
    if (needed > free) {
      throw new BackendOutOfMemoryException(
          "Running "
              + batch
              + " takes about "
              + (needed >> 20)
              + " MiB, and the machine has "
              + (free >> 20)
              + " MiB to spare. Smaller batches, or fewer other programs, would fit.");
    }
  }

  private static long ofMachine() {
    return 1024 * field(MEMINFO, "MemAvailable:", Long.MAX_VALUE >> 10);
  }

  private static long ofControlGroup() {
    long limit = field(LIMIT, "", Long.MAX_VALUE);
    if (limit == Long.MAX_VALUE) {
      return limit;
    }
    // Linux drops inactive pages of files before it refuses an allocation, so they count as free.
    long used = field(USED, "", 0) - field(PARTS, "inactive_file ", 0);
    return Math.max(0, limit - Math.max(0, used));
  }

  /** The number that follows a prefix in a file, or a default if it is not there. */
  private static long field(Path file, String name, long missing) {
    try {
      List<String> lines = Files.readAllLines(file);
      for (String line : lines) {
        if (line.startsWith(name)) {
          return Long.parseLong(line.substring(name.length()).strip().split(" ", 2)[0]);
        }
      }
      return missing;
    } catch (IOException | NumberFormatException | SecurityException e) {
      return missing;
    }
  }
}
