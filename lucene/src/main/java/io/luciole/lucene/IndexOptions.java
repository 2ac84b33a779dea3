package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How an index is written. Immutable: each method returns a changed copy. */
public final class IndexOptions {
  private static final int MAX_BUFFER_MIB = 2000;

  /** What to do about a document that cannot be read, embedded or written. */
  public enum OnFailure {
    /** Report it and go on. */
    SKIP,
    /** Stop, and leave the index as of its last commit. */
    STOP
  }

  private final @Nullable HybridSchema schema;
  private final OnFailure onFailure;
  private final int writerThreads;
  private final int bufferMiB;
  private final Duration commitEvery;
  private final boolean bulk;
  private final boolean resume;

  private IndexOptions(
      @Nullable HybridSchema schema,
      OnFailure onFailure,
      int writerThreads,
      int bufferMiB,
      Duration commitEvery,
      boolean bulk,
      boolean resume) {
    this.schema = schema;
    this.onFailure = onFailure;
    this.writerThreads = writerThreads;
    this.bufferMiB = bufferMiB;
    this.commitEvery = commitEvery;
    this.bulk = bulk;
    this.resume = resume;
  }

  /**
   * The defaults: the model's usual schema; stop at the first failing document; half the processors
   * write, from 1 to 8; a buffer of an eighth of the heap, from 16 to 512 MiB; a commit every five
   * minutes; merges as documents come; resume an interrupted run.
   */
  public static IndexOptions defaults() {
    long eighth = (Runtime.getRuntime().maxMemory() / 8) >> 20;
    return new IndexOptions(
        null,
        OnFailure.STOP,
        Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 8),
        Math.clamp(eighth, 16, 512),
        Duration.ofMinutes(5),
        false,
        true);
  }

  /** The same with a schema for a new index; an existing index must have the same. */
  public IndexOptions schema(HybridSchema schema) {
    return new IndexOptions(
        requireNonNull(schema, "schema"),
        onFailure,
        writerThreads,
        bufferMiB,
        commitEvery,
        bulk,
        resume);
  }

  /** The same with another policy for failing documents. */
  public IndexOptions onFailure(OnFailure policy) {
    return new IndexOptions(
        schema,
        requireNonNull(policy, "policy"),
        writerThreads,
        bufferMiB,
        commitEvery,
        bulk,
        resume);
  }

  /** The same with this many threads that write, at least 1. */
  public IndexOptions writerThreads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    return new IndexOptions(schema, onFailure, threads, bufferMiB, commitEvery, bulk, resume);
  }

  /** The same with another write buffer, 1 to 2000 MiB. What does not fit becomes a segment. */
  public IndexOptions bufferMiB(int mebibytes) {
    if (mebibytes < 1 || mebibytes > MAX_BUFFER_MIB) {
      throw new IllegalArgumentException(
          "mebibytes must be from 1 to " + MAX_BUFFER_MIB + ", got " + mebibytes);
    }
    return new IndexOptions(schema, onFailure, writerThreads, mebibytes, commitEvery, bulk, resume);
  }

  /**
   * The same with another time between the commits of a long run. What a crash can lose is bounded
   * by it; until the first commit a new index is not there.
   *
   * @throws IllegalArgumentException if it is not positive
   */
  public IndexOptions commitEvery(Duration interval) {
    if (interval.isNegative() || interval.isZero()) {
      throw new IllegalArgumentException("interval must be positive, got " + interval);
    }
    return new IndexOptions(schema, onFailure, writerThreads, bufferMiB, interval, bulk, resume);
  }

  /**
   * The same for a large load: no merges until the end of {@link HybridIndexer#indexAll} or {@link
   * HybridIndexer#commitMerged}, then one into a single segment, on all processors. The graph of
   * the dense vectors is made then, once; until then they are searched exhaustively.
   */
  public IndexOptions bulk(boolean bulk) {
    return new IndexOptions(schema, onFailure, writerThreads, bufferMiB, commitEvery, bulk, resume);
  }

  /**
   * The same, minding or not that an earlier run over the same source, in the same state, was
   * interrupted: what it committed is then passed over.
   */
  public IndexOptions resume(boolean resume) {
    return new IndexOptions(schema, onFailure, writerThreads, bufferMiB, commitEvery, bulk, resume);
  }

  /** The schema for a new index, if one was given. */
  public Optional<HybridSchema> schema() {
    return Optional.ofNullable(schema);
  }

  /** What to do about failing documents. */
  public OnFailure onFailure() {
    return onFailure;
  }

  /** Threads that write. */
  public int writerThreads() {
    return writerThreads;
  }

  /** The write buffer, in MiB. */
  public int bufferMiB() {
    return bufferMiB;
  }

  /** The time between the commits of a long run. */
  public Duration commitEvery() {
    return commitEvery;
  }

  /** Whether merges wait for the end. */
  public boolean bulk() {
    return bulk;
  }

  /** Whether an interrupted run is resumed. */
  public boolean resume() {
    return resume;
  }
}
