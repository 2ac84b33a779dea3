package io.luciole.testkit;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;

/** The memory of this process, as far as the platform reports it. */
final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");

  private ProcessMemory() {}

  /** Bytes of anonymous memory outside Java's heap, or 0 where the platform does not report it. */
  static long outsideHeap() {
    collect();
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("RssAnon:")) {
          long anonymous = Long.parseLong(line.replaceAll("\\D", "")) << 10;
          return anonymous
              - ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getCommitted();
        }
      }
    } catch (IOException e) {
      return 0;
    }
    return 0;
  }

  /** Bytes of live objects on Java's heap. */
  static long usedHeap() {
    collect();
    return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
  }

  /** Direct buffers are freed by the garbage collector. */
  @SuppressWarnings("CallingSystemGc") // That is what is to be measured.
  private static void collect() {
    System.gc();
  }
}
