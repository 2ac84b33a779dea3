package io.luciole;

import java.util.concurrent.TimeUnit;

/**
 * Tells a free device how long callers that were just answered are worth waiting for.
 *
 * <p>A caller that waits for each result asks again as soon as it has one, a moment after the
 * device became free. A device that never waits runs what other callers left meanwhile, and so
 * serves two halves of them in turn, each of which waits for the other: two short runs, where one
 * would take hardly longer than either. Disks know this as deceptive idleness (Iyer and Druschel,
 * <i>Anticipatory scheduling</i>, SOSP 2001), and so does this class: after a run, it expects as
 * many texts as were answered, as long as most of those that were expected lately have come. The
 * first has a quarter of the time that the run took; each that comes gives the next an eighth, for
 * half of it in all, so that one caller who stays away costs a moment. Callers that do not come
 * back are noticed without a wait, since what comes in that time is counted whether a device waits
 * or not.
 *
 * <p>Used under the lock of its {@link BatchScheduler}. Times are in nanoseconds.
 */
final class Anticipation {
  /** The part of a run's time that all callers have to come back. */
  static final int SHARE = 2;

  /** The part that the first of them has. */
  static final int FIRST = 4;

  /** The part that each has after the one before. */
  static final int PAUSE = 8;

  /** The longest that all have: beyond, an idle device costs more than the run that it saves. */
  static final long LONGEST = TimeUnit.MICROSECONDS.toNanos(500);

  /** The share of answered callers that must have come back lately. */
  static final double LIKELY = 0.75;

  /** The weight of the last run among those before. */
  private static final double NEWEST = 1.0 / 8;

  private int answered;
  private int came;
  private long since;
  private long window;
  private long pause;

  /** How long after {@code since} the next caller is expected, at most {@code window}. */
  private long patience;

  private double share;

  /**
   * A run has ended.
   *
   * @param texts how many callers it answers
   * @param nanos how long it took
   */
  void ran(int texts, long nanos, long now) {
    if (answered > 0) {
      share += (Math.min(1.0, (double) came / answered) - share) * NEWEST;
    }
    answered = texts;
    came = 0;
    since = now;
    window = Math.min(nanos / SHARE, LONGEST);
    pause = nanos / PAUSE;
    patience = Math.min(nanos / FIRST, window);
  }

  /** Texts have come. */
  void came(int texts, long now) {
    long after = now - since;
    if (after <= patience) {
      came += texts;
      patience = Math.max(patience, Math.min(after + pause, window));
    }
  }

  /** How much longer a free device should wait; 0 or less if not at all. */
  long nanosLeft(long now) {
    return share < LIKELY || came >= answered ? 0 : patience - (now - since);
  }
}
