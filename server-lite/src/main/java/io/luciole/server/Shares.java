package io.luciole.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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
  synchronized boolean take(String caller, long count) {
    if (taken > 0 && held.getOrDefault(caller, 0L) + count > units - taken) {
      return false;
    }
    held.merge(caller, count, Long::sum);
    taken += count;
    return true;
  }

  /** Gives units back, of those that the caller holds. */
  synchronized void give(String caller, long count) {
    taken -= count;
    held.compute(
        caller,
        (name, before) -> before == null || before - count == 0 ? null : (Long) (before - count));
  }

  /** The units that are held. */
  synchronized long taken() {
    return taken;
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
