package io.luciole;

import java.util.function.LongSupplier;

/** For how long a device has been there, and for how long at least one run was under way on it. */
final class BusyClock {
  private final LongSupplier clock;
  private int running;
  private long runningSince;
  private long busy;
  private boolean present;
  private long presentSince;
  private long available;

  BusyClock(LongSupplier clock) {
    this.clock = clock;
  }

  synchronized void runs(boolean begins) {
    long now = clock.getAsLong();
    if (begins) {
      if (running++ == 0) {
        runningSince = now;
      }
    } else if (--running == 0) {
      busy += now - runningSince;
    }
  }

  synchronized void present(boolean is) {
    long now = clock.getAsLong();
    if (present != is) {
      available += is ? 0 : now - presentSince;
      presentSince = now;
      present = is;
    }
  }

  synchronized long busyNanos() {
    return busy + (running > 0 ? clock.getAsLong() - runningSince : 0);
  }

  synchronized long availableNanos() {
    return available + (present ? clock.getAsLong() - presentSince : 0);
  }
}
