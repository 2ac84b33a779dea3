package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The waiting texts, linked so that those of one lane, one flow and one length class are found
 * without a search: each text is in its bucket and its flow, the buckets of one length class form a
 * ring over the flows, and the flows of a lane are in the order of their turns. Used under the lock
 * of {@link BatchScheduler}, which owns it; only {@link #size} may be called without the lock.
 */
final class WaitingTexts {
  private final boolean pads;
  final LaneQueue interactive = new LaneQueue();
  final LaneQueue bulk = new LaneQueue();

  /** The texts with a deadline, the earliest first. */
  final TreeSet<Request> deadlines =
      new TreeSet<>((a, b) -> {
        int byTime = Long.signum(a.deadlineNanos - b.deadlineNanos);
        return byTime != 0 ? byTime : Long.compare(a.sequence, b.sequence);
      });

  private long sequence;

  /** The number of waiting texts; written under the lock, read without it. */
  private volatile long size;

  WaitingTexts(boolean pads) {
    this.pads = pads;
  }

  long size() {
    return size;
  }

  long tokens() {
    return interactive.tokens + bulk.tokens;
  }

  /** The texts of one length class of one flow, oldest first. In its class's ring unless empty. */
  static final class Bucket {
    final Flow flow;
    final int index;
    @Nullable Request oldest;
    private @Nullable Request newest;
    private @Nullable Bucket previousInRing;
    @Nullable Bucket nextInRing;

    private Bucket(Flow flow, int index) {
      this.flow = flow;
      this.index = index;
    }
  }

  /** The waiting texts of one job with one kind of output. Exists while it has texts. */
  static final class Flow {
    private final FlowKey key;
    final LaneQueue lane;
    private final long id;
    @Nullable Bucket[] buckets = new Bucket[32];
    @Nullable Request oldest;
    private @Nullable Request newest;
    int texts;
    long tokens;

    /** The tokens of every text that was ever added. */
    long arrived;

    /**
     * The tokens served, on the scale of the lane. Changes only while the flow is not in the lane's
     * {@code turns}, which it orders.
     */
    long service;

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

  /**
   * What the texts of a flow have in common. The job is an object of the application: its hash is
   * that of the first text's submission, however the job changes, and one that cannot be compared
   * is no other's equal. So no job can break the queue.
   */
  private record FlowKey(Object job, int jobHash, boolean tokenVectors) {
    @SuppressWarnings("ReferenceEquality") // a job is itself, whatever its equals does
    boolean isOf(Object otherJob, int otherHash, boolean otherTokenVectors) {
      if (tokenVectors != otherTokenVectors || jobHash != otherHash) {
        return false;
      }
      try {
        return job == otherJob || job.equals(otherJob);
      } catch (Throwable t) {
        return false;
      }
    }

    @Override
    public boolean equals(@Nullable Object o) {
      return o instanceof FlowKey that && isOf(that.job, that.jobHash, that.tokenVectors);
    }

    @Override
    public int hashCode() {
      return 31 * jobHash + Boolean.hashCode(tokenVectors);
    }
  }

  /** The non-empty buckets of one length class, over all flows of a lane and kind of output. */
  static final class Ring {
    @Nullable Bucket first;
    long tokens;
  }

  static final class LaneQueue {
    private final Map<FlowKey, Flow> flows = new HashMap<>();
    final TreeSet<Flow> turns =
        new TreeSet<>(Comparator.<Flow>comparingLong(f -> f.service).thenComparingLong(f -> f.id));

    /** The flow of the last text that was added; most often the next text's flow, too. */
    private @Nullable Flow newest;

    private final List<Ring> plain = new ArrayList<>();
    private final List<Ring> withTokenVectors = new ArrayList<>();
    long texts;
    long tokens;

    /** The service of the flow that had the last turn. */
    long service;

    Ring ring(Flow flow, int index) {
      List<Ring> rings = flow.key.tokenVectors ? withTokenVectors : plain;
      while (rings.size() <= index) {
        rings.add(new Ring());
      }
      return rings.get(index);
    }
  }

  /** The length class of a text: exact up to 16 tokens, then eight classes to an octave. */
  static int bucketOf(int length) {
    if (length < 8) {
      return length;
    }
    int octave = 31 - Integer.numberOfLeadingZeros(length);
    return 8 * (octave - 2) + ((length >>> (octave - 3)) & 7);
  }

  /** The smallest length of a class, in tokens. */
  static int shortestOf(int bucket) {
    return bucket < 8 ? bucket : (8 + (bucket & 7)) << (bucket / 8 - 1);
  }

  private Flow flow(LaneQueue lane, Request request) {
    boolean tokenVectors = request.outputs.contains(Output.COLBERT);
    Flow flow = lane.newest;
    if (flow == null || !flow.key.isOf(request.job, request.jobHash, tokenVectors)) {
      FlowKey key = new FlowKey(request.job, request.jobHash, tokenVectors);
      flow = lane.flows.get(key);
      if (flow == null) {
        flow = new Flow(key, lane, sequence++);
        lane.flows.put(key, flow);
      }
      lane.newest = flow;
    }
    return flow;
  }

  /** Adds a text. */
  void link(Request request, BatchScheduler holder) {
    LaneQueue lane = request.lane == Lane.INTERACTIVE ? interactive : bulk;
    Flow flow = flow(lane, request);
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
    if (flow.texts++ == 0) {
      lane.turns.add(flow);
    }
    flow.tokens += request.length;
    lane.texts++;
    lane.tokens += request.length;
    size = interactive.texts + bulk.texts;
    ring.tokens += request.length;
    if (request.hasDeadline) {
      deadlines.add(request);
    }
    request.holder = holder;
    if (request.isSettled()) {
      // Whoever settles a text first marks it and then reads its holder. So either the mark is
      // seen here, or the holder there.
      dropIfEmpty(unlink(request));
    }
  }

  /** Removes a text from every list. The caller drops the flow if that left it empty. */
  Flow unlink(Request request) {
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

  static void dropIfEmpty(Flow flow) {
    if (flow.texts == 0) {
      LaneQueue lane = flow.lane;
      if (lane.newest == flow) {
        lane.newest = null;
      }
      lane.turns.remove(flow);
      if (!lane.flows.remove(flow.key, flow)) {
        // Two jobs with one hash have become equal since, and the other's flow was found.
        lane.flows.values().remove(flow);
      }
    }
  }
}
