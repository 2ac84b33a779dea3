package io.luciole.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.IntSupplier;
import java.util.function.LongSupplier;

/**
 * Lets little heavy work be done at once: parsing large bodies, whose values take many times the
 * memory of their bytes, tokenising them, and answers of very many hits. Each computes for long
 * without a pause, and more of it at once than there are cores would only keep everything else
 * waiting for a core. Safe for use by many threads.
 *
 * <p>Callers share it in two ways. Of the places each has what {@link Shares} gives it: one alone
 * computes on half of the cores, so that the model keeps the others. Of the time, while n callers
 * have requests under way, each has an n-th part of what all cores compute: one that took more
 * waits until the others have had as much. Alone it never waits.
 */
final class HeavyWork {
  /** Bodies of so many bytes are heavy. */
  static final int LARGE_BODY = 64 << 10;

  /** Answers of more hits than this are heavy. */
  static final int MANY_HITS = 100;

  /** Others may come and go while a caller waits for its time, so it looks again this often. */
  private static final long LOOK_NANOS = Duration.ofMillis(50).toNanos();

  private final int cores;
  private final IntSupplier callers;
  private final LongSupplier clock;
  private final Shares places;

  @GuardedBy("this")
  private final Map<String, Excess> excesses = new HashMap<>();

  /**
   * What a caller computed beyond its part, as of a time. Grows by work, shrinks as time passes.
   */
  private record Excess(double nanos, long asOf) {
    Excess at(long now, double part) {
      return new Excess(Math.max(0, nanos - (now - asOf) * part), now);
    }
  }

  /**
   * Creates places.
   *
   * @param cores the cores that compute; there are as many places, at least 2, and one caller alone
   *     has half of them
   * @param callers how many callers have requests under way
   */
  HeavyWork(int cores, IntSupplier callers) {
    this(cores, callers, System::nanoTime);
  }

  HeavyWork(int cores, IntSupplier callers, LongSupplier clock) {
    this.cores = cores;
    this.callers = callers;
    this.clock = clock;
    this.places = new Shares(Math.max(2, cores));
  }

  /**
   * Does heavy work when there is a place and a time for it.
   *
   * @param caller whose work it is
   * @param left how long to wait
   * @param work what to do
   * @return what that returned
   * @throws Problem if there is none in time
   * @throws Exception what the work threw
   */
  <T> T run(String caller, Duration left, Callable<T> work) throws Exception {
    boolean entered;
    try {
      entered = await(caller, left);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Problem.shuttingDown();
    }
    if (!entered) {
      throw Problem.overloaded("Too many large requests wait for a core; try again later.", 1);
    }
    long start = clock.getAsLong();
    try {
      return work.call();
    } finally {
      leave(caller, start);
    }
  }

  private synchronized boolean await(String caller, Duration left) throws InterruptedException {
    long end = System.nanoTime() + left.toNanos();
    while (true) {
      double rest = rest(caller);
      if (rest == 0 && places.take(caller, 1)) {
        return true;
      }
      long nanos = end - System.nanoTime();
      if (nanos <= 0) {
        return false;
      }
      long most = rest == 0 ? nanos : Math.min(nanos, LOOK_NANOS);
      wait(most / 1_000_000, (int) (most % 1_000_000));
    }
  }

  /** How many nanoseconds a caller has to wait while as many have requests as now. */
  @GuardedBy("this")
  private double rest(String caller) {
    Excess excess = excesses.get(caller);
    if (excess == null) {
      return 0;
    }
    double part = part();
    Excess left = excess.at(clock.getAsLong(), part);
    if (left.nanos() == 0) {
      excesses.remove(caller);
      return 0;
    }
    excesses.put(caller, left);
    return left.nanos() / part;
  }

  /** The part of a caller: how many seconds it may compute in a second, at most one. */
  private double part() {
    return Math.min(1, (double) cores / Math.max(1, callers.getAsInt()));
  }

  private synchronized void leave(String caller, long start) {
    places.give(caller, 1);
    long now = clock.getAsLong();
    double part = part();
    excesses.values().removeIf(excess -> excess.at(now, part).nanos() == 0);
    double more = (now - start) * (1 - part);
    if (more > 0) {
      Excess before = excesses.getOrDefault(caller, new Excess(0, now)).at(now, part);
      excesses.put(caller, new Excess(before.nanos() + more, now));
    }
    notifyAll();
  }
}
