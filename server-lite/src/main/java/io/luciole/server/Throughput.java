package io.luciole.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.function.LongSupplier;

/**
 * How many tokens a second the models compute, measured while so many wait that the models and not
 * their clients set the pace. Otherwise nothing is measured, and the last measurement holds. Safe
 * for use by many threads.
 */
final class Throughput {
  /** So many tokens that wait keep the models busy. */
  static final long BUSY = 4096;

  private static final long WINDOW_NANOS = 1_000_000_000L;

  private final LongSupplier clock;

  @GuardedBy("this")
  private boolean measuring;

  @GuardedBy("this")
  private long since;

  @GuardedBy("this")
  private long done;

  @GuardedBy("this")
  private double tokensPerSecond;

  Throughput(LongSupplier clock) {
    this.clock = clock;
  }

  /** So many tokens wait now, or did before some of them were computed. */
  synchronized void record(long waiting, long computed) {
    long now = clock.getAsLong();
    if (waiting < BUSY) {
      measuring = false;
    } else if (!measuring) {
      measuring = true;
      since = now;
      done = 0;
    } else {
      done += computed;
      if (now - since >= WINDOW_NANOS) {
        double measured = done * 1e9 / (now - since);
        tokensPerSecond = tokensPerSecond > 0 ? (tokensPerSecond + measured) / 2 : measured;
        since = now;
        done = 0;
      }
    }
  }

  /** The tokens a second; 0 before the first measurement. */
  synchronized double tokensPerSecond() {
    return tokensPerSecond;
  }
}
