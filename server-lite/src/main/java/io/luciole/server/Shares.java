package io.luciole.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/**
 * A bounded number of units that callers share. A caller may hold as many as are still free, so
 * that one alone takes half of them, each of two a third, and each of n takes 1/(n + 1) (dynamic
 * thresholds, Choudhury and Hahne 1998). Whoever comes therefore finds room, however much the
 * others want. Units that exceed all there are can be taken while nothing else is held.
 *
 * <p>Safe for use by many threads.
 */
final class Shares {
  private final long units;

  @GuardedBy("this")
  private final Map<String, Long> held = new HashMap<>();

  @GuardedBy("this")
  private long taken;

  Shares(long units) {
    this.units = units;
  }

  /** Takes units, all or none. */
  boolean take(String caller, long count) {
    return takeMore(caller, 0, count);
  }

  /**
   * Takes units, all or none, for a request of the caller's that holds some already. It gets all
   * that it asks for if nobody else holds any.
   *
   * @param own the units that the request holds, among those of its caller
   */
  synchronized boolean takeMore(String caller, long own, long count) {
    if (taken > own && held.getOrDefault(caller, 0L) + count > units - taken) {
      return false;
    }
    held.merge(caller, count, Long::sum);
    taken += count;
    return true;
  }

  /** As {@link #takeMore}, and waits until there are so many; false if not in time. */
  synchronized boolean await(String caller, long own, long count, Duration left)
      throws InterruptedException {
    long end = System.nanoTime() + left.toNanos();
    while (!takeMore(caller, own, count)) {
      long millis = (end - System.nanoTime()) / 1_000_000;
      if (millis <= 0) {
        return false;
      }
      wait(millis);
    }
    return true;
  }

  /** Gives units back, of those that the caller holds. */
  synchronized void give(String caller, long count) {
    taken -= count;
    held.compute(
        caller,
        (name, before) -> before == null || before - count == 0 ? null : (Long) (before - count));
    notifyAll();
  }

  /** The units that are held. */
  synchronized long taken() {
    return taken;
  }

  /** How many callers hold units. */
  synchronized int callers() {
    return held.size();
  }

  /** The units that others than a caller hold, of each at most so many. */
  synchronized long takenByOthers(String caller, long most) {
    long sum = 0;
    for (Map.Entry<String, Long> each : held.entrySet()) {
      if (!each.getKey().equals(caller)) {
        sum += Math.min(most, each.getValue());
      }
    }
    return sum;
  }
}
