package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.TokenizedText;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicIntegerFieldUpdater;
import org.jspecify.annotations.Nullable;

/**
 * A text in the engine, and the future that its caller holds.
 *
 * <p>Invariant: exactly one call of {@link #complete}, {@link #completeExceptionally} or {@link
 * #cancel} wins, whoever makes it. {@link Owner#settling} is called for that one before the result
 * is visible, so that a text leaves its queue and returns its permits however it ends.
 *
 * <p>Threads and locks: the fields of the scheduler are guarded by the lock of the {@link
 * BatchScheduler} that holds the text. The other fields that change are volatile, or written by one
 * thread after another, which hand the text over through a scheduler's lock.
 */
final class Request extends CompletableFuture<Embedding> {
  /** Keeps account of the texts in the engine. */
  interface Owner {
    /** Called before it is decided who settles this text, by each thread that attempts to. */
    void attempting(Request request);

    /**
     * Called once for each text, before its result is visible. Must not throw.
     *
     * @param failure what it fails with, if {@code ending} is {@link Ending#FAILED}
     */
    void settling(Request request, Ending ending, @Nullable Throwable failure);

    /** Called after an attempt; if it won, after the caller's callbacks have run. */
    void attempted(Request request);
  }

  /** How a text ended. */
  enum Ending {
    EMBEDDED,
    FAILED,
    CANCELLED
  }

  private static final AtomicIntegerFieldUpdater<Request> SETTLED =
      AtomicIntegerFieldUpdater.newUpdater(Request.class, "settled");

  private static final AtomicIntegerFieldUpdater<Request> RESERVED =
      AtomicIntegerFieldUpdater.newUpdater(Request.class, "reserved");

  final Role role;
  final Truncation truncation;
  final Set<Output> outputs;
  final Lane lane;

  /** The texts of one job share its turn; the jobs of a lane get equal shares. */
  final Object job;

  /** The job's hash as of the submission: the job may be changed while the text waits. */
  final int jobHash;

  final long submittedNanos;
  final boolean hasDeadline;
  final long deadlineNanos;

  private final Owner owner;
  private volatile int settled;

  /** The text; null once it is tokenised or settled. */
  private volatile @Nullable String text;

  /** What was submitted, with an empty text. */
  private final Input given;

  private int @Nullable [] ids;
  private boolean truncated;
  private int unpooled;

  /** The number of tokens, at least 1: an estimate until the text is tokenised, then exact. */
  int length;

  /** The permits that the text holds; 0 once it has gone to a device. */
  private volatile int reserved;

  /** The key of its embedding in the cache; set by the thread that tokenises it. */
  EmbeddingCache.@Nullable Key cacheKey;

  /** Where {@link Callers} counts it. */
  int caller;

  /** Failed runs of the text alone, or in a batch whose device was lost. */
  int failures;

  // Fields of the scheduler, under its lock, apart from reading the holder.
  volatile @Nullable BatchScheduler holder;
  @Nullable Request previousInBucket;
  @Nullable Request nextInBucket;
  @Nullable Request previousInFlow;
  @Nullable Request nextInFlow;
  WaitingTexts.@Nullable Bucket bucket;
  long position;
  long sequence;

  Request(
      Input input, EmbedOptions options, Set<Output> outputs, Object job, long now, Owner owner) {
    this.text = input.text();
    this.given = input.withoutText();
    this.role = options.role();
    this.truncation = options.truncation().orElse(Truncation.TRUNCATE);
    this.outputs = outputs;
    this.lane = options.lane();
    this.job = job;
    this.jobHash = job.hashCode();
    this.submittedNanos = now;
    this.hasDeadline = options.timeout().isPresent();
    this.deadlineNanos =
        hasDeadline ? now + EngineSettings.nanos(options.timeout().orElseThrow()) : 0;
    this.owner = owner;
  }

  /** A request for a tokenised chunk of a text, with the same lane, job and deadline. */
  Request(Request whole, TokenizedText tokens, Owner owner) {
    this.given = Input.NOTHING;
    this.role = whole.role;
    this.truncation = whole.truncation;
    this.outputs = whole.outputs;
    this.lane = whole.lane;
    this.job = whole.job;
    this.jobHash = whole.jobHash;
    this.submittedNanos = whole.submittedNanos;
    this.hasDeadline = whole.hasDeadline;
    this.deadlineNanos = whole.deadlineNanos;
    this.owner = owner;
    tokenized(tokens);
  }

  /** The text, or null if it is tokenised or settled. */
  @Nullable String text() {
    return text;
  }

  /** What was submitted, without its text. */
  Input given() {
    return given;
  }

  void tokenized(TokenizedText tokens) {
    ids = tokens.ids();
    truncated = tokens.truncated();
    unpooled = tokens.unpooled();
    length = tokens.length();
    text = null;
  }

  /** Notes that the text was cut into chunks, which settle it. */
  void chunked(int tokens, boolean cut) {
    truncated = cut;
    length = tokens;
    text = null;
  }

  int[] ids() {
    return requireNonNull(ids);
  }

  boolean truncated() {
    return truncated;
  }

  /** The number of tokens at the beginning that take no part in pooling. */
  int unpooled() {
    return unpooled;
  }

  void reserve(int tokens) {
    reserved = tokens;
  }

  /** Changes the permits to the exact number of tokens. Returns by how many they fell. */
  int reserveExactly() {
    int before = reserved;
    return before != 0 && RESERVED.compareAndSet(this, before, length) ? before - length : 0;
  }

  /** Gives up all permits. Returns how many they were; 0 from the second call on. */
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
    return settle(Ending.EMBEDDED, value, null);
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    return settle(Ending.FAILED, null, requireNonNull(failure, "failure"));
  }

  @Override
  public boolean cancel(boolean mayInterruptIfRunning) {
    return settle(Ending.CANCELLED, null, null) || isCancelled();
  }

  private boolean settle(Ending ending, @Nullable Embedding value, @Nullable Throwable failure) {
    if (settled != 0) {
      return false;
    }
    owner.attempting(this);
    try {
      if (!SETTLED.compareAndSet(this, 0, 1)) {
        return false;
      }
      owner.settling(this, ending, failure);
      text = null;
      return switch (ending) {
        case EMBEDDED -> super.complete(value);
        case FAILED -> super.completeExceptionally(requireNonNull(failure));
        case CANCELLED -> super.cancel(false);
      };
    } finally {
      owner.attempted(this);
    }
  }
}
