package io.luciole;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Holds the waiting texts and decides which of them make the next batch.
 *
 * <h2>Order</h2>
 *
 * A consumer with a free device calls {@link #take} and gets the best batch of the waiting texts:
 *
 * <ol>
 *   <li><b>Lane.</b> Interactive texts go before bulk texts. Each interactive batch that is cut
 *       while bulk texts wait earns the bulk lane a credit ({@link LaneTurns}). It therefore keeps
 *       an eighth of the device under any interactive load.
 *   <li><b>Flow.</b> The texts of one job that want the same kind of output form a flow. The flow
 *       with the least service so far is next (start-time fair queueing, Goyal et al. 1996: a new
 *       flow starts with the service of the flow that was served last). Room that it leaves in the
 *       batch is filled from other flows, which are charged for it.
 *   <li><b>Length.</b> If the backend pads, the cost of a batch is the length of its longest text
 *       times its number of texts. Texts are therefore kept in length classes, eight to an octave.
 *       Of the flow's classes, the one with the most waiting tokens is taken (counted up to one
 *       full batch); among equals, the one with the oldest text. Shorter texts join as long as the
 *       padding of the whole batch costs less than the fixed cost of another batch.
 *   <li><b>Age.</b> At most {@value #MAX_OVERTAKEN} token budgets of younger texts overtake the
 *       oldest text of a flow. After that it is taken at the flow's next turn, together with texts
 *       of its length.
 * </ol>
 *
 * <h2>Complexity</h2>
 *
 * Each text is linked into its bucket and its flow, and the buckets of one length class form a ring
 * over the flows. The cost of adding a text, removing one and cutting a batch does not depend on
 * the number of waiting texts: a batch of b texts from f flows costs O(b + f log F + buckets) when
 * F flows wait.
 *
 * <h2>Waiting</h2>
 *
 * A free device takes what waits. While earlier stages hold texts that arrive in a moment ({@code
 * upstream}), {@link #take} gathers for at most {@link #GATHER_NANOS}; while few interactive texts
 * wait, and nothing else to do, it expects those whom the last run answered, if they tend to come
 * back ({@link Anticipation}). A positive {@code maxWait} makes it wait longer, for fuller batches.
 *
 * <h2>Threads and locks</h2>
 *
 * One lock guards everything, {@link WaitingTexts} and the {@link BatchCut} in progress included.
 * The scheduler has no thread of its own, reads the time from an injected clock, and calls nothing
 * under its lock but a consumer's {@link BatchConsumer} methods and {@code upstream}.
 */
final class BatchScheduler {
  /** The longest time that a free device waits for texts of earlier stages, in nanoseconds. */
  static final long GATHER_NANOS = TimeUnit.MILLISECONDS.toNanos(2);

  /** How many token budgets of younger texts may overtake a text of the same flow. */
  static final int MAX_OVERTAKEN = 8;

  /**
   * The limits of a batch.
   *
   * @param tokens the largest number of tokens, padding included; a longer text goes alone
   * @param texts the largest number of texts
   * @param fixedCost the cost of a batch apart from its tokens, in tokens
   */
  record Limits(int tokens, int texts, int fixedCost) {}

  /** The number of waiting texts and of their tokens. */
  record Depth(long texts, long tokens) {}

  /** How {@link #take} waits. The states follow one another and never go back. */
  private enum State {
    /** It may wait for fuller batches, and waits for texts when none are there. */
    OPEN,

    /** It does not wait for fuller batches any more. */
    FLUSHING,

    /** It does not wait at all, and returns null when no texts are left. */
    CLOSED
  }

  private final boolean pads;
  private final long maxWaitNanos;
  private final LongSupplier clock;
  private final LongSupplier upstream;
  private final ReentrantLock lock = new ReentrantLock();

  @GuardedBy("lock")
  private final WaitingTexts waiting;

  @GuardedBy("lock")
  private final WaitingTexts.LaneQueue interactive;

  @GuardedBy("lock")
  private final WaitingTexts.LaneQueue bulk;

  /** Texts whose deadline had passed when a batch was cut; {@link #removeExpired} returns them. */
  @GuardedBy("lock")
  private final List<Request> expired = new ArrayList<>();

  @GuardedBy("lock")
  private final LaneTurns lanes;

  @GuardedBy("lock")
  private long gatheringSince;

  @GuardedBy("lock")
  private final Anticipation anticipation = new Anticipation();

  /** The limits of the consumer that waits for the callers of the last run; null if none does. */
  @GuardedBy("lock")
  private @Nullable Limits expecting;

  /** Threads that wait in {@link #take}. */
  @GuardedBy("lock")
  private final Waiters waiters;

  @GuardedBy("lock")
  private State state = State.OPEN;

  /** Whether {@link #add} refuses texts; in any state, since a lost device may come back. */
  @GuardedBy("lock")
  private boolean rejecting;

  /**
   * Creates an empty queue.
   *
   * @param pads whether texts of unequal length cost padding
   * @param maxWaitNanos the longest time that a free device waits for a full batch
   * @param clock the time in nanoseconds, as {@link System#nanoTime}
   * @param upstream the number of texts that earlier stages hold
   */
  BatchScheduler(boolean pads, long maxWaitNanos, LongSupplier clock, LongSupplier upstream) {
    this(pads, maxWaitNanos, clock, upstream, true);
  }

  /**
   * As above.
   *
   * @param lastFirst whether the consumer that waited last gets the next batch, which suits
   *     devices; if not, the one that waited longest, by whose turn more texts have come
   */
  BatchScheduler(
      boolean pads,
      long maxWaitNanos,
      LongSupplier clock,
      LongSupplier upstream,
      boolean lastFirst) {
    this.waiters = new Waiters(lock, lastFirst);
    this.pads = pads;
    this.waiting = new WaitingTexts(pads);
    this.interactive = waiting.interactive;
    this.bulk = waiting.bulk;
    this.lanes = new LaneTurns(interactive, bulk);
    this.maxWaitNanos = maxWaitNanos;
    this.clock = clock;
    this.upstream = upstream;
  }

  /**
   * Adds texts.
   *
   * @return false if the queue {@linkplain #rejectNew rejects} texts; none was added then
   */
  boolean add(Collection<Request> requests) {
    lock.lock();
    try {
      if (rejecting) {
        return false;
      }
      if (waiting.size() == 0) {
        gatheringSince = clock.getAsLong();
      }
      long before = interactive.texts;
      for (Request request : requests) {
        waiting.link(request, this);
      }
      if (interactive.texts > before) {
        anticipation.came((int) (interactive.texts - before), clock.getAsLong());
      }
      wakeOne();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Adds a text, as {@link #add(Collection)} does. */
  boolean add(Request request) {
    return add(List.of(request));
  }

  /**
   * A batch of this queue has been computed.
   *
   * @param texts how many interactive texts it had; their callers are answered now
   * @param nanos how long it took
   */
  void ran(int texts, long nanos) {
    lock.lock();
    try {
      anticipation.ran(texts, nanos, clock.getAsLong());
    } finally {
      lock.unlock();
    }
  }

  /** Wakes a consumer, but none that expects more texts: the last of them wakes it. */
  @GuardedBy("lock")
  private void wakeOne() {
    if (expecting == null || expectedNanos(expecting) <= 0) {
      waiters.wakeOne();
    }
  }

  /** Removes a text that was settled. Returns false if it does not wait here. */
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

  /** Removes and returns every text whose deadline has passed. */
  List<Request> removeExpired() {
    lock.lock();
    try {
      if (expired.isEmpty() && waiting.deadlines.isEmpty()) {
        return List.of();
      }
      List<Request> removed = new ArrayList<>(expired);
      expired.clear();
      long now = clock.getAsLong();
      while (!waiting.deadlines.isEmpty() && waiting.deadlines.first().isExpired(now)) {
        Request request = waiting.deadlines.first();
        WaitingTexts.dropIfEmpty(waiting.unlink(request));
        removed.add(request);
      }
      return removed;
    } finally {
      lock.unlock();
    }
  }

  /** Removes and returns every text. */
  List<Request> removeAll() {
    lock.lock();
    try {
      List<Request> all = new ArrayList<>(expired);
      expired.clear();
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
      waiters.wakeAll();
      return all;
    } finally {
      lock.unlock();
    }
  }

  /** Makes {@link #add} refuse texts from now on. */
  void rejectNew() {
    setRejecting(true);
  }

  /** Ends what {@link #rejectNew} began. */
  void acceptNew() {
    setRejecting(false);
  }

  private void setRejecting(boolean reject) {
    lock.lock();
    try {
      rejecting = reject;
    } finally {
      lock.unlock();
    }
  }

  /** Gives out what waits without waiting for fuller batches, from now on. */
  void flush() {
    advance(State.FLUSHING);
  }

  /** Lets {@link #take} return null once no text waits. */
  void close() {
    advance(State.CLOSED);
  }

  private void advance(State next) {
    lock.lock();
    try {
      if (state.compareTo(next) < 0) {
        state = next;
      }
      waiters.wakeAll();
    } finally {
      lock.unlock();
    }
  }

  /** Whether the queue is closed and no text waits. */
  boolean isFinished() {
    lock.lock();
    try {
      return state == State.CLOSED && waiting.size() == 0;
    } finally {
      lock.unlock();
    }
  }

  /** Makes waiting consumers look again: the earlier stages are empty, or a consumer must stop. */
  void wake() {
    lock.lock();
    try {
      waiters.wakeAll();
    } finally {
      lock.unlock();
    }
  }

  /** The number of waiting texts. Does not take the lock. */
  @SuppressWarnings("GuardedBy") // reads a volatile field
  long size() {
    return waiting.size();
  }

  /** What waits in a lane. */
  Depth depth(Lane lane) {
    lock.lock();
    try {
      WaitingTexts.LaneQueue queue = lane == Lane.INTERACTIVE ? interactive : bulk;
      return new Depth(queue.texts, queue.tokens);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for texts and cuts a batch of them: texts of one lane and one kind of output, none
   * settled and none past its deadline.
   *
   * @return the texts, or null if the queue is closed and empty, or the consumer has stopped
   */
  @Nullable List<Request> take(BatchConsumer consumer) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (true) {
        if (consumer.stopped()) {
          if (waiting.size() > 0) {
            waiters.wakeOne(); // for another consumer: this one may have been woken in its place
          }
          return null;
        }
        long wait = 0;
        Limits expects = null;
        if (waiting.size() > 0) {
          Limits limits = consumer.limits();
          if (state != State.CLOSED && waiting.tokens() < limits.tokens) {
            long expected = waiters.isEmpty() ? expectedNanos(limits) : 0;
            expects = expected > 0 ? limits : null;
            wait = expected > 0 ? expected : gatherNanos();
          }
          if (wait <= 0) {
            List<Request> batch = cut(limits);
            if (!batch.isEmpty()) {
              return batch;
            }
            continue;
          }
        } else if (state == State.CLOSED) {
          return null;
        }
        expecting = expects; // null ends another's expectation: this one is free as well
        try {
          waiters.await(wait);
        } finally {
          expecting = null;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Cuts a bulk batch ahead of time if it would be full and no interactive text waits; otherwise
   * returns null. Never waits.
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

  /** Cuts a batch without waiting for texts; empty if there are none. For tests. */
  List<Request> poll(Limits limits) {
    lock.lock();
    try {
      return waiting.size() == 0 ? List.of() : cut(limits);
    } finally {
      lock.unlock();
    }
  }

  /** Cuts an interactive batch if that lane is next; otherwise returns null. Never waits. */
  @Nullable List<Request> takeInteractive(Limits limits) {
    lock.lock();
    try {
      if (interactive.texts == 0 || lanes.next(limits) != interactive) {
        return null;
      }
      List<Request> batch = cut(limits);
      return batch.isEmpty() ? null : batch;
    } finally {
      lock.unlock();
    }
  }

  @GuardedBy("lock")
  private long gatherNanos() {
    long bound = state == State.OPEN ? maxWaitNanos : 0;
    if (bound < GATHER_NANOS && upstream.getAsLong() > 0) {
      bound = GATHER_NANOS;
    }
    return bound == 0 ? 0 : bound - (clock.getAsLong() - gatheringSince);
  }

  /**
   * How long to wait for the callers of the last run: only where a run of its own for what waits
   * would be all fixed cost, and nothing else could use the device.
   */
  @GuardedBy("lock")
  private long expectedNanos(Limits limits) {
    return state == State.OPEN && bulk.texts == 0 && waiting.tokens() < limits.fixedCost
        ? anticipation.nanosLeft(clock.getAsLong())
        : 0;
  }

  @GuardedBy("lock")
  private List<Request> cut(Limits limits) {
    WaitingTexts.LaneQueue lane = lanes.next(limits);
    WaitingTexts.Flow flow = lane.turns.first();
    lane.service = flow.service;
    BatchCut cut = new BatchCut(waiting, pads, limits, expired, clock.getAsLong());
    int seed = cut.seed(flow);
    for (int index = seed; index >= 0 && !cut.full; index--) {
      cut.limitPadding = index < seed;
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
    cut.reorderFlows();
    lanes.charge(lane, cut.cost(), limits);
    gatheringSince = cut.now;
    if (waiting.size() > 0) {
      waiters.wakeOne();
    }
    return cut.taken;
  }
}
