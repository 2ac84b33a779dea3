package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.TokenizedText;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * One text on its way, and the future its caller holds.
 *
 * <p>Invariant: exactly one call of {@link #complete}, {@link #completeExceptionally} or {@link
 * #cancel} wins, whoever makes it, and {@link Owner#settling} is told of that one before the result
 * can be seen, so that a text leaves its queue and the bounds however it ends.
 *
 * <p>The links and everything below them belong to the {@link BatchScheduler} that holds the text,
 * under its lock; the other fields are written by one thread after another, handed over by a
 * scheduler's lock.
 */
final class Request extends CompletableFuture<Embedding> {
  /** Who keeps count of the texts on their way. */
  interface Owner {
    /** Called before a settling of this text is decided, by the thread that attempts it. */
    void attempting(Request request);

    /** Called once for a text, before its result can be seen. Must not throw. */
    void settling(Request request);

    /** Called after an attempt, and after the caller's dependents ran if it won. */
    void attempted(Request request);
  }

  private static final AtomicIntegerFieldUpdater<Request> SETTLED =
      AtomicIntegerFieldUpdater.newUpdater(Request.class, "settled");

  private static final AtomicIntegerFieldUpdater<Request> RESERVED =
      AtomicIntegerFieldUpdater.newUpdater(Request.class, "reserved");

  final Role role;
  final Set<Output> outputs;
  final Lane lane;

  /** Texts of one job share its turn; jobs of a lane are treated alike. */
  final Object job;

  final long submittedNanos;
  final boolean hasDeadline;
  final long deadlineNanos;

  private final Owner owner;
  private volatile int settled;

  /** The text until it is tokenised, then null. */
  private volatile @Nullable String text;

  private int @Nullable [] ids;
  private boolean truncated;

  /** Tokens: an estimate until the text is tokenised, then exact. At least 1. */
  int length;

  /** Tokens held against the bound on what waits; 0 once the text has left for a device. */
  private volatile int reserved;

  /** Runs of the text alone, or in a batch whose device was lost, that have failed. */
  int failures;

  // What follows is the scheduler's.
  volatile @Nullable BatchScheduler holder;
  @Nullable Request previousInBucket;
  @Nullable Request nextInBucket;
  @Nullable Request previousInFlow;
  @Nullable Request nextInFlow;
  BatchScheduler.@Nullable Bucket bucket;
  long position;
  long sequence;

  Request(
      String text, EmbedOptions options, Set<Output> outputs, Object job, long now, Owner owner) {
    this.text = text;
    this.role = options.role();
    this.outputs = outputs;
    this.lane = options.lane();
    this.job = job;
    this.submittedNanos = now;
    this.hasDeadline = options.timeout().isPresent();
    this.deadlineNanos = hasDeadline ? now + options.timeout().orElseThrow().toNanos() : 0;
    this.owner = owner;
  }

  /** The text, or null if it was settled meanwhile. */
  @Nullable String text() {
    return text;
  }

  void tokenized(TokenizedText tokens) {
    ids = tokens.ids();
    truncated = tokens.truncated();
    length = tokens.length();
    text = null;
  }

  int[] ids() {
    return requireNonNull(ids);
  }

  boolean truncated() {
    return truncated;
  }

  void reserve(int tokens) {
    reserved = tokens;
  }

  /** Changes what is held to the exact number of tokens; returns by how much it fell. */
  int reserveExactly() {
    int before = reserved;
    return before != 0 && RESERVED.compareAndSet(this, before, length) ? before - length : 0;
  }

  /** Ends the reservation; returns what was held, 0 from the second call on. */
  int endReservation() {
    return reserved == 0 ? 0 : RESERVED.getAndSet(this, 0);
  }

  boolean isSettled() {
    return settled != 0;
  }

  boolean isExpired(long now) {
    return hasDeadline && now - deadlineNanos >= 0;
  }

  @Override
  public boolean complete(Embedding value) {
    return settle(value, null, false);
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    return settle(null, requireNonNull(failure, "failure"), false);
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    return settle(null, null, true) || isCancelled();
  }

  private boolean settle(@Nullable Embedding value, @Nullable Throwable failure, boolean cancel) {
    if (settled != 0) {
      return false;
    }
    owner.attempting(this);
    try {
      if (!SETTLED.compareAndSet(this, 0, 1)) {
        return false;
      }
      owner.settling(this);
      text = null;
      return value != null
          ? super.complete(value)
          : cancel ? super.cancel(false) : super.completeExceptionally(requireNonNull(failure));
    } finally {
      owner.attempted(this);
    }
  }
}
