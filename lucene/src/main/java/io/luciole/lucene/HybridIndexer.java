package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import io.luciole.model.Chunker.Chunk;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.Term;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * Embeds documents and writes them into an index.
 *
 * <p>Nothing is kept until {@link #commit} (which {@link #indexAll} ends with): {@link #close}
 * takes back what came after the last commit, and a new index that was never committed leaves no
 * folder behind.
 *
 * <p>A document's way: the caller's thread hands its text to the engine and goes on; the engine
 * batches; a writer thread takes the embedding and writes the document. How many are under way is
 * bounded by the length of their texts, so memory is too. Documents of the same id are written in
 * the order in which they were put, others in any.
 *
 * <p>Safe for use by many threads, {@link #indexAll} by one at a time.
 */
public final class HybridIndexer implements AutoCloseable {
  /** What may be under way, in pieces of {@link #CHARS_A_PIECE} characters. */
  private static final int PIECES = 4096;

  private static final int CHARS_A_PIECE = 512;

  /** A document with token vectors takes this much more memory than one without. */
  private static final int TOKEN_VECTORS_FACTOR = 8;

  private final IndexFolder folder;
  private final IndexWriter writer;
  private final EmbeddingEngine engine;
  private final HybridSchema schema;
  private final IndexOptions options;
  private final DocumentFields fields;
  private final EmbedOptions embedOptions;
  private final IdSet seen = new IdSet();
  private final Semaphore pieces = new Semaphore(PIECES, true);
  private final ConcurrentMap<String, CompletableFuture<Boolean>> underWay =
      new ConcurrentHashMap<>();
  private final ExecutorService writers;
  private final AtomicReference<@Nullable IndexException> fatal = new AtomicReference<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicBoolean indexing = new AtomicBoolean();
  private volatile PipelineClock clock = new PipelineClock();
  private volatile SourcePosition position;

  private HybridIndexer(
      IndexFolder folder, EmbeddingEngine engine, HybridSchema schema, IndexOptions options) {
    this.folder = folder;
    this.writer = folder.writer();
    this.engine = engine;
    this.schema = schema;
    this.options = options;
    this.fields = new DocumentFields(schema);
    this.embedOptions =
        schema.outputs().isEmpty()
            ? EmbedOptions.passage()
            : EmbedOptions.passage().outputs(schema.outputs());
    this.position = SourcePosition.parse(folder.position());
    this.writers =
        Executors.newFixedThreadPool(
            options.writerThreads(),
            Thread.ofPlatform().name("luciole-writer-", 0).daemon().factory());
  }

  /** Opens an index for writing, or makes one, with the defaults. */
  public static HybridIndexer open(Path index, EmbeddingEngine engine) {
    return open(index, engine, IndexOptions.defaults());
  }

  /**
   * Opens an index for writing, or makes one. The engine stays the caller's to close, after the
   * indexer.
   *
   * @throws IndexException if the folder holds something else, another model's vectors, another
   *     schema, a newer or damaged index, or another process writes to it
   */
  public static HybridIndexer open(Path index, EmbeddingEngine engine, IndexOptions options) {
    requireNonNull(index, "index");
    requireNonNull(engine, "engine");
    requireNonNull(options, "options");
    return open(IndexFolder.open(index), engine, options);
  }

  /** As {@link #open(Path, EmbeddingEngine, IndexOptions)}, in a folder that is open. */
  static HybridIndexer open(IndexFolder folder, EmbeddingEngine engine, IndexOptions options) {
    try {
      HybridSchema schema = folder.prepare(engine, options);
      return new HybridIndexer(folder, engine, schema, options);
    } catch (Throwable t) {
      folder.abandon();
      throw t;
    }
  }

  /** The index's fields. */
  public HybridSchema schema() {
    return schema;
  }

  /**
   * Embeds and writes all documents of a source and commits. Blocks until then. Documents that fail
   * are reported; whether the run goes on is {@link IndexOptions#onFailure}'s to say. The source
   * stays the caller's to close.
   *
   * <p>If an earlier run over the same source in the same state was interrupted, what it committed
   * is passed over ({@link IndexOptions#resume}).
   *
   * @param progress called now and then, and at the end, on the calling thread
   * @throws IndexException if the index cannot be written, a document failed and the policy is to
   *     stop, or all failed. The index stands as of its last commit, and this indexer can only be
   *     closed.
   */
  public IndexingReport indexAll(DocumentSource source, Consumer<IndexingProgress> progress) {
    requireNonNull(source, "source");
    requireNonNull(progress, "progress");
    requireUsable();
    if (!indexing.compareAndSet(false, true)) {
      throw new IllegalStateException("indexAll is running already, in another thread");
    }
    try {
      clock = new PipelineClock();
      return new IndexingRun(this, source, progress, clock).run();
    } finally {
      indexing.set(false);
    }
  }

  /** As {@link #indexAll(DocumentSource, Consumer)}, from an iterator. */
  public IndexingReport indexAll(
      Iterator<SourceDocument> documents, Consumer<IndexingProgress> progress) {
    return indexAll(DocumentSource.of("documents", documents), progress);
  }

  /**
   * Embeds and writes a document, replacing one of the same id. Blocks only while too much is under
   * way.
   *
   * @return completes when the document is written, not yet committed: true if it replaced one.
   *     Fails with what was wrong with the document, or an {@link IndexException} if the index
   *     cannot be written any more.
   */
  public CompletableFuture<Boolean> put(SourceDocument document) {
    requireNonNull(document, "document");
    requireUsable();
    try {
      pieces.acquire(pieces(document));
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
    return submit(document, written -> {});
  }

  /**
   * Writes a document whose vectors were made elsewhere, by the same model, replacing one of the
   * same id. Else as {@link #put(SourceDocument)}.
   *
   * @param embedding holds at least the schema's {@link HybridSchema#outputs}
   * @throws IllegalArgumentException if the schema cuts texts into passages
   */
  public CompletableFuture<Boolean> put(SourceDocument document, Embedding embedding) {
    requireNonNull(document, "document");
    requireNonNull(embedding, "embedding");
    requireUsable();
    if (schema.chunks().isPresent()) {
      throw new IllegalArgumentException(
          "expected no vectors of a whole text: the index cuts texts into passages");
    }
    try {
      pieces.acquire(pieces(document));
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
    return submit(
        document,
        () -> CompletableFuture.completedFuture(new Embedded(List.of(), List.of(embedding))),
        clock,
        written -> {});
  }

  /** As {@link #put}, or null if there is no room within the time. */
  @Nullable CompletableFuture<Boolean> tryPut(
      SourceDocument document, long millis, Consumer<Embedding> written) {
    requireUsable();
    try {
      if (!pieces.tryAcquire(pieces(document), millis, TimeUnit.MILLISECONDS)) {
        return null;
      }
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
    return submit(document, written);
  }

  /**
   * Close waits for all pieces, so a document that has its own and sees no close goes before it.
   */
  private void requireStillOpen(SourceDocument document) {
    if (closed.get()) {
      pieces.release(pieces(document));
      requireUsable();
    }
  }

  private int pieces(SourceDocument document) {
    long length = (long) document.title().length() + document.text().length();
    long needed = 1 + length / CHARS_A_PIECE;
    if (schema.multiVectors().isPresent()) {
      needed *= TOKEN_VECTORS_FACTOR;
    }
    return (int) Math.min(PIECES, needed);
  }

  /** Sends a document on its way; its pieces are taken and come back when it has been written. */
  private CompletableFuture<Boolean> submit(SourceDocument document, Consumer<Embedding> written) {
    PipelineClock timer = clock;
    return submit(document, () -> embed(document, timer), timer, written);
  }

  private CompletableFuture<Boolean> submit(
      SourceDocument document,
      Supplier<CompletableFuture<Embedded>> embedder,
      PipelineClock timer,
      Consumer<Embedding> written) {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    CompletableFuture<Boolean> before = underWay.put(document.id(), done);
    CompletableFuture<Embedded> embedding = embedder.get();
    CompletableFuture<?> ready =
        before == null
            ? embedding
            : CompletableFuture.allOf(embedding, before.exceptionally(failed -> false));
    // Ends by completing done, whatever happens.
    CompletableFuture<?> unused =
        ready.whenCompleteAsync(
            (any, failed) -> {
              try {
                Embedded vectors = embedding.join();
                long start = System.nanoTime();
                boolean replaced = write(document, vectors);
                timer.wrote(System.nanoTime() - start);
                vectors.embeddings().forEach(written);
                finish(document, done, replaced, null);
              } catch (Throwable t) {
                finish(document, done, false, t);
              }
            },
            writers);
    return done;
  }

  private void finish(
      SourceDocument document,
      CompletableFuture<Boolean> done,
      boolean replaced,
      @Nullable Throwable failure) {
    underWay.remove(document.id(), done);
    if (failure == null) {
      done.complete(replaced);
    } else {
      done.completeExceptionally(classify(failure));
    }
    pieces.release(pieces(document));
  }

  /**
   * A document's vectors.
   *
   * @param passages where its passages stand in its text; empty where texts are kept whole
   * @param embeddings one a passage, or one
   */
  private record Embedded(List<Chunk> passages, List<Embedding> embeddings) {}

  private CompletableFuture<Embedded> embed(SourceDocument document, PipelineClock timer) {
    HybridSchema.Chunks chunks = schema.chunks().orElse(null);
    if (chunks == null) {
      return embed(document.content(), timer).thenApply(e -> new Embedded(List.of(), List.of(e)));
    }
    // Cutting takes as long as tokenising does: not on the caller's thread.
    return CompletableFuture.supplyAsync(() -> Passages.cut(document, engine, chunks), writers)
        .thenCompose(passages -> embed(passages, timer));
  }

  private CompletableFuture<Embedded> embed(Passages passages, PipelineClock timer) {
    List<CompletableFuture<Embedding>> all =
        passages.contents().stream().map(text -> embed(text, timer)).toList();
    return CompletableFuture.allOf(all.toArray(CompletableFuture[]::new))
        .thenApply(done ->
            new Embedded(passages.chunks(), all.stream().map(CompletableFuture::join).toList()));
  }

  private CompletableFuture<Embedding> embed(String text, PipelineClock timer) {
    if (schema.outputs().isEmpty()) {
      return CompletableFuture.completedFuture(Embedding.absent());
    }
    timer.embeddingStarts();
    CompletableFuture<Embedding> embedding;
    try {
      embedding = engine.embed(text, embedOptions);
    } catch (RuntimeException e) {
      embedding = CompletableFuture.failedFuture(e);
    }
    return embedding.whenComplete((done, failed) -> timer.embeddingEnds());
  }

  private boolean write(SourceDocument document, Embedded embedded) throws IOException {
    List<Document> block =
        schema.chunks().isEmpty()
            ? List.of(fields.toDocument(document, embedded.embeddings().get(0)))
            : fields.toBlock(document, embedded.passages(), embedded.embeddings());
    BytesRef id = new BytesRef(document.id());
    boolean known = !seen.add(document.id()) || folder.held(id);
    if (known) {
      writer.updateDocuments(new Term(SchemaFields.ID, id), block);
    } else {
      writer.addDocuments(block);
    }
    return known;
  }

  /** What a failure is: the document's own, or the end of this indexer. */
  private Throwable classify(Throwable failure) {
    Throwable cause = failure;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof EngineClosedException) {
      return fatal(new IndexException("The engine was closed while documents were indexed", cause));
    }
    if (cause instanceof IOException
        || cause instanceof AlreadyClosedException
        || cause instanceof Error) {
      return fatal(folder.writeFailure(cause));
    }
    return cause;
  }

  /** Ends this indexer's use but for {@link #close}; the first reason stands. */
  IndexException fatal(IndexException reason) {
    fatal.compareAndSet(null, reason);
    return requireNonNull(fatal.get());
  }

  private static IndexException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new IndexException("Interrupted while indexing", e);
  }

  private void requireUsable() {
    if (closed.get()) {
      throw new IllegalStateException("this indexer is closed; open another");
    }
    IndexException reason = fatal.get();
    if (reason != null) {
      throw new IndexException(String.valueOf(reason.getMessage()), reason);
    }
  }

  /** Deletes the document of an id, if there is one; one that is under way too. */
  public void delete(String id) {
    requireNonNull(id, "id");
    requireUsable();
    CompletableFuture<Boolean> written = underWay.get(id);
    if (written != null) {
      written.exceptionally(failed -> false).join();
    }
    try {
      writer.deleteDocuments(new Term(SchemaFields.ID, new BytesRef(id)));
    } catch (IOException | AlreadyClosedException e) {
      throw fatal(folder.writeFailure(e));
    }
  }

  /**
   * Waits for the documents under way and makes everything so far durable.
   *
   * @throws IndexException if it cannot be written; the index stands as of its last commit
   */
  public void commit() {
    commit(position, false);
  }

  /**
   * As {@link #commit()}, with everything merged into one segment first: what {@link #indexAll}
   * ends a bulk load with, for bulk loads by {@link #put(SourceDocument)}.
   */
  public void commitMerged() {
    commit(position, true);
  }

  /**
   * Commits with a source's position.
   *
   * @param merged whether all is to be one segment first
   */
  void commit(SourcePosition reached, boolean merged) {
    requireUsable();
    try {
      pieces.acquire(PIECES);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    try {
      requireUsable();
      if (merged) {
        writer.getConfig().setMergePolicy(new WholeMerge());
        writer.forceMerge(1);
      }
      folder.commit(schema, engine.fingerprint(), reached.format());
      position = reached;
    } catch (IOException | AlreadyClosedException e) {
      throw fatal(folder.writeFailure(e));
    } finally {
      pieces.release(PIECES);
    }
  }

  /** Whether nothing is under way; waits for that as long as given. */
  boolean awaitAll(long millis) {
    try {
      if (pieces.tryAcquire(PIECES, millis, TimeUnit.MILLISECONDS)) {
        pieces.release(PIECES);
        return true;
      }
      return false;
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  SourcePosition position() {
    return position;
  }

  IndexOptions options() {
    return options;
  }

  IndexFolder folder() {
    return folder;
  }

  /**
   * Waits for the documents under way, takes back what was not committed and gives the folder free.
   * Closing twice does nothing.
   *
   * @throws IndexException if files cannot be closed or removed
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    pieces.acquireUninterruptibly(PIECES);
    pieces.release(PIECES);
    writers.close();
    folder.abandon();
  }
}
