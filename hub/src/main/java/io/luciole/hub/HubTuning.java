package io.luciole.hub;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.DoubleSupplier;

/**
 * How patient a pull is.
 *
 * @param connect the longest wait for a connection
 * @param stall the longest wait for the next byte; there is no limit on a whole file
 * @param attempts how often a request is made before it is given up, at least 1
 * @param progress so many bytes received make the count of attempts start again
 * @param sleeper waits
 * @param jitter numbers from 0 to 1
 * @param space the bytes that may be written to a folder's disk
 */
record HubTuning(
    Duration connect,
    Duration stall,
    int attempts,
    long progress,
    Sleeper sleeper,
    DoubleSupplier jitter,
    Space space) {
  static final HubTuning DEFAULT =
      new HubTuning(
          Duration.ofSeconds(10),
          Duration.ofSeconds(60),
          6,
          1 << 20,
          Thread::sleep,
          Math::random,
          folder -> Files.getFileStore(folder).getUsableSpace());

  /** {@link Thread#sleep(Duration)}. */
  interface Sleeper {
    void sleep(Duration duration) throws InterruptedException;
  }

  /** Free space on a disk, in bytes. */
  interface Space {
    long of(Path folder) throws IOException;
  }
}
