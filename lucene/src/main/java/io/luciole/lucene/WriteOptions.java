package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How an index is written. Immutable: each method returns a changed copy. */
public final class WriteOptions {
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

  private WriteOptions(
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
   * Returns the defaults: the model's usual schema; stop at the first failing document; half of the
   * processors write, from 1 to 8; a buffer of an eighth of the heap, from 16 to 512 MiB; a commit
   * every five minutes; merges as documents come; an interrupted run is resumed.
   *
   * @return the defaults
   */
  public static WriteOptions defaults() {
    long eighth = (Runtime.getRuntime().maxMemory() / 8) >> 20;
    return new WriteOptions(
        null,
        OnFailure.STOP,
        Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 8),
        Math.clamp(eighth, 16, 512),
        Duration.ofMinutes(5),
        false,
        true);
  }

  /**
   * Sets the schema of a new index. An index that is there must have the same schema.
   *
   * @param schema the schema
   * @return a changed copy
   */
  public WriteOptions schema(HybridSchema schema) {
    return new WriteOptions(
        requireNonNull(schema, "schema"),
        onFailure,
        writerThreads,
        bufferMiB,
        commitEvery,
        bulk,
        resume);
  }

  /**
   * Sets what to do about a failing document.
   *
   * @param policy the policy
   * @return a changed copy
   */
  public WriteOptions onFailure(OnFailure policy) {
    return new WriteOptions(
        schema,
        requireNonNull(policy, "policy"),
        writerThreads,
        bufferMiB,
        commitEvery,
        bulk,
        resume);
  }

  /**
   * Sets how many threads write documents.
   *
   * @param threads the number, at least 1
   * @return a changed copy
   * @throws IllegalArgumentException if it is below 1
   */
  public WriteOptions writerThreads(int threads) {
    if (threads < 1) {
      throw new IllegalArgumentException("threads must be at least 1, got " + threads);
    }
    return new WriteOptions(schema, onFailure, threads, bufferMiB, commitEvery, bulk, resume);
  }

  /**
   * Sets the size of Lucene's write buffer. A full buffer becomes a segment.
   *
   * @param mebibytes the size, from 1 to 2000 MiB
   * @return a changed copy
   * @throws IllegalArgumentException if it is out of range
   */
  public WriteOptions bufferMiB(int mebibytes) {
    if (mebibytes < 1 || mebibytes > MAX_BUFFER_MIB) {
      throw new IllegalArgumentException(
          "mebibytes must be from 1 to " + MAX_BUFFER_MIB + ", got " + mebibytes);
    }
    return new WriteOptions(schema, onFailure, writerThreads, mebibytes, commitEvery, bulk, resume);
  }

  /**
   * Sets the time between the commits of a long run: how much a crash can lose. Before its first
   * commit a new index cannot be opened.
   *
   * @param interval the time, above 0
   * @return a changed copy
   * @throws IllegalArgumentException if it is not positive
   */
  public WriteOptions commitEvery(Duration interval) {
    if (interval.isNegative() || interval.isZero()) {
      throw new IllegalArgumentException("interval must be positive, got " + interval);
    }
    return new WriteOptions(schema, onFailure, writerThreads, bufferMiB, interval, bulk, resume);
  }

  /**
   * Sets whether the index is written for a large load: without merges until the end of {@link
   * HybridIndexer#indexAll} or {@link HybridIndexer#commitMerged}, which then merges all into one
   * segment on all processors. The graph of the dense vectors is built then, once; before, they are
   * searched exhaustively.
   *
   * @param bulk whether merges wait for the end
   * @return a changed copy
   */
  public WriteOptions bulk(boolean bulk) {
    return new WriteOptions(schema, onFailure, writerThreads, bufferMiB, commitEvery, bulk, resume);
  }

  /**
   * Sets whether an earlier run over the same source in the same state that was interrupted is
   * resumed: the documents that it committed are then skipped.
   *
   * @param resume whether to resume
   * @return a changed copy
   */
  public WriteOptions resume(boolean resume) {
    return new WriteOptions(schema, onFailure, writerThreads, bufferMiB, commitEvery, bulk, resume);
  }

  /** {@return the schema of a new index, if one was set} */
  public Optional<HybridSchema> schema() {
    return Optional.ofNullable(schema);
  }

  /** {@return what to do about a failing document} */
  public OnFailure onFailure() {
    return onFailure;
  }

  /** {@return the number of threads that write documents} */
  public int writerThreads() {
    return writerThreads;
  }

  /** {@return the size of the write buffer in MiB} */
  public int bufferMiB() {
    return bufferMiB;
  }

  /** {@return the time between the commits of a long run} */
  public Duration commitEvery() {
    return commitEvery;
  }

  /** {@return whether merges wait for the end} */
  public boolean bulk() {
    return bulk;
  }

  /** {@return whether an interrupted run is resumed} */
  public boolean resume() {
    return resume;
  }
}
