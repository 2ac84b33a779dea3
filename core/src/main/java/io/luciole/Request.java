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

    /**
     * Called once for a text, before its result can be seen. Must not throw.
     *
     * @param failure what it fails with, if {@code ending} is {@link Ending#FAILED}
     */
    void settling(Request request, Ending ending, @Nullable Throwable failure);

    /** Called after an attempt, and after the caller's dependents ran if it won. */
    void attempted(Request request);
  }

  /** How a text can end. */
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

  /** Texts of one job share its turn; jobs of a lane are treated alike. */
  final Object job;

  final long submittedNanos;
  final boolean hasDeadline;
  final long deadlineNanos;

  private final Owner owner;
  private volatile int settled;

  /** The text until it is tokenised, then null. */
  private volatile @Nullable String text;

  /** Tokens that came instead of a text. */
  private final @Nullable TokenizedText given;

  private int @Nullable [] ids;
  private boolean truncated;

  /** Tokens: an estimate until the text is tokenised, then exact. At least 1. */
  int length;

  /** Tokens held against the bound on what waits; 0 once the text has left for a device. */
  private volatile int reserved;

  /** Where its embedding is kept, if it is; set by the thread that tokenises it. */
  EmbeddingCache.@Nullable Key cacheKey;

  /** Runs of the text alone, or in a batch whose device was lost, that have failed. */
  int failures;

  // What follows is the scheduler's.
  volatile @Nullable BatchScheduler holder;
  @Nullable Request previousInBucket;
  @Nullable Request nextInBucket;
  @Nullable Request previousInFlow;
  @Nullable Request nextInFlow;
  WaitingTexts.@Nullable Bucket bucket;
  long position;
  long sequence;

  Request(
      String text, EmbedOptions options, Set<Output> outputs, Object job, long now, Owner owner) {
    this(text, null, options, outputs, job, now, owner);
  }

  /** A request of a text, or if {@code given} is not null of tokens, where the text is empty. */
  Request(
      String text,
      @Nullable TokenizedText given,
      EmbedOptions options,
      Set<Output> outputs,
      Object job,
      long now,
      Owner owner) {
    this.text = text;
    this.given = given;
    this.role = options.role();
    this.truncation = options.truncation().orElse(Truncation.TRUNCATE);
    this.outputs = outputs;
    this.lane = options.lane();
    this.job = job;
    this.submittedNanos = now;
    this.hasDeadline = options.timeout().isPresent();
    this.deadlineNanos =
        hasDeadline ? now + EngineSettings.nanos(options.timeout().orElseThrow()) : 0;
    this.owner = owner;
  }

  /** A chunk of a text, tokenised: of the same lane and job, due at the same time. */
  Request(Request whole, TokenizedText tokens, Owner owner) {
    this.given = null;
    this.role = whole.role;
    this.truncation = whole.truncation;
    this.outputs = whole.outputs;
    this.lane = whole.lane;
    this.job = whole.job;
    this.submittedNanos = whole.submittedNanos;
    this.hasDeadline = whole.hasDeadline;
    this.deadlineNanos = whole.deadlineNanos;
    this.owner = owner;
    tokenized(tokens);
  }

  /** The text, or null if it was settled meanwhile. */
  @Nullable String text() {
    return text;
  }

  /** The tokens that came instead of a text, or null. */
  @Nullable TokenizedText given() {
    return given;
  }

  void tokenized(TokenizedText tokens) {
    ids = tokens.ids();
    truncated = tokens.truncated();
    length = tokens.length();
    text = null;
  }

  /** Its chunks were tokenised and settle it. */
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
