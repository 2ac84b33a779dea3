package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/**
 * A batch that is being cut from {@link WaitingTexts}. Used under the lock of {@link
 * BatchScheduler}, which owns both.
 */
final class BatchCut {
  private final WaitingTexts waiting;
  private final boolean pads;
  final List<Request> taken = new ArrayList<>();
  private final Set<WaitingTexts.Flow> touched = new LinkedHashSet<>();
  private final BatchScheduler.Limits limits;
  final long now;
  private long tokens;
  private int longest;

  /** Receives the texts whose deadline has passed. */
  private final List<Request> expired;

  boolean full;

  /** True once texts of a shorter length class are being added, so that padding must be limited. */
  boolean limitPadding;

  BatchCut(
      WaitingTexts waiting,
      boolean pads,
      BatchScheduler.Limits limits,
      List<Request> expired,
      long now) {
    this.waiting = waiting;
    this.pads = pads;
    this.limits = limits;
    this.expired = expired;
    this.now = now;
  }

  /** The index of the length class to begin with: the longest texts of the batch. */
  int seed(WaitingTexts.Flow flow) {
    if (!pads) {
      return 0;
    }
    Request oldest = requireNonNull(flow.oldest);
    long overtaken = flow.arrived - flow.tokens - oldest.position;
    if (overtaken > (long) BatchScheduler.MAX_OVERTAKEN * limits.tokens()) {
      return requireNonNull(oldest.bucket).index;
    }
    int best = -1;
    long bestFill = -1;
    long bestAge = 0;
    boolean cheap = true;
    for (int index = flow.buckets.length - 1; index >= 0; index--) {
      WaitingTexts.Bucket bucket = flow.buckets[index];
      if (bucket == null || bucket.oldest == null) {
        continue;
      }
      if (cheap
          && flow.lane.texts * (WaitingTexts.shortestOf(index + 1) - 1) <= limits.fixedCost()) {
        return index; // everything together costs no more than a single text
      }
      cheap = false;
      long fill = Math.min(flow.lane.ring(flow, index).tokens, limits.tokens());
      long age = bucket.oldest.sequence;
      if (fill > bestFill || (fill == bestFill && age < bestAge)) {
        best = index;
        bestFill = fill;
        bestAge = age;
      }
    }
    return best;
  }

  /** The tokens that the device computes for this batch, padding included. */
  long cost() {
    return pads ? (long) longest * taken.size() : tokens;
  }

  /** Moves texts from a bucket into the batch until the bucket is empty or the batch is full. */
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
        expired.add(r);
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
    int newLongest = Math.max(longest, r.length);
    long padded = (long) newLongest * (taken.size() + 1);
    if (limitPadding && padded - tokens - r.length > limits.fixedCost()) {
      return false;
    }
    long cost = pads ? padded : tokens + r.length;
    return cost <= limits.tokens() && taken.size() < limits.texts();
  }

  /** Puts the flows that were served back into the order of turns. */
  void reorderFlows() {
    for (WaitingTexts.Flow flow : touched) {
      if (flow.texts > 0) {
        flow.lane.turns.add(flow);
      } else {
        WaitingTexts.dropIfEmpty(flow);
      }
    }
  }
}
