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

  synchronized void tooLarge(long cost) {
    now = (int) Math.max(1, Math.min(now, cost / 2));
    good = 0;
  }

  synchronized void fitted(long cost) {
    if (now < most && cost >= now / 2 && ++good >= GOOD_RUNS) {
      now = (int) Math.min(most, (long) now + Math.max(1, now / 8));
      good = 0;
    }
  }
}
