package io.luciole;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A batch being cut from {@link WaitingTexts}, under {@link BatchScheduler}'s lock. */
final class BatchCut {
  private final WaitingTexts waiting;
  private final boolean pads;
  final List<Request> taken = new ArrayList<>();
  private final Set<WaitingTexts.Flow> touched = new LinkedHashSet<>();
  private final BatchScheduler.Limits limits;
  final long now;
  private long tokens;
  private int longest;

  /** Texts found past their deadline, for their owner to fail. */
  private final List<Request> lapsed;

  boolean full;

  /** Whether the texts that come are shorter than the batch's own class. */
  boolean mindsPadding;

  BatchCut(
      WaitingTexts waiting,
      boolean pads,
      BatchScheduler.Limits limits,
      List<Request> lapsed,
      long now) {
    this.waiting = waiting;
    this.pads = pads;
    this.limits = limits;
    this.lapsed = lapsed;
    this.now = now;
  }

  long cost() {
    return pads ? (long) longest * taken.size() : tokens;
  }

  /** Takes from a bucket until it is empty or the batch is full. */
  void drain(WaitingTexts.Bucket bucket) {
    for (Request r = bucket.oldest; r != null; r = bucket.oldest) {
      if (!fits(r)) {
        full = true;
        return;
      }
      if (touched.add(bucket.flow)) {
        bucket.flow.lane.turns.remove(bucket.flow);
      }
      waiting.unlink(r);
      bucket.flow.service += r.length;
      if (r.isExpired(now)) {
        lapsed.add(r);
      } else if (!r.isSettled()) {
        taken.add(r);
        tokens += r.length;
        longest = Math.max(longest, r.length);
      }
    }
  }

  private boolean fits(Request r) {
    if (taken.isEmpty()) {
      return true;
    }
    int most = Math.max(longest, r.length);
    long padded = (long) most * (taken.size() + 1);
    if (mindsPadding && padded - tokens - r.length > limits.fixedCost()) {
      return false;
    }
    long cost = pads ? padded : tokens + r.length;
    return cost <= limits.tokens() && taken.size() < limits.texts();
  }

  /** Puts the flows that were served back in order. */
  void settle() {
    for (WaitingTexts.Flow flow : touched) {
      if (flow.texts > 0) {
        flow.lane.turns.add(flow);
      } else {
        WaitingTexts.dropIfEmpty(flow);
      }
    }
  }
}
