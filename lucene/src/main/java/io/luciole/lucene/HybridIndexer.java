package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
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
 * <p>Nothing is durable before {@link #commit}, with which {@link #indexAll} ends: {@link #close}
 * discards what was written after the last commit, and a new index that was never committed leaves
 * no folder behind.
 *
 * <p>The way of a document: the caller's thread hands its text to the engine and returns; the
 * engine batches texts and embeds them; a writer thread takes the embedding and writes the
 * document. Documents with the same id are written in the order in which they were put, others in
 * any order.
 *
 * <p>Safe for use by many threads; {@link #indexAll} may run once at a time.
 */
public final class HybridIndexer implements AutoCloseable {
  /*
   * Permits bound the memory of pending documents and stand for the lock of a commit. A document
   * holds permits by the length of its text, from before it goes to the engine until after it was
   * written or failed. Commit and close take all permits, so no document is pending then.
   */
  private static final int MAX_PERMITS = 4096;

  private static final int CHARS_PER_PERMIT = 512;

  /** How many times more memory a pending document takes with token vectors than without. */
  private static final int TOKEN_VECTORS_FACTOR = 8;

  private final IndexFolder folder;
  private final IndexWriter writer;
  private final EmbeddingEngine engine;
  private final HybridSchema schema;
  private final WriteOptions options;
  private final DocumentFields fields;
  private final DocumentEmbedder embedder;
  private final SeenIds seen = new SeenIds();
  private final Semaphore permits = new Semaphore(MAX_PERMITS, true);

  /** The last put of each id that has pending ones. */
  private final ConcurrentMap<String, CompletableFuture<Boolean>> pending =
      new ConcurrentHashMap<>();

  private final ExecutorService writers;
  private final AtomicReference<@Nullable IndexException> fatal = new AtomicReference<>();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicBoolean indexing = new AtomicBoolean();
  private final IndexListeners listeners = new IndexListeners();
  private volatile IndexingTimes clock = new IndexingTimes();

  /** How far the last commit goes; written with all permits held. */
  private volatile SourcePosition position;

  private HybridIndexer(
      IndexFolder folder, EmbeddingEngine engine, HybridSchema schema, WriteOptions options) {
    this.folder = folder;
    this.writer = folder.writer();
    this.engine = engine;
    this.schema = schema;
    this.options = options;
    this.fields = new DocumentFields(schema);
    this.position = SourcePosition.parse(folder.position());
    this.writers =
        Executors.newFixedThreadPool(
            options.writerThreads(),
            Thread.ofPlatform().name("luciole-writer-", 0).daemon().factory());
    this.embedder = new DocumentEmbedder(engine, schema, writers);
  }

  /**
   * Opens an index for writing, or makes one, with the default options.
   *
   * @param index the folder of the index
   * @param engine the engine that embeds the documents; it stays the caller's to close, after the
   *     indexer
   * @return the indexer
   * @throws IndexException as {@link #open(Path, EmbeddingEngine, WriteOptions)}
   */
  public static HybridIndexer open(Path index, EmbeddingEngine engine) {
    return open(index, engine, WriteOptions.defaults());
  }

  /**
   * Opens an index for writing, or makes one.
   *
   * @param index the folder of the index
   * @param engine the engine that embeds the documents; it stays the caller's to close, after the
   *     indexer
   * @param options how to write
   * @return the indexer
   * @throws IndexException if the folder holds something else, vectors of another model, another
   *     schema, or an index that is newer or damaged, or if another process writes to it
   */
  public static HybridIndexer open(Path index, EmbeddingEngine engine, WriteOptions options) {
    requireNonNull(index, "index");
    requireNonNull(engine, "engine");
    requireNonNull(options, "options");
    return open(IndexFolder.open(index), engine, options);
  }

  /** As {@link #open(Path, EmbeddingEngine, WriteOptions)}, in a folder that is open. */
  static HybridIndexer open(IndexFolder folder, EmbeddingEngine engine, WriteOptions options) {
    try {
      HybridSchema schema = folder.openWriter(engine, options);
      return new HybridIndexer(folder, engine, schema, options);
    } catch (Throwable t) {
      folder.rollback();
      throw t;
    }
  }

  /**
   * Adds a listener for documents and commits.
   *
   * @param listener is told of each from now on
   */
  public void addListener(IndexListener listener) {
    listeners.add(listener);
  }

  /** {@return the schema of the index} */
  public HybridSchema schema() {
    return schema;
  }

  /**
   * Embeds and writes all documents of a source and commits. Blocks until then. Documents that fail
   * are reported; {@link WriteOptions#onFailure} tells whether the run goes on.
   *
   * <p>If an earlier run over the same source in the same state was interrupted, the documents that
   * it committed are skipped ({@link WriteOptions#resume}).
   *
   * @param source the documents; the source stays the caller's to close
   * @param progress called now and then, and at the end, on the calling thread
   * @return what was done
   * @throws IndexException if the index cannot be written, if a document failed and the policy is
   *     to stop, or if all failed; the index stands as of its last commit, and this indexer can
   *     only be closed
   * @throws IllegalStateException if this method is running already, or the indexer is closed
   */
  public IndexingReport indexAll(DocumentSource source, Consumer<IndexingProgress> progress) {
    requireNonNull(source, "source");
    requireNonNull(progress, "progress");
    requireUsable();
    if (!indexing.compareAndSet(false, true)) {
      throw new IllegalStateException("indexAll is running already, in another thread");
    }
    try {
      clock = new IndexingTimes();
      return new IndexingRun(this, source, progress, clock).run();
    } finally {
      indexing.set(false);
    }
  }

  /**
   * Embeds and writes all documents of an iterator. Else as {@link #indexAll(DocumentSource,
   * Consumer)}.
   *
   * @param documents the documents
   * @param progress called now and then, and at the end, on the calling thread
   * @return what was done
   * @throws IndexException as {@link #indexAll(DocumentSource, Consumer)}
   */
  public IndexingReport indexAll(
      Iterator<SourceDocument> documents, Consumer<IndexingProgress> progress) {
    return indexAll(DocumentSource.of("documents", documents), progress);
  }

  /**
   * Embeds and writes a document; it replaces a document with the same id. Blocks only while too
   * many documents are pending.
   *
   * @param document the document
   * @return completes when the document is written, but not yet committed: true if it replaced one.
   *     Fails with what was wrong with the document, or with an {@link IndexException} if the index
   *     can no longer be written
   * @throws IllegalStateException if this indexer is closed
   */
  public CompletableFuture<Boolean> put(SourceDocument document) {
    requireNonNull(document, "document");
    requireUsable();
    try {
      permits.acquire(permits(document));
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
    return submit(document, written -> {});
  }

  /**
   * Writes a document whose vectors were made elsewhere, by the same model. Else as {@link
   * #put(SourceDocument)}.
   *
   * @param document the document
   * @param embedding holds at least the schema's {@link HybridSchema#outputs}
   * @return as {@link #put(SourceDocument)}
   * @throws IllegalArgumentException if the schema cuts texts into passages
   * @throws IllegalStateException if this indexer is closed
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
      permits.acquire(permits(document));
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
    return submit(
        document,
        () ->
            CompletableFuture.completedFuture(
                new DocumentEmbedder.Embedded(List.of(), List.of(embedding))),
        clock,
        written -> {});
  }

  /** As {@link #put}, or null if there is no room within the time. */
  @Nullable CompletableFuture<Boolean> tryPut(
      SourceDocument document, long millis, Consumer<Embedding> written) {
    requireUsable();
    try {
      if (!permits.tryAcquire(permits(document), millis, TimeUnit.MILLISECONDS)) {
        return null;
      }
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
    return submit(document, written);
  }

  /**
   * To be called with the document's permits: close takes all permits after it is marked, so a
   * document that holds its own and sees no mark is written before.
   */
  private void requireStillOpen(SourceDocument document) {
    if (closed.get()) {
      permits.release(permits(document));
      requireUsable();
    }
  }

  private int permits(SourceDocument document) {
    long length = (long) document.title().length() + document.text().length();
    long needed = 1 + length / CHARS_PER_PERMIT;
    if (schema.multiVectors().isPresent()) {
      needed *= TOKEN_VECTORS_FACTOR;
    }
    return (int) Math.min(MAX_PERMITS, needed);
  }

  /** Embeds and writes a document whose permits are held; they are released at the end. */
  private CompletableFuture<Boolean> submit(SourceDocument document, Consumer<Embedding> written) {
    IndexingTimes timer = clock;
    return submit(document, () -> embedder.embed(document, timer), timer, written);
  }

  private CompletableFuture<Boolean> submit(
      SourceDocument document,
      Supplier<CompletableFuture<DocumentEmbedder.Embedded>> vectors,
      IndexingTimes timer,
      Consumer<Embedding> written) {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    listeners.put(done);
    CompletableFuture<Boolean> before = pending.put(document.id(), done);
    CompletableFuture<DocumentEmbedder.Embedded> embedding = vectors.get();
    CompletableFuture<?> ready =
        before == null
            ? embedding
            : CompletableFuture.allOf(embedding, before.exceptionally(failed -> false));
    // Completes `done`, whatever happens.
    CompletableFuture<?> unused =
        ready.whenCompleteAsync(
            (any, failed) -> {
              try {
                DocumentEmbedder.Embedded embedded = embedding.join();
                long start = System.nanoTime();
                boolean replaced = write(document, embedded);
                timer.wrote(System.nanoTime() - start);
                embedded.embeddings().forEach(written);
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
    pending.remove(document.id(), done);
    if (failure == null) {
      done.complete(replaced);
    } else {
      done.completeExceptionally(classify(failure));
    }
    permits.release(permits(document));
  }

  private boolean write(SourceDocument document, DocumentEmbedder.Embedded embedded)
      throws IOException {
    List<Document> block =
        schema.chunks().isEmpty()
            ? List.of(fields.toDocument(document, embedded.embeddings().get(0)))
            : fields.toBlock(document, embedded.passages(), embedded.embeddings());
    BytesRef id = new BytesRef(document.id());
    boolean known = !seen.add(document.id()) || folder.contained(id);
    if (known) {
      writer.updateDocuments(new Term(SchemaFields.ID, id), block);
    } else {
      writer.addDocuments(block);
    }
    return known;
  }

  /** Tells a document's own failure from one that ends this indexer. */
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

  /** Makes every later call but {@link #close} fail, with the first reason given. */
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

  /**
   * Deletes the document with an id, if there is one. If one is pending, waits until it is written.
   *
   * @param id the id
   * @throws IndexException if the index cannot be written
   */
  public void delete(String id) {
    requireNonNull(id, "id");
    requireUsable();
    CompletableFuture<Boolean> written = pending.get(id);
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
   * Waits until no document is pending and makes everything so far durable.
   *
   * @throws IndexException if it cannot be written; the index stands as of its last commit
   */
  public void commit() {
    commit(position, false);
  }

  /**
   * Merges everything into one segment, then does as {@link #commit()}: for bulk loads by {@link
   * #put(SourceDocument)}. {@link #indexAll} ends a bulk load with it.
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
    long start = System.nanoTime();
    requireUsable();
    try {
      permits.acquire(MAX_PERMITS);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    try {
      requireUsable();
      if (merged) {
        writer.getConfig().setMergePolicy(new SingleSegmentMerge());
        writer.forceMerge(1);
      }
      folder.commit(schema, engine.fingerprint(), reached.format());
      position = reached;
      listeners.committed(start);
    } catch (IOException | AlreadyClosedException e) {
      throw fatal(folder.writeFailure(e));
    } finally {
      permits.release(MAX_PERMITS);
    }
  }

  /** Waits until no document is pending, for some time at most; tells whether that is so. */
  boolean awaitAll(long millis) {
    try {
      if (permits.tryAcquire(MAX_PERMITS, millis, TimeUnit.MILLISECONDS)) {
        permits.release(MAX_PERMITS);
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

  WriteOptions options() {
    return options;
  }

  IndexFolder folder() {
    return folder;
  }

  /**
   * Waits until no document is pending, discards what was not committed, and releases the folder. A
   * second call does nothing.
   *
   * @throws IndexException if files cannot be closed or removed
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    permits.acquireUninterruptibly(MAX_PERMITS);
    permits.release(MAX_PERMITS);
    writers.close();
    folder.rollback();
  }
}
