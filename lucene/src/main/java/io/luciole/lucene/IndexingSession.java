package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import java.io.IOException;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.util.IOSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a {@link HybridIndexer} does from its opening to its closing: the way of a document,
 * commits, and the end, whether ordered or after a failure. Safe for use by many threads.
 */
final class IndexingSession {
  private static final Logger log = LoggerFactory.getLogger(IndexingSession.class);

  private final IndexFolder folder;
  private final HybridSchema schema;
  private final WriteOptions options;
  private final DocumentWriter documents;
  private final PendingDocuments pending;
  private final PeriodicCommits commits;

  /** Held by whoever commits, and where a commit must not see the half of a change. */
  private final ReentrantLock committing = new ReentrantLock();

  private final IndexListeners listeners = new IndexListeners();

  /** Embeds documents, or null if their vectors are made elsewhere. */
  private final @Nullable DocumentEmbedder embedder;

  /** Why the session has failed, or null. */
  private final AtomicReference<@Nullable IndexException> failure = new AtomicReference<>();

  private final AtomicBoolean failureWasThrown = new AtomicBoolean();
  private final AtomicBoolean closed = new AtomicBoolean();
  private final AtomicBoolean running = new AtomicBoolean();
  private volatile IndexingTimes clock = new IndexingTimes();

  /** How far the last commit goes. */
  private volatile SourcePosition position;

  /**
   * Starts a session.
   *
   * @param folder its writer is open
   * @param engine makes the vectors, or null if they are made elsewhere
   */
  IndexingSession(
      IndexFolder folder,
      @Nullable EmbeddingEngine engine,
      HybridSchema schema,
      WriteOptions options) {
    this.folder = folder;
    this.schema = schema;
    this.options = options;
    this.documents = new DocumentWriter(folder, schema, options);
    this.position = SourcePosition.parse(folder.position());
    this.pending = new PendingDocuments(schema.multiVectors().isPresent(), options.writerThreads());
    this.embedder = engine == null ? null : new DocumentEmbedder(engine, schema, pending.writers());
    this.commits = new PeriodicCommits(options.commitEvery(), this::commitIfChanged);
  }

  HybridSchema schema() {
    return schema;
  }

  WriteOptions options() {
    return options;
  }

  IndexFolder folder() {
    return folder;
  }

  IndexListeners listeners() {
    return listeners;
  }

  DocumentWriter documents() {
    return documents;
  }

  SourcePosition position() {
    return position;
  }

  /** Runs over a source; see {@link HybridIndexer#indexAll}. */
  IndexingReport run(DocumentSource source, Consumer<IndexingProgress> progress) {
    requireUsable();
    DocumentEmbedder unused = embedder();
    if (!running.compareAndSet(false, true)) {
      throw new IllegalStateException("indexAll is running already, in another thread");
    }
    try {
      IndexingTimes times = new IndexingTimes();
      clock = times;
      return new IndexingRun(this, source, progress, times).run();
    } finally {
      running.set(false);
    }
  }

  /** Embeds and writes a document; waits until it is admitted. */
  CompletableFuture<Boolean> put(SourceDocument document) {
    requireUsable();
    DocumentEmbedder unused = embedder();
    admit(document);
    return submit(document, written -> {});
  }

  /** Writes a document whose vectors are made; waits until it is admitted. */
  CompletableFuture<Boolean> put(SourceDocument document, DocumentEmbedder.Embedded made) {
    requireUsable();
    admit(document);
    return submit(document, () -> CompletableFuture.completedFuture(made), clock, written -> {});
  }

