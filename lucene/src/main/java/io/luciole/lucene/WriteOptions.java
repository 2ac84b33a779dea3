package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexWriterConfig;
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
  private final long commitAfter;
  private final boolean commitOnClose;
  private final boolean bulk;
  private final boolean reorder;
  private final boolean resume;
  private final UnaryOperator<IndexWriterConfig> writerConfig;
  private final BiConsumer<SourceDocument, Document> fields;

  private WriteOptions(Draft draft) {
    this.schema = draft.schema;
    this.onFailure = draft.onFailure;
    this.writerThreads = draft.writerThreads;
    this.bufferMiB = draft.bufferMiB;
    this.commitEvery = draft.commitEvery;
    this.commitAfter = draft.commitAfter;
    this.commitOnClose = draft.commitOnClose;
    this.bulk = draft.bulk;
    this.reorder = draft.reorder;
    this.resume = draft.resume;
    this.writerConfig = draft.writerConfig;
    this.fields = draft.fields;
  }

  /** The options while they are changed; starts with the defaults. */
  private static final class Draft {
    private @Nullable HybridSchema schema;
    private OnFailure onFailure = OnFailure.STOP;
    private int writerThreads = Math.clamp(Runtime.getRuntime().availableProcessors() / 2, 1, 8);
    private int bufferMiB = Math.clamp((Runtime.getRuntime().maxMemory() / 8) >> 20, 16, 512);
    private Duration commitEvery = Duration.ofMinutes(5);
    private long commitAfter = Long.MAX_VALUE;
    private boolean commitOnClose = true;
    private boolean bulk;
    private boolean reorder;
    private boolean resume = true;
    private UnaryOperator<IndexWriterConfig> writerConfig = UnaryOperator.identity();
    private BiConsumer<SourceDocument, Document> fields = (source, document) -> {};
  }

  private WriteOptions with(Consumer<Draft> change) {
    Draft draft = new Draft();
    draft.schema = schema;
    draft.onFailure = onFailure;
    draft.writerThreads = writerThreads;
    draft.bufferMiB = bufferMiB;
    draft.commitEvery = commitEvery;
    draft.commitAfter = commitAfter;
    draft.commitOnClose = commitOnClose;
    draft.bulk = bulk;
    draft.reorder = reorder;
    draft.resume = resume;
    draft.writerConfig = writerConfig;
    draft.fields = fields;
    change.accept(draft);
    return new WriteOptions(draft);
  }

  /**
   * Returns the defaults: the model's usual schema; stop at the first failing document; half of the
   * processors write, from 1 to 8; a buffer of an eighth of the heap, from 16 to 512 MiB; a commit
   * every five minutes and on close; merges as documents come; an interrupted run is resumed; no
   * fields of the application's own.
   *
   * @return the defaults
   */
  public static WriteOptions defaults() {
    return new WriteOptions(new Draft());
  }

  /**
   * Sets the schema of a new index. An index that is there must have the same schema.
   *
   * @param schema the schema
   * @return a changed copy
   */
  public WriteOptions schema(HybridSchema schema) {
    requireNonNull(schema, "schema");
    return with(draft -> draft.schema = schema);
  }

  /**
   * Sets what to do about a failing document.
   *
   * @param policy the policy
   * @return a changed copy
   */
  public WriteOptions onFailure(OnFailure policy) {
    requireNonNull(policy, "policy");
    return with(draft -> draft.onFailure = policy);
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
    return with(draft -> draft.writerThreads = threads);
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
    return with(draft -> draft.bufferMiB = mebibytes);
  }

  /**
   * Sets the time between commits: how much a crash can lose. It holds for long runs, and for what
   * is put, deleted or added by other methods. Before its first commit a new index cannot be
   * opened. With {@code ChronoUnit.FOREVER.getDuration()} only the application commits.
   *
   * @param interval the time, above 0
   * @return a changed copy
   * @throws IllegalArgumentException if it is not positive
   */
  public WriteOptions commitEvery(Duration interval) {
    if (interval.isNegative() || interval.isZero()) {
      throw new IllegalArgumentException("interval must be positive, got " + interval);
    }
    return with(draft -> draft.commitEvery = interval);
  }

  /**
   * Sets the number of changes after which a commit starts without waiting for {@link
   * #commitEvery}; by default there is none. It counts what is put, deleted or added; {@link
   * HybridIndexer#indexAll} commits by time alone.
   *
   * @param changes the number of documents, at least 1
   * @return a changed copy
   * @throws IllegalArgumentException if it is below 1
   */
  public WriteOptions commitAfter(long changes) {
    if (changes < 1) {
      throw new IllegalArgumentException("changes must be at least 1, got " + changes);
    }
    return with(draft -> draft.commitAfter = changes);
  }

  /**
   * Sets whether {@link HybridIndexer#close} commits what was written since the last commit; by
   * default it does. If not, it logs how many documents it drops. {@link HybridIndexer#rollback}
   * drops them in any case.
   *
   * @param commit whether to commit
   * @return a changed copy
   */
  public WriteOptions commitOnClose(boolean commit) {
    return with(draft -> draft.commitOnClose = commit);
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
    return with(draft -> draft.bulk = bulk);
  }

  /**
   * Sets whether the merge into one segment, at the end of {@link HybridIndexer#indexAll} in bulk
   * mode and in {@link HybridIndexer#commitMerged}, numbers the documents anew, so that those with
   * sparse tokens, or else words, in common stand together. That makes postings smaller and some
   * searches faster, and takes longer than the merge itself. The passages of a document stay
   * together. A segment that was merged before keeps its order.
   *
   * <p>An index that keeps passages must have been made with this option: it then has the field
   * {@link SchemaFields#PARENT}, which is kept from then on.
   *
   * @param reorder whether to reorder; by default documents stay in the order in which they come
   * @return a changed copy
   */
  public WriteOptions reorder(boolean reorder) {
    return with(draft -> draft.reorder = reorder);
  }

  /**
   * Sets whether an earlier run over the same source in the same state that was interrupted is
   * resumed: the documents that it committed are then skipped.
   *
   * @param resume whether to resume
   * @return a changed copy
   */
  public WriteOptions resume(boolean resume) {
    return with(draft -> draft.resume = resume);
  }

  /**
   * Changes the configuration of Lucene's writer. The operator is given the one that the other
   * options lead to, once for each time an index is opened, and returns it or another. It may set,
   * among others:
   *
   * <ul>
   *   <li>an index sort, by {@linkplain #fields fields of the application's own}; where texts are
   *       cut into passages it needs a parent field, too
   *   <li>a field for soft deletes: documents are then replaced and deleted softly
   *   <li>merge policy, merge scheduler, deletion policy, RAM buffer, event listeners
   *   <li>a codec that delegates the format of the field {@code dense} to the codec it was given
   * </ul>
   *
   * <p>Analyzer and similarity are the schema's ({@link HybridSchema#withAnalyzer}, {@link
   * SchemaBuilder#bm25}), commits on close are {@link #commitOnClose}'s, and the open mode appends:
   * opening refuses other ones. An index that is there keeps its sort, parent field and field for
   * soft deletes where the operator sets none; others are refused.
   *
   * @param change makes a configuration of a configuration
   * @return a changed copy
   */
  public WriteOptions writerConfig(UnaryOperator<IndexWriterConfig> change) {
    requireNonNull(change, "change");
    return with(draft -> draft.writerConfig = change);
  }

  /**
   * Adds fields of the application's own to documents, for its filters, sorts and facets. The
   * consumer is called for each document with an empty Lucene document, to which it adds fields; of
   * a document that is cut into passages they go to the whole document. It is called by several
   * threads at once. If it throws anything, uses a name of {@link SchemaFields}, or adds a field
   * that throws an {@link java.io.IOException} when it is read, the document fails by that, and no
   * other one.
   *
   * @param adder adds fields made of a document
   * @return a changed copy
   */
  public WriteOptions fields(BiConsumer<SourceDocument, Document> adder) {
    requireNonNull(adder, "adder");
    return with(draft -> draft.fields = adder);
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

  /** {@return the time between commits} */
  public Duration commitEvery() {
    return commitEvery;
  }

  /** {@return the number of changes after which a commit starts} */
  public long commitAfter() {
    return commitAfter;
  }

  /** {@return whether {@link HybridIndexer#close} commits} */
  public boolean commitOnClose() {
    return commitOnClose;
  }

  /** {@return whether merges wait for the end} */
  public boolean bulk() {
    return bulk;
  }

  /** {@return whether merges into one segment number the documents anew} */
  public boolean reorder() {
    return reorder;
  }

  /** {@return whether an interrupted run is resumed} */
  public boolean resume() {
    return resume;
  }

  /** {@return what changes the configuration of Lucene's writer} */
  public UnaryOperator<IndexWriterConfig> writerConfig() {
    return writerConfig;
  }

  /** {@return what adds the application's own fields} */
  public BiConsumer<SourceDocument, Document> fields() {
    return fields;
  }
}
