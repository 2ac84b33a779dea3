package io.luciole;

import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.IntStream;

/**
 * Tells callers who wait for each of their texts from those who submit ahead: how many texts of the
 * calling thread are not settled yet.
 *
 * <p>Threads share {@value #SLOTS} counters by their ids, so that nothing is kept for a thread that
 * has ended. Threads of successive ids never share one; another thread's text may make a caller
 * look like one who submits ahead, never the reverse. Safe for use by many threads.
 */
final class Callers {
  /** A power of 2. */
  private static final int SLOTS = 1024;

  private final AtomicIntegerArray unsettled = new AtomicIntegerArray(SLOTS);

  /**
   * Counts a text that the calling thread submits.
   *
   * @return whether it is the only one of the thread that is not settled
   */
  boolean submits(Request request) {
    request.caller = (int) Thread.currentThread().threadId() & (SLOTS - 1);
    return unsettled.getAndIncrement(request.caller) == 0;
  }

  /** A counted text is settled, by whichever thread. */
  void settled(Request request) {
    unsettled.decrementAndGet(request.caller);
  }

  /** How many slots count texts; 0 once everything is settled. */
  long busySlots() {
    return IntStream.range(0, SLOTS).filter(i -> unsettled.get(i) != 0).count();
  }
}
