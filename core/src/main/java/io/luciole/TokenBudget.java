package io.luciole;

import com.google.errorprone.annotations.concurrent.GuardedBy;

/**
 * The largest number of tokens in a device's batches, padding included. It falls to half the size
 * of a batch that did not fit into the device's memory, and rises by an eighth, up to where it
 * began, after {@value #GOOD_RUNS} batches that fitted and had at least half its size. Safe for use
 * by many threads.
 */
final class TokenBudget {
  private static final int GOOD_RUNS = 32;

  private final int initial;

  @GuardedBy("this")
  private int current;

  @GuardedBy("this")
  private int goodRuns;

  TokenBudget(int initial) {
    this.initial = initial;
    this.current = initial;
  }

  synchronized int tokens() {
    return current;
  }

  /** Notes that a batch of this many tokens ran out of memory. Returns whether the budget fell. */
  synchronized boolean tooLarge(long tokens) {
    int before = current;
    current = (int) Math.max(1, Math.min(current, tokens / 2));
    goodRuns = 0;
    return current != before;
  }

  /** Notes that a batch of this many tokens was computed. Returns whether the budget rose. */
  synchronized boolean fitted(long tokens) {
    if (current == initial || tokens < current / 2 || ++goodRuns < GOOD_RUNS) {
      return false;
    }
    current = (int) Math.min(initial, (long) current + Math.max(1, current / 8));
    goodRuns = 0;
    return true;
  }
}
