package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The texts that wait, and the decision which of them go next.
 *
 * <h2>What is decided</h2>
 *
 * Whoever has a free device calls {@link #take} and gets the best batch of what waits:
 *
 * <ol>
 *   <li><b>Lane.</b> Interactive texts go before bulk ones. Each batch cut while the other lane
 *       waits earns bulk credit, {@code 1/7} of its cost; when the credit pays for a batch, bulk
 *       has a turn, so that it keeps an eighth of the device under any interactive load.
 *   <li><b>Flow.</b> The texts of one job that want the same kind of output are a flow. The flow
 *       with the least service so far has the turn (start-time fair queueing, Goyal et al. 1996: a
 *       flow that appears starts at the service of the one last served), and what it leaves free of
 *       the batch is filled from other flows, which pay for it.
 *   <li><b>Length.</b> Where the backend pads, a batch costs its longest text times its number of
 *       texts, so texts are kept by length in classes, eight an octave. Of the flow's classes that
 *       one is taken of which most waits, up to a full batch, the oldest text deciding ties.
 *       Shorter texts join as long as all the padding costs less than a batch of their own would:
 *       the device's fixed cost.
 *   <li><b>Age.</b> A flow's oldest text is overtaken by at most {@value #MAX_OVERTAKEN} budgets of
 *       younger ones; beyond that it is taken at the flow's next turn, with texts of its length.
 * </ol>
 *
 * <h2>What it costs</h2>
 *
 * Texts are linked into their bucket and their flow, buckets of a length into a ring over the
 * flows. Adding and removing a text and cutting a batch do not depend on how many texts wait: a
 * batch of b texts from f flows costs O(b + f log F + buckets) of F flows.
 *
 * <h2>Waiting</h2>
 *
 * There is no artificial delay: a free device takes what is there. While earlier stages still hold
 * texts that will be here at once ({@code upstream}), it gathers for at most {@link #GATHER_NANOS};
 * and a {@code maxWait} lets those who want fuller batches wait longer.
 *
 * <p>One lock guards everything; no thread of its own, time from an injected clock, and nothing of
 * the caller's is called under the lock.
 */
final class BatchScheduler {
  /** How long a free device waits for texts that are in an earlier stage. */
  static final long GATHER_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  /** Budgets of younger texts that may overtake a text of the same flow. */
  static final int MAX_OVERTAKEN = 8;

  private static final int BULK_SHARE = 8;

  /**
   * What a device takes.
   *
   * @param tokens most tokens of a batch, padding included; a longer text goes alone
   * @param texts most texts of a batch
   * @param fixedCost what a batch costs beyond its tokens, in tokens
   */
  record Limits(int tokens, int texts, int fixedCost) {}

  /** What waits. */
  record Depth(long texts, long tokens) {}

  private final boolean pads;
  private final long maxWaitNanos;
  private final LongSupplier clock;
  private final LongSupplier upstream;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final WaitingTexts waiting;
  private final WaitingTexts.LaneQueue interactive;
  private final WaitingTexts.LaneQueue bulk;

  /** Texts found past their deadline when a batch was cut. */
  private final List<Request> lapsed = new ArrayList<>();

  private long bulkCredit;
  private long gatheringSince;
  private int waiters;
  private boolean hurried;
  private boolean closed;
  private boolean barred;

  /**
   * Creates an empty queue.
   *
   * @param pads whether texts of unequal length cost padding
   * @param maxWaitNanos how long a free device may wait for a full batch
   * @param clock nanoseconds, as {@link System#nanoTime}
   * @param upstream how many texts earlier stages hold
   */
  BatchScheduler(boolean pads, long maxWaitNanos, LongSupplier clock, LongSupplier upstream) {
    this.pads = pads;
    this.waiting = new WaitingTexts(pads);
    this.interactive = waiting.interactive;
    this.bulk = waiting.bulk;
    this.maxWaitNanos = maxWaitNanos;
    this.clock = clock;
    this.upstream = upstream;
  }

  /**
   * Takes texts in.
   *
   * @return false if the queue is {@linkplain #bar barred}: none was taken
   */
  boolean add(Collection<Request> requests) {
    lock.lock();
    try {
      if (barred) {
        return false;
      }
      if (waiting.size() == 0) {
        gatheringSince = clock.getAsLong();
      }
      for (Request request : requests) {
        waiting.link(request, this);
      }
      if (waiters > 0) {
        changed.signal();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a text in; as {@link #add(Collection)}. */
  boolean add(Request request) {
    lock.lock();
    try {
      if (barred) {
        return false;
      }
      if (waiting.size() == 0) {
        gatheringSince = clock.getAsLong();
      }
      waiting.link(request, this);
      if (waiters > 0) {
        changed.signal();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes one text out, because it was settled. False if it does not wait here. */
  boolean remove(Request request) {
    lock.lock();
    try {
      if (request.holder != this) {
        return false;
      }
      WaitingTexts.dropIfEmpty(waiting.unlink(request));
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes out every text whose deadline has passed, and those that a cut left out for it. */
  List<Request> removeExpired() {
    lock.lock();
    try {
      if (lapsed.isEmpty() && waiting.deadlines.isEmpty()) {
        return List.of();
      }
      List<Request> expired = new ArrayList<>(lapsed);
      lapsed.clear();
      long now = clock.getAsLong();
      while (!waiting.deadlines.isEmpty() && waiting.deadlines.first().isExpired(now)) {
        Request request = waiting.deadlines.first();
        WaitingTexts.dropIfEmpty(waiting.unlink(request));
        expired.add(request);
      }
      return expired;
    } finally {
      lock.unlock();
    }
  }

  /** Takes everything out. */
  List<Request> removeAll() {
    lock.lock();
    try {
      List<Request> all = new ArrayList<>(lapsed);
      lapsed.clear();
      for (WaitingTexts.LaneQueue lane : List.of(interactive, bulk)) {
        while (!lane.turns.isEmpty()) {
          WaitingTexts.Flow flow = lane.turns.first();
          for (Request r = flow.oldest; r != null; r = flow.oldest) {
            waiting.unlink(r);
            all.add(r);
          }
          WaitingTexts.dropIfEmpty(flow);
        }
      }
      changed.signalAll();
      return all;
    } finally {
      lock.unlock();
    }
  }

  /** Refuses texts, or takes them again. */
  void bar(boolean refuse) {
    lock.lock();
    try {
      barred = refuse;
    } finally {
      lock.unlock();
    }
  }

  /** From now on no batch is waited for: what is there goes at once. */
  void hurry() {
    lock.lock();
    try {
      hurried = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Lets {@link #take} return null once nothing waits. */
  void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the queue is closed and nothing waits. */
  boolean isFinished() {
    lock.lock();
    try {
      return closed && waiting.size() == 0;
    } finally {
      lock.unlock();
    }
  }

  /** Makes waiting takers look again: earlier stages are empty, or a taker is to stop. */
  void wake() {
    lock.lock();
    try {
      if (waiters > 0) {
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** How many texts wait, without the lock. */
  long size() {
    return waiting.size();
  }

  Depth depth(Lane lane) {
    lock.lock();
    try {
      WaitingTexts.LaneQueue queue = lane == Lane.INTERACTIVE ? interactive : bulk;
      return new Depth(queue.texts, queue.tokens);
    } finally {
      lock.unlock();
    }
  }

  /** Who takes batches, as far as waiting depends on it. */
  interface Taker {
    /** What fits now. */
    Limits limits();

    /** Whether the taker shall return without a batch. Read under the lock. */
    boolean stopped();
  }

  /**
   * Waits until there is something to run and cuts a batch of it: live texts of one lane and one
   * kind of output, none past its deadline.
   *
   * @return the texts, or null if the queue is closed and empty, or the taker stopped
   */
  @Nullable List<Request> take(Taker taker) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (true) {
        if (taker.stopped()) {
          if (waiters > 0 && waiting.size() > 0) {
            changed.signal(); // for another taker: this one may have been woken in its place
          }
          return null;
        }
        long wait = 0;
        if (waiting.size() > 0) {
          Limits limits = taker.limits();
          wait = closed || waiting.tokens() >= limits.tokens ? 0 : gatherNanos();
          if (wait <= 0) {
            List<Request> batch = cut(limits);
            if (!batch.isEmpty()) {
              return batch;
            }
            continue;
          }
        } else if (closed) {
          return null;
        }
        waiters++;
        try {
          if (wait > 0) {
            @SuppressWarnings("unused") // the loop looks at the clock again
            long left = changed.awaitNanos(wait);
          } else {
            changed.await();
          }
        } finally {
          waiters--;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Cuts a bulk batch ahead of time, if one would be full and nothing more urgent waits; otherwise
   * null. Never waits.
   */
  @Nullable List<Request> takeFull(Limits limits) {
    lock.lock();
    try {
      if (interactive.texts > 0 || bulk.tokens < 2L * limits.tokens) {
        return null;
      }
      List<Request> batch = cut(limits);
      return batch.isEmpty() ? null : batch;
    } finally {
      lock.unlock();
    }
  }

  /** Cuts a batch of what waits, without waiting; empty if nothing does. For tests. */
  List<Request> poll(Limits limits) {
    lock.lock();
    try {
      return waiting.size() == 0 ? List.of() : cut(limits);
    } finally {
      lock.unlock();
    }
  }

  /** Cuts a batch of interactive texts if it is their turn; otherwise null. Never waits. */
  @Nullable List<Request> takeInteractive(Limits limits) {
    lock.lock();
    try {
      if (interactive.texts == 0 || lane(limits) != interactive) {
        return null;
      }
      List<Request> batch = cut(limits);
      return batch.isEmpty() ? null : batch;
    } finally {
      lock.unlock();
    }
  }

  private long gatherNanos() {
    long bound = hurried ? 0 : maxWaitNanos;
    if (bound < GATHER_NANOS && upstream.getAsLong() > 0) {
      bound = GATHER_NANOS;
    }
    return bound == 0 ? 0 : bound - (clock.getAsLong() - gatheringSince);
  }

  private List<Request> cut(Limits limits) {
    WaitingTexts.LaneQueue lane = lane(limits);
    WaitingTexts.Flow flow = lane.turns.first();
    lane.service = flow.service;
    BatchCut cut = new BatchCut(waiting, pads, limits, lapsed, clock.getAsLong());
    int seed = pads ? seed(flow, limits) : 0;
    for (int index = seed; index >= 0 && !cut.full; index--) {
      cut.mindsPadding = index < seed;
      if (index < flow.buckets.length && flow.buckets[index] != null) {
        cut.drain(requireNonNull(flow.buckets[index]));
      }
      WaitingTexts.Ring ring = lane.ring(flow, index);
      while (!cut.full && ring.first != null) {
        // Drained, it leaves the ring; not drained, the batch is full and the next begins after it.
        WaitingTexts.Bucket bucket = ring.first;
        cut.drain(bucket);
        if (ring.first == bucket) {
          ring.first = bucket.nextInRing;
        }
      }
    }
    cut.settle();
    charge(lane, cut.cost(), limits);
    gatheringSince = cut.now;
    if (waiters > 0 && waiting.size() > 0) {
      changed.signal();
    }
    return cut.taken;
  }

  private WaitingTexts.LaneQueue lane(Limits limits) {
    if (interactive.texts == 0) {
      return bulk;
    }
    return bulk.texts > 0 && bulkCredit >= Math.min(limits.tokens, bulk.tokens)
        ? bulk
        : interactive;
  }

  private void charge(WaitingTexts.LaneQueue lane, long cost, Limits limits) {
    if (lane == bulk) {
      bulkCredit = Math.max(0, bulkCredit - cost);
    } else if (bulk.texts > 0) {
      // A small batch costs time too, however few its tokens.
      bulkCredit += (cost + limits.tokens / 16) / (BULK_SHARE - 1);
    } else {
      bulkCredit = 0;
    }
  }

  /** The bucket to begin with, longest texts of the batch. */
  private int seed(WaitingTexts.Flow flow, Limits limits) {
    Request oldest = requireNonNull(flow.oldest);
    long overtaken = flow.arrived - flow.tokens - oldest.position;
    if (overtaken > (long) MAX_OVERTAKEN * limits.tokens) {
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
      if (cheap && flow.lane.texts * (WaitingTexts.shortestOf(index + 1) - 1) <= limits.fixedCost) {
        return index; // everything together costs no more than a single text
      }
      cheap = false;
      long fill = Math.min(flow.lane.ring(flow, index).tokens, limits.tokens);
      long age = bucket.oldest.sequence;
      if (fill > bestFill || (fill == bestFill && age < bestAge)) {
        best = index;
        bestFill = fill;
        bestAge = age;
      }
    }
    return best;
  }
}
