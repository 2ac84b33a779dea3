package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
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
 *       texts, so texts are kept by length in buckets, eight an octave. Of the flow's buckets that
 *       one is taken whose neighbourhood fills the budget best, the oldest text deciding ties. A
 *       batch takes texts down to {@value #SHORTEST_QUARTERS} quarters of its longest, and shorter
 *       ones only while the whole batch costs no more than the device's fixed cost.
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

  /** Quarters of a padded batch's longest text that its shortest has at least. */
  static final int SHORTEST_QUARTERS = 3;

  private static final int BULK_SHARE = 8;

  /**
   * What a device takes.
   *
   * @param tokens most tokens of a batch, padding included; a longer text goes alone
   * @param texts most texts of a batch
   * @param fixedCost tokens below which a padded batch's cost does not depend on its size
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
  private final LaneQueue interactive = new LaneQueue();
  private final LaneQueue bulk = new LaneQueue();
  private final TreeSet<Request> deadlines =
      new TreeSet<>((a, b) -> {
        int byTime = Long.signum(a.deadlineNanos - b.deadlineNanos);
        return byTime != 0 ? byTime : Long.compare(a.sequence, b.sequence);
      });

  /** Texts found past their deadline when a batch was cut. */
  private final List<Request> lapsed = new ArrayList<>();

  private long sequence;
  private long bulkCredit;
  private long gatheringSince;
  private int waiters;
  private boolean closed;
  private boolean barred;

  /** How many texts wait; for reading without the lock. */
  private volatile long size;

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
    this.maxWaitNanos = maxWaitNanos;
    this.clock = clock;
    this.upstream = upstream;
  }

  /** Texts of one length class of one flow, oldest first; in the ring of its class if not empty. */
  static final class Bucket {
    private final Flow flow;
    private final int index;
    private @Nullable Request oldest;
    private @Nullable Request newest;
    private @Nullable Bucket previousInRing;
    private @Nullable Bucket nextInRing;

    private Bucket(Flow flow, int index) {
      this.flow = flow;
      this.index = index;
    }
  }

  /** The waiting texts of one job with one kind of output. Lives while it has texts. */
  private static final class Flow {
    private final FlowKey key;
    private final LaneQueue lane;
    private final long id;
    private @Nullable Bucket[] buckets = new Bucket[32];
    private @Nullable Request oldest;
    private @Nullable Request newest;
    private int texts;
    private long tokens;

    /** Tokens that ever came; minus {@link #tokens}, those that left. */
    private long arrived;

    /** Tokens served, on the lane's scale. Changes only while out of the lane's order. */
    private long service;

    private Flow(FlowKey key, LaneQueue lane, long id) {
      this.key = key;
      this.lane = lane;
      this.id = id;
      this.service = lane.service;
    }

    private Bucket bucket(int index) {
      if (index >= buckets.length) {
        buckets = Arrays.copyOf(buckets, index + 16);
      }
      Bucket bucket = buckets[index];
      if (bucket == null) {
        bucket = new Bucket(this, index);
        buckets[index] = bucket;
      }
      return bucket;
    }
  }

  private record FlowKey(Object job, boolean tokenVectors) {}

  /** The buckets of one length class that are not empty, over all flows of a lane and kind. */
  private static final class Ring {
    private @Nullable Bucket first;
    private long tokens;
  }

  private static final class LaneQueue {
    private final Map<FlowKey, Flow> flows = new HashMap<>();
    private final TreeSet<Flow> turns =
        new TreeSet<>(Comparator.<Flow>comparingLong(f -> f.service).thenComparingLong(f -> f.id));
    private final List<Ring> plain = new ArrayList<>();
    private final List<Ring> withTokenVectors = new ArrayList<>();
    private long texts;
    private long tokens;

    /** Service of the flow that had the last turn. */
    private long service;

    private Ring ring(Flow flow, int index) {
      List<Ring> rings = flow.key.tokenVectors ? withTokenVectors : plain;
      while (rings.size() <= index) {
        rings.add(new Ring());
      }
      return rings.get(index);
    }
  }

  /** The length class of a text: exact up to 16 tokens, then eight an octave. */
  static int bucketOf(int length) {
    if (length < 8) {
      return length;
    }
    int octave = 31 - Integer.numberOfLeadingZeros(length);
    return 8 * (octave - 2) + ((length >>> (octave - 3)) & 7);
  }

  /** The shortest length of a class. */
  static int shortestOf(int bucket) {
    return bucket < 8 ? bucket : (8 + (bucket & 7)) << (bucket / 8 - 1);
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
      if (interactive.texts + bulk.texts == 0) {
        gatheringSince = clock.getAsLong();
      }
      for (Request request : requests) {
        link(request);
      }
      if (waiters > 0) {
        changed.signal();
      }
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void link(Request request) {
    LaneQueue lane = request.lane == Lane.INTERACTIVE ? interactive : bulk;
    FlowKey key = new FlowKey(request.job, request.outputs.contains(Output.COLBERT));
    Flow flow = lane.flows.get(key);
    if (flow == null) {
      flow = new Flow(key, lane, sequence++);
      lane.flows.put(key, flow);
      lane.turns.add(flow);
    }
    Bucket bucket = flow.bucket(pads ? bucketOf(request.length) : 0);
    Ring ring = lane.ring(flow, bucket.index);
    request.bucket = bucket;
    request.sequence = sequence++;
    request.position = flow.arrived;
    request.previousInBucket = bucket.newest;
    if (bucket.newest == null) {
      bucket.oldest = request;
      enterRing(ring, bucket);
    } else {
      bucket.newest.nextInBucket = request;
    }
    bucket.newest = request;
    request.previousInFlow = flow.newest;
    if (flow.newest == null) {
      flow.oldest = request;
    } else {
      flow.newest.nextInFlow = request;
    }
    flow.newest = request;
    flow.arrived += request.length;
    flow.texts++;
    flow.tokens += request.length;
    lane.texts++;
    lane.tokens += request.length;
    size = interactive.texts + bulk.texts;
    ring.tokens += request.length;
    if (request.hasDeadline) {
      deadlines.add(request);
    }
    request.holder = this;
    if (request.isSettled()) {
      // Settling looks at the holder after it has marked the text, so one of the two sees it.
      dropIfEmpty(unlink(request));
    }
  }

  /** Takes a text out of every list. The flow stays, empty or not, for the caller to settle. */
  private Flow unlink(Request request) {
    Bucket bucket = requireNonNull(request.bucket);
    Flow flow = bucket.flow;
    LaneQueue lane = flow.lane;
    Ring ring = lane.ring(flow, bucket.index);
    Request before = request.previousInBucket;
    Request after = request.nextInBucket;
    if (before == null) {
      bucket.oldest = after;
    } else {
      before.nextInBucket = after;
    }
    if (after == null) {
      bucket.newest = before;
    } else {
      after.previousInBucket = before;
    }
    before = request.previousInFlow;
    after = request.nextInFlow;
    if (before == null) {
      flow.oldest = after;
    } else {
      before.nextInFlow = after;
    }
    if (after == null) {
      flow.newest = before;
    } else {
      after.previousInFlow = before;
    }
    request.previousInBucket = null;
    request.nextInBucket = null;
    request.previousInFlow = null;
    request.nextInFlow = null;
    request.bucket = null;
    request.holder = null;
    if (bucket.oldest == null) {
      leaveRing(ring, bucket);
    }
    flow.texts--;
    flow.tokens -= request.length;
    lane.texts--;
    lane.tokens -= request.length;
    size = interactive.texts + bulk.texts;
    ring.tokens -= request.length;
    if (request.hasDeadline) {
      deadlines.remove(request);
    }
    return flow;
  }

  private static void enterRing(Ring ring, Bucket bucket) {
    Bucket first = ring.first;
    if (first == null) {
      ring.first = bucket;
      bucket.nextInRing = bucket;
      bucket.previousInRing = bucket;
    } else {
      Bucket last = requireNonNull(first.previousInRing);
      last.nextInRing = bucket;
      bucket.previousInRing = last;
      bucket.nextInRing = first;
      first.previousInRing = bucket;
    }
  }

  private static void leaveRing(Ring ring, Bucket bucket) {
    Bucket next = requireNonNull(bucket.nextInRing);
    if (next == bucket) {
      ring.first = null;
    } else {
      Bucket previous = requireNonNull(bucket.previousInRing);
      previous.nextInRing = next;
      next.previousInRing = previous;
      if (ring.first == bucket) {
        ring.first = next;
      }
    }
    bucket.nextInRing = null;
    bucket.previousInRing = null;
  }

  private static void dropIfEmpty(Flow flow) {
    if (flow.texts == 0) {
      flow.lane.turns.remove(flow);
      flow.lane.flows.remove(flow.key);
    }
  }

  /** Takes one text out, because it was settled. False if it does not wait here. */
  boolean remove(Request request) {
    lock.lock();
    try {
      if (request.holder != this) {
        return false;
      }
      dropIfEmpty(unlink(request));
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Takes out every text whose deadline has passed, and those that a cut left out for it. */
  List<Request> removeExpired() {
    lock.lock();
    try {
      if (lapsed.isEmpty() && deadlines.isEmpty()) {
        return List.of();
      }
      List<Request> expired = new ArrayList<>(lapsed);
      lapsed.clear();
      long now = clock.getAsLong();
      while (!deadlines.isEmpty() && deadlines.first().isExpired(now)) {
        Request request = deadlines.first();
        dropIfEmpty(unlink(request));
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
      for (LaneQueue lane : List.of(interactive, bulk)) {
        while (!lane.turns.isEmpty()) {
          Flow flow = lane.turns.first();
          for (Request r = flow.oldest; r != null; r = flow.oldest) {
            unlink(r);
            all.add(r);
          }
          dropIfEmpty(flow);
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
    return size;
  }

  Depth depth(Lane lane) {
    lock.lock();
    try {
      LaneQueue queue = lane == Lane.INTERACTIVE ? interactive : bulk;
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
          if (waiters > 0 && interactive.texts + bulk.texts > 0) {
            changed.signal(); // for another taker: this one may have been woken in its place
          }
          return null;
        }
        long waiting = interactive.tokens + bulk.tokens;
        long wait = 0;
        if (waiting > 0) {
          Limits limits = taker.limits();
          wait = closed || waiting >= limits.tokens ? 0 : gatherNanos();
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
      return interactive.texts + bulk.texts == 0 ? List.of() : cut(limits);
    } finally {
      lock.unlock();
    }
  }

  /** Whether interactive texts wait. */
  boolean hasInteractive() {
    lock.lock();
    try {
      return interactive.texts > 0;
    } finally {
      lock.unlock();
    }
  }

  private long gatherNanos() {
    long bound = maxWaitNanos;
    if (bound < GATHER_NANOS && upstream.getAsLong() > 0) {
      bound = GATHER_NANOS;
    }
    return bound == 0 ? 0 : bound - (clock.getAsLong() - gatheringSince);
  }

  private List<Request> cut(Limits limits) {
    LaneQueue lane = lane(limits);
    Flow flow = lane.turns.first();
    lane.service = flow.service;
    Cut cut = new Cut(limits, clock.getAsLong());
    int seed = pads ? seed(flow, limits) : 0;
    int length = pads ? shortestOf(seed + 1) - 1 : 1;
    int lowest = pads ? bucketOf(Math.max(1, length * SHORTEST_QUARTERS / 4)) : 0;
    for (int index = seed; index >= 0 && !cut.full; index--) {
      if (index < lowest) {
        cut.shrinkTo(limits.fixedCost);
      }
      if (index < flow.buckets.length && flow.buckets[index] != null) {
        cut.drain(requireNonNull(flow.buckets[index]));
      }
      Ring ring = lane.ring(flow, index);
      while (!cut.full && ring.first != null) {
        // Drained, it leaves the ring; not drained, the batch is full and the next begins after it.
        Bucket bucket = ring.first;
        cut.drain(bucket);
        if (ring.first == bucket) {
          ring.first = bucket.nextInRing;
        }
      }
    }
    cut.settle();
    charge(lane, cut.cost(), limits);
    gatheringSince = cut.now;
    if (waiters > 0 && interactive.texts + bulk.texts > 0) {
      changed.signal();
    }
    return cut.taken;
  }

  private LaneQueue lane(Limits limits) {
    if (interactive.texts == 0) {
      return bulk;
    }
    return bulk.texts > 0 && bulkCredit >= Math.min(limits.tokens, bulk.tokens)
        ? bulk
        : interactive;
  }

  private void charge(LaneQueue lane, long cost, Limits limits) {
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
  private int seed(Flow flow, Limits limits) {
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
      Bucket bucket = flow.buckets[index];
      if (bucket == null || bucket.oldest == null) {
        continue;
      }
      if (cheap && flow.lane.texts * (shortestOf(index + 1) - 1) <= limits.fixedCost) {
        return index; // everything together costs no more than a single text
      }
      cheap = false;
      long fill = 0;
      int lowest = bucketOf(Math.max(1, shortestOf(index) * SHORTEST_QUARTERS / 4));
      for (int i = index; i >= lowest && fill < limits.tokens; i--) {
        fill += flow.lane.ring(flow, i).tokens;
      }
      fill = Math.min(fill, limits.tokens);
      long age = bucket.oldest.sequence;
      if (fill > bestFill || (fill == bestFill && age < bestAge)) {
        best = index;
        bestFill = fill;
        bestAge = age;
      }
    }
    return best;
  }

  /** A batch being cut. */
  private final class Cut {
    private final List<Request> taken = new ArrayList<>();
    private final Set<Flow> touched = new LinkedHashSet<>();
    private final Limits limits;
    private final long now;
    private long budget;
    private long tokens;
    private int longest;
    private boolean full;

    Cut(Limits limits, long now) {
      this.limits = limits;
      this.now = now;
      this.budget = limits.tokens;
    }

    long cost() {
      return pads ? (long) longest * taken.size() : tokens;
    }

    void shrinkTo(int cost) {
      budget = Math.min(budget, cost);
      full |= cost() >= budget;
    }

    /** Takes from a bucket until it is empty or the batch is full. */
    void drain(Bucket bucket) {
      for (Request r = bucket.oldest; r != null; r = bucket.oldest) {
        if (!fits(r)) {
          full = true;
          return;
        }
        if (touched.add(bucket.flow)) {
          bucket.flow.lane.turns.remove(bucket.flow);
        }
        unlink(r);
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
      long cost =
          pads ? (long) Math.max(longest, r.length) * (taken.size() + 1) : tokens + r.length;
      return cost <= budget && taken.size() < limits.texts;
    }

    /** Puts the flows that were served back in order. */
    void settle() {
      for (Flow flow : touched) {
        if (flow.texts > 0) {
          flow.lane.turns.add(flow);
        } else {
          flow.lane.flows.remove(flow.key);
        }
      }
    }
  }
}
