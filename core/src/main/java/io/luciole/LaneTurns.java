package io.luciole;

/**
 * Decides which lane has the next batch. Interactive texts go before bulk texts. Each interactive
 * batch that is cut while bulk texts wait earns the bulk lane a credit of {@code 1/7} of its cost;
 * when the credit pays for a batch, the bulk lane has a turn.
 *
 * <p>Used under the lock of its {@link BatchScheduler}.
 */
final class LaneTurns {
  /** The bulk lane keeps one part in this many of the device. */
  private static final int BULK_SHARE = 8;

  private final WaitingTexts.LaneQueue interactive;
  private final WaitingTexts.LaneQueue bulk;
  private long bulkCredit;

  LaneTurns(WaitingTexts.LaneQueue interactive, WaitingTexts.LaneQueue bulk) {
    this.interactive = interactive;
    this.bulk = bulk;
  }

  WaitingTexts.LaneQueue next(BatchScheduler.Limits limits) {
    if (interactive.texts == 0) {
      return bulk;
    }
    return bulk.texts > 0 && bulkCredit >= Math.min(limits.tokens(), bulk.tokens)
        ? bulk
        : interactive;
  }

  /** A lane has had a batch. */
  void charge(WaitingTexts.LaneQueue lane, long cost, BatchScheduler.Limits limits) {
    if (lane == bulk) {
      bulkCredit = Math.max(0, bulkCredit - cost);
    } else if (bulk.texts > 0) {
      // A small batch costs time too, however few its tokens.
      bulkCredit += (cost + limits.tokens() / 16) / (BULK_SHARE - 1);
    } else {
      bulkCredit = 0;
    }
  }
}
