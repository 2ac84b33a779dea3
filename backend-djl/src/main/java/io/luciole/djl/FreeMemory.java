package io.luciole.djl;

import io.luciole.spi.BackendOutOfMemoryException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongSupplier;

/**
 * Keeps a batch that the machine has no memory for from being begun. On the CPU PyTorch cannot say
 * that memory is short: Linux promises more than it has, and kills the process that takes it up on
 * that.
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

  /**
   * What Linux has to spare for this process, its control group's limit included; else no limit.
   */
  static FreeMemory ofThisProcess() {
    return new FreeMemory(() -> Math.min(ofMachine(), ofControlGroup()));
  }

  /** A made-up figure. */
  static FreeMemory of(long bytes) {
    return new FreeMemory(() -> bytes);
  }

  /** No figure, so that every batch is begun: for devices that report shortage themselves. */
  static FreeMemory unknown() {
    return of(Long.MAX_VALUE);
  }

  /**
   * Checks that a run has the memory it takes.
   *
   * @throws BackendOutOfMemoryException if not
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
    // Pages of files that nobody touched of late are given up before anything is refused.
    long used = field(USED, "", 0) - field(PARTS, "inactive_file ", 0);
    return Math.max(0, limit - Math.max(0, used));
  }

  /** The number behind a line's beginning, or a default where file, line or number is missing. */
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
