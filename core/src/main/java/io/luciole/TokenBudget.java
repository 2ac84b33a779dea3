package io.luciole;

/**
 * How many tokens a device's batches may have. Falls to half of a batch that was too large for the
 * device's memory, and rises by an eighth after {@value #GOOD_RUNS} batches of at least half of it
 * that were not.
 */
final class TokenBudget {
  private static final int GOOD_RUNS = 32;

  private final int most;
  private int now;
  private int good;

  TokenBudget(int most) {
    this.most = most;
    this.now = most;
  }

  synchronized int tokens() {
    return now;
  }

  /** A batch of this cost ran out of memory. Returns whether the budget fell. */
  synchronized boolean tooLarge(long cost) {
    int before = now;
    now = (int) Math.max(1, Math.min(now, cost / 2));
    good = 0;
    return now != before;
  }

  /** A batch of this cost was computed. Returns whether the budget rose. */
  synchronized boolean fitted(long cost) {
    if (now == most || cost < now / 2 || ++good < GOOD_RUNS) {
      return false;
    }
    now = (int) Math.min(most, (long) now + Math.max(1, now / 8));
    good = 0;
    return true;
  }
}
