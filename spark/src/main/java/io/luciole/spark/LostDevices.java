package io.luciole.spark;

import io.luciole.DeviceLostException;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.EngineHealth;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * Waits for a device before a task submits texts. An engine whose every device is lost fails texts
 * at once, so that all attempts of a task would be used up before the device is opened again.
 */
final class LostDevices {
  /**
   * The longest wait of a task's attempt. An engine pauses for up to a minute between two attempts
   * to open a device, so that each wait sees at least one of them, and the model has time to load.
   */
  static final Duration LIMIT = Duration.ofMinutes(2);

  private static final long PAUSE_MILLIS = 100;

  private LostDevices() {}

  /**
   * Waits until an engine has a device that works, or is closed.
   *
   * @param health asks the engine for its health
   * @param killed tells whether the task has been killed
   * @param limit how long to wait at most
   * @throws DeviceLostException if no device works by then; the message says why not
   * @throws EmbeddingInterruptedException if the thread is interrupted, or the task killed
   */
  static void await(Supplier<EngineHealth> health, BooleanSupplier killed, Duration limit) {
    long start = System.nanoTime();
    boolean waited = false;
    EngineHealth now = health.get();
    while (now.state() == EngineHealth.State.UNHEALTHY) {
      if (System.nanoTime() - start > limit.toNanos()) {
        throw lost(now, limit);
      }
      pause(killed);
      waited = true;
      now = health.get();
    }
    if (waited) {
      // An engine takes texts again only a moment after its health tells of the device.
      pause(killed);
    }
  }

  private static void pause(BooleanSupplier killed) {
    if (killed.getAsBoolean()) {
      throw interrupted("killed");
    }
    try {
      Thread.sleep(PAUSE_MILLIS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw interrupted("interrupted");
    }
  }

  private static EmbeddingInterruptedException interrupted(String how) {
    return new EmbeddingInterruptedException(
        "The task was " + how + " while it waited for a lost device to work again.");
  }

  private static DeviceLostException lost(EngineHealth health, Duration limit) {
    return new DeviceLostException(
        "Expected a device that works, found every device of the engine lost for more than "
            + limit.toSeconds()
            + " seconds. Restart the executor if the device works by itself. "
            + health.devices().stream()
                .map(each -> each.device() + ": " + each.problem().orElse("no reason is known"))
                .collect(Collectors.joining("; ")));
  }
}
