package io.luciole;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.function.LongSupplier;

/**
 * Measures the time for which a device was available, and the part of it with at least one run in
 * progress, in nanoseconds. Safe for use by many threads.
 */
final class BusyClock {
  private final LongSupplier clock;

  @GuardedBy("this")
  private int running;

  @GuardedBy("this")
  private long runningSince;

  @GuardedBy("this")
  private long busy;

  @GuardedBy("this")
  private boolean present;

  @GuardedBy("this")
  private long presentSince;

  @GuardedBy("this")
  private long available;

  BusyClock(LongSupplier clock) {
    this.clock = clock;
  }

  synchronized void runStarted() {
    if (running++ == 0) {
      runningSince = clock.getAsLong();
    }
  }

  synchronized void runEnded() {
    if (--running == 0) {
      busy += clock.getAsLong() - runningSince;
    }
  }

  /** Notes whether the device is available from now on. */
  synchronized void setAvailable(boolean now) {
    long time = clock.getAsLong();
    if (present != now) {
      available += now ? 0 : time - presentSince;
      presentSince = time;
      present = now;
    }
  }

  synchronized long busyNanos() {
    return busy + (running > 0 ? clock.getAsLong() - runningSince : 0);
  }

  synchronized long availableNanos() {
    return available + (present ? clock.getAsLong() - presentSince : 0);
  }
}