  /** Embeds and writes a document; null if it is not admitted within a time. */
  @Nullable CompletableFuture<Boolean> tryPut(
      SourceDocument document, long millis, Consumer<Embedding> written) {
    requireUsable();
    try {
      if (!pending.tryAdmit(document, millis)) {
        return null;
      }
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
    return submit(document, written);
  }

  private void admit(SourceDocument document) {
    try {
      pending.admit(document);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    requireStillOpen(document);
  }

  /**
   * To be called when the document is admitted: close waits for all admitted documents after it is
   * marked, so one that is admitted and sees no mark is written before.
   */
  private void requireStillOpen(SourceDocument document) {
    if (closed.get()) {
      pending.dismiss(document);
      requireUsable();
    }
  }

  /** Embeds and writes an admitted document. */
  private CompletableFuture<Boolean> submit(SourceDocument document, Consumer<Embedding> written) {
    IndexingTimes timer = clock;
    return submit(document, () -> embedder().embed(document, timer), timer, written);
  }

  private CompletableFuture<Boolean> submit(
      SourceDocument document,
      Supplier<CompletableFuture<DocumentEmbedder.Embedded>> vectors,
      IndexingTimes timer,
      Consumer<Embedding> written) {
    CompletableFuture<Boolean> done =
        pending.submit(
            document,
            vectors,
            made -> {
              long start = System.nanoTime();
              boolean replaced = documents.write(document, made);
              timer.wrote(System.nanoTime() - start);
              commitIfMany();
              made.embeddings().forEach(written);
              return replaced;
            },
            this::classify);
    listeners.put(done);
    return done;
  }

  private DocumentEmbedder embedder() {
    if (embedder == null) {
      throw new IllegalStateException(
          "this indexer was opened with a model's fingerprint and has no engine to embed with: give"
              + " the vectors to put, or open it with an engine");
    }
    return embedder;
  }

  /**
   * Deletes the documents of ids, each after all that was begun before with it.
   *
   * @return how many there were
   */
  long delete(Collection<String> ids) {
    requireUsable();
    return uninterrupted(() -> {
      long there = 0;
      for (String id : ids) {
        requireUsable();
        if (pending.inOrder(id, () -> documents.delete(id))) {
          there++;
          commitIfMany();
        }
      }
      return there;
    });
  }

  /** Acts while no document is pending. */
  <T> T alone(IOSupplier<T> action) {
    requireUsable();
    try {
      pending.lock();
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
    try {
      return uninterrupted(() -> {
        committing.lock();
        try {
          requireUsable();
          return action.get();
        } finally {
          committing.unlock();
        }
      });
    } finally {
      pending.unlock();
    }
  }

  /** Acts on a thread that no caller interrupts; a failure to write ends this session. */
  private <T> T uninterrupted(IOSupplier<T> action) {
    try {
      return Uninterrupted.call(action::get);
    } catch (OwnFailure e) {
      throw e.unchecked();
    } catch (IOException | AlreadyClosedException e) {
      throw fail(folder.writeFailure(e));
    } catch (RuntimeException e) {
      // Lucene's own, where a merge failed so that its writer is of no use any more.
      throw folder.writer().getTragicException() == null ? e : fail(folder.writeFailure(e));
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  /** Tells a document's own failure from one that ends this session. */
  private Throwable classify(Throwable thrown) {
    if (thrown instanceof OwnFailure own) {
      return own.thrown();
    }
    Throwable cause = thrown;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    if (cause instanceof CancellationException && closed.get()) {
      return dropped(cause);
    }
    if (cause instanceof EngineClosedException) {
      return end(new IndexException("The engine was closed while documents were indexed", cause));
    }
    if (cause instanceof IOException
        || cause instanceof AlreadyClosedException
        || cause instanceof Error) {
      return end(folder.writeFailure(cause));
    }
    return cause;
  }

  private static IndexException dropped(@Nullable Throwable cause) {
    String message =
        "The indexer was closed before the document was written and committed: it is dropped";
    return cause == null ? new IndexException(message) : new IndexException(message, cause);
  }

  /** Makes every later call but closing fail, with the first reason given, which is returned. */
  private IndexException end(IndexException reason) {
    if (failure.compareAndSet(null, reason)) {
      long lost = documents.changes().uncommitted();
      // Whoever waits for a commit finds the failure known to all when it is told of it.
      listeners.failed(reason, lost);
      documents.changes().lose(reason);
    }
    return requireNonNull(failure.get());
  }

  /** Why nothing can be written any more; a merge in the background can have failed, too. */
  Optional<IndexException> failure() {
    if (failure.get() == null && !closed.get() && !folder.writer().isOpen()) {
      IndexException unused = end(folder.writeFailure(new AlreadyClosedException("it is closed")));
    }
    return Optional.ofNullable(failure.get());
  }

  /** As {@link #end}, with the reason to be thrown to a caller. */
  IndexException fail(IndexException reason) {
    failureWasThrown.set(true);
    return end(reason);
  }

  private static IndexException interrupted(InterruptedException e) {
    Thread.currentThread().interrupt();
    return new IndexException("Interrupted while indexing", e);
  }

  private void requireUsable() {
    if (closed.get()) {
      throw new IllegalStateException("this indexer is closed; open another");
    }
    IndexException reason = failure.get();
    if (reason != null) {
      failureWasThrown.set(true);
      throw new IndexException(String.valueOf(reason.getMessage()), reason);
    }
  }

  /**
   * Commits with a source's position.
   *
   * @param merged whether all is to be one segment first
   */
  void commit(SourcePosition reached, boolean merged) {
    boolean unused =
        alone(() -> {
          if (merged) {
            folder.mergeAll(schema);
          }
          writeCommit(reached);
          documents.releaseMerged();
          return true;
        });
  }

  /** Starts a commit of what is written, if something is and no run over a source is under way. */
  void commitSoon() {
    commits.soon();
  }

  private void commitWritten() {
    committing.lock();
    try {
      requireUsable();
      writeCommit(position);
      documents.releaseMerged();
    } catch (IOException | AlreadyClosedException e) {
      throw fail(folder.writeFailure(e));
    } catch (RuntimeException | Error e) {
      if (folder.writer().getTragicException() != null) {
        throw fail(folder.writeFailure(e));
      }
      throw e;
    } finally {
      committing.unlock();
    }
  }

  /** Commits while nobody else does. Documents may be written meanwhile, for the next commit. */
  private void writeCommit(SourcePosition reached) throws IOException {
    long start = System.nanoTime();
    long changes = documents.changes().made();
    folder.commit(schema, reached.format());
    documents.changes().committed(changes);
    position = reached;
    listeners.committed(start);
  }

  private void commitIfMany() {
    if (documents.changes().uncommitted() >= options.commitAfter() && !running.get()) {
      commitSoon();
    }
  }

  /** Called periodically; a run over a source commits by itself. */
  private void commitIfChanged() {
    if (documents.changes().uncommitted() == 0
        || running.get()
        || closed.get()
        || failure.get() != null) {
      return;
    }
    try {
      commitWritten();
    } catch (RuntimeException | Error e) {
      // Closing, which may have begun meanwhile, commits by itself.
      if (!closed.get() || failure.get() != null) {
        log.warn("The index {} could not be committed", folder.place(), e);
        documents.changes().notCommitted(folder.writeFailure(e));
      }
    }
  }

  /** Waits until no document is pending, for some time at most; tells whether that is so. */
  boolean awaitAll(long millis) {
    try {
      return pending.awaitAll(millis);
    } catch (InterruptedException e) {
      throw interrupted(e);
    }
  }

  /**
   * Waits until no document is pending, ends the session and releases the index; a second call does
   * nothing. Where nothing can be committed any more, pending texts are taken back from the engine.
   *
   * @param commit whether to commit what is not committed, if the session has not failed and no run
   *     over a source is cut off
   * @param warn whether to log what is dropped, if nobody was told yet
   */
  void close(boolean commit, boolean warn) {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    // A run that is cut off must not be committed by half.
    boolean isWhole = !running.get();
    boolean isLost = failure.get() != null || !(commit || warn);
    commits.close();
    if (embedder != null && isLost) {
      embedder.abandon();
    }
    pending.close();
    try {
      if (commit && isWhole && documents.changes().uncommitted() > 0 && failure.get() == null) {
        writeCommit(position);
      } else if (warn && documents.changes().uncommitted() > 0 && !failureWasThrown.get()) {
        warnOfDropped();
      }
    } catch (IOException | AlreadyClosedException e) {
      throw folder.writeFailure(e);
    } finally {
      documents.changes().lose(dropped(null));
      folder.rollback();
    }
  }

  private void warnOfDropped() {
    IndexException reason = failure.get();
    log.warn(
        "The index {} was closed without a commit{}: {} documents that were written or deleted since"
            + " the last one are dropped",
        folder.place(),
        reason == null ? "" : " after a failure (" + reason.getMessage() + ")",
        documents.changes().uncommitted());
  }
}
