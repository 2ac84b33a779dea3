package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.EmbeddingEngine;
import io.luciole.internal.Listeners;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An index that is written and searched for as long as a process lives, as servers need it: a
 * {@link HybridIndexer} and a {@link HybridSearcher} over what it writes, which are opened again
 * after a failure.
 *
 * <p>A document is found about a second after {@link #put} has completed. It is durable from the
 * next commit on ({@link #commit}, {@link #whenCommitted}, {@link WriteOptions#commitEvery}, {@link
 * WriteOptions#commitAfter}).
 *
 * <h2>Failures</h2>
 *
 * A full disk, a folder that was removed and files that cannot be read end the indexer. Then
 * documents and deletions are refused with an {@link IndexUnavailableException}, searches see what
 * they saw last, and {@link #health} tells the reason. What was written and not committed is lost;
 * its number is logged and told to {@link IndexListener#onFailure}. A thread of this object tries
 * to open the index again as of its last commit, after a second first and after ever longer pauses
 * then, half a minute at most. It is open again when a commit has succeeded. An index that is gone
 * is never made anew: it has to come back.
 *
 * <p>Safe for use by many threads. After {@link #close} all methods but {@link #health} and {@link
 * #schema} throw an {@link IndexUnavailableException}.
 */
public final class LiveIndex implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LiveIndex.class);
  private static final long REFRESH_NANOS = Duration.ofSeconds(1).toNanos();
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  /**
   * What a search does with the searcher.
   *
   * @param <T> what it gives
   * @param <E> what it throws
   */
  @FunctionalInterface
  public interface Search<T, E extends Exception> {
    /**
     * Searches.
     *
     * @param searcher the searcher, which must not be used after the return
     * @return the result
     * @throws E if it fails
     */
    T with(HybridSearcher searcher) throws E;
  }

  /**
   * Whether an index can be written and read, and what has happened to it since it was opened.
   *
   * @param problem why it cannot be written, and what is being done about it; empty if it can
   * @param failures how often it has failed
   * @param lost how many documents and deletions that were written are lost by that
   */
  public record Health(Optional<String> problem, long failures, long lost) {
    /** Checks the components. */
    public Health {
      requireNonNull(problem, "problem");
    }
  }

  private final Object place;
  private final Supplier<IndexFolder> folder;
  private final EmbeddingEngine engine;
  private final WriteOptions options;
  private final Duration firstPause;
  private final Listeners<IndexListener> listeners = new Listeners<>(List.of());
  private final CountDownLatch closing = new CountDownLatch(1);

  /** What is searched; after a failure, what is left of it. */
  private volatile OpenIndex open;

  @GuardedBy("this")
  private @Nullable String problem;

  @GuardedBy("this")
  private @Nullable Throwable cause;

  @GuardedBy("this")
  private long failures;

  @GuardedBy("this")
  private long lost;

  @GuardedBy("this")
  private @Nullable Thread recovery;

  @GuardedBy("this")
  private Duration pause;

  @GuardedBy("this")
  private long openedNanos;

  /**
   * Opens an index.
   *
   * @param folder opens its folder, each time anew
   * @param firstPause the time before the first try to open it again
   */
  LiveIndex(
      Object place,
      Supplier<IndexFolder> folder,
      EmbeddingEngine engine,
      WriteOptions options,
      Duration firstPause) {
    this.place = place;
    this.folder = folder;
    this.engine = engine;
    this.options = options;
    this.firstPause = firstPause;
    this.pause = firstPause;
    this.open = OpenIndex.open(folder.get(), engine, options);
    this.openedNanos = System.nanoTime();
    new Relay(open).listen();
  }

  /**
   * Opens an index, or makes one, which then is committed without documents.
   *
   * @param index the folder of the index
   * @param engine the engine that embeds documents and queries; it stays the caller's to close,
   *     after the index
   * @param options how to write
   * @return the index
   * @throws IndexException as {@link HybridIndexer#open(Path, EmbeddingEngine, WriteOptions)}, or
   *     if the disk is full
   */
  public static LiveIndex open(Path index, EmbeddingEngine engine, WriteOptions options) {
    requireNonNull(index, "index");
    requireNonNull(engine, "engine");
    requireNonNull(options, "options");
    return new LiveIndex(index, () -> IndexFolder.open(index), engine, options, FIRST_PAUSE);
  }

  /** {@return the schema of the index} */
  public HybridSchema schema() {
    return open.indexer().schema();
  }

  /**
   * Adds a listener for searches, documents, commits and failures.
   *
   * @param listener is told of each from now on
   */
  public void addListener(IndexListener listener) {
    listeners.add(requireNonNull(listener, "listener"));
  }

  /**
   * Embeds and writes a document; see {@link HybridIndexer#put(SourceDocument)}.
   *
   * @param document the document
   * @return completes when the document is written, but not yet committed: true if it replaced one
   * @throws IndexUnavailableException if the index has failed and is not open again
   */
  public CompletableFuture<Boolean> put(SourceDocument document) {
    return write(current ->
        current.indexer().put(document).whenComplete((replaced, failed) -> current.change()));
  }

  /** Changes the index, unless it has failed. */
  private <T> T write(Function<OpenIndex, T> change) {
    OpenIndex current = writable();
    try {
      T result = change.apply(current);
      current.change();
      return result;
    } catch (IllegalStateException e) {
      // The recovery has closed the indexer meanwhile.
      OpenIndex unused = writable();
      throw new IndexUnavailableException(
          "The index " + place + " was opened again meanwhile: try again.", e);
    }
  }

  /**
   * Deletes the document with an id, if there is one; see {@link HybridIndexer#delete(String)}.
   *
   * @param id the id
   * @return whether there was one
   * @throws IndexException if the index fails, an {@link IndexUnavailableException} if it has
   *     failed and is not open again
   */
  public boolean delete(String id) {
    return write(current -> current.indexer().delete(id));
  }

  /**
   * Deletes the documents that match a query, once all that are pending are written; see {@link
   * HybridIndexer#delete(Query)}.
   *
   * @param query asks for whole documents
   * @return how many documents there were
   * @throws IndexException as {@link #delete(String)}
   */
  public long delete(Query query) {
    return write(current -> current.indexer().delete(query));
  }

  /**
   * Makes everything durable and visible whose {@link #put} or deletion is complete. Does not wait
   * for documents that are pending.
   *
   * @throws IndexException as {@link #delete(String)}
   */
  public void commit() {
    OpenIndex current = writable();
    try {
      Void unused = write(c -> c.indexer().commitWritten()).get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IndexException("Interrupted while waiting for a commit", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof IndexException reason
          ? new IndexException(String.valueOf(reason.getMessage()), reason)
          : new IndexException("The commit failed: " + e.getCause(), e);
    }
    refresh(current, 0);
  }

  /**
   * Tells when everything is durable whose {@link #put} or deletion is complete. It does not start
   * a commit.
   *
   * @return completes with the next commit, or at once if nothing is to be committed; fails with an
   *     {@link IndexException} if the changes are lost
   * @throws IndexUnavailableException if the index has failed and is not open again
   */
  public CompletableFuture<Void> whenCommitted() {
    return writable().indexer().whenCommitted();
  }

  /** {@return how many documents were written, deleted or added since the last commit} */
  public long uncommittedChanges() {
    return open.indexer().uncommittedChanges();
  }

  /**
   * Searches, reads or counts. If that fails because files cannot be read, the index is opened
   * again.
   *
   * @param search what to do with a searcher that sees what was written at least a second ago
   * @param <T> what it gives
   * @param <E> what it throws
   * @return what it gave
   * @throws E if it throws that
   * @throws IndexUnavailableException if this index is closed
   */
  public <T, E extends Exception> T search(Search<T, E> search) throws E {
    OpenIndex current = acquire();
    try {
      refresh(current, REFRESH_NANOS);
      return search.with(current.searcher());
    } catch (IndexException e) {
      if (e.getCause() instanceof IOException) {
        fail(current, e, current.indexer().uncommittedChanges());
      }
      throw e;
    } finally {
      current.release();
    }
  }

  /** Makes searches see what was written; leaves them what they see after a failure. */
  private void refresh(OpenIndex current, long nanos) {
    if (!isWritable()) {
      return;
    }
    try {
      current.refreshIfDue(nanos);
    } catch (IllegalStateException | IndexException e) {
      IndexException reason = current.indexer().failure().orElse(null);
      if (reason == null && isWritable()) {
        throw e;
      }
      if (reason != null) {
        fail(current, reason, current.indexer().uncommittedChanges());
      }
    }
  }

  /** The newest searcher that is open; a search that is replaced meanwhile keeps its own. */
  private OpenIndex acquire() {
    while (closing.getCount() > 0) {
      OpenIndex current = open;
      if (current.acquire()) {
        return current;
      }
    }
    throw closed();
  }

  private IndexUnavailableException closed() {
    return new IndexUnavailableException("The index " + place + " is closed.");
  }

  private synchronized boolean isWritable() {
    return problem == null;
  }

  private synchronized OpenIndex writable() {
    if (closing.getCount() == 0) {
      throw closed();
    }
    if (problem != null && cause != null) {
      throw new IndexUnavailableException(problem, cause);
    }
    return open;
  }

  /**
   * Looks whether the index can be written, as far as that can be told without writing: whether a
   * merge in the background has failed or the index's files are gone.
   *
   * @return its health
   */
  public Health health() {
    OpenIndex current = open;
    if (isWritable() && closing.getCount() > 0) {
      current
          .indexer()
          .failure()
          .or(() -> current.indexer().folder().missing())
          .ifPresent(e -> fail(current, e, current.indexer().uncommittedChanges()));
    }
    synchronized (this) {
      return new Health(Optional.ofNullable(problem), failures, lost);
    }
  }

  /** Marks the index as failed and starts to recover it, unless that is under way already. */
  private synchronized void fail(OpenIndex failed, IndexException reason, long changes) {
    if (problem != null || !failed.equals(open) || closing.getCount() == 0) {
      return;
    }
    failures++;
    cause = reason;
    problem = describe(reason, 0);
    if (System.nanoTime() - openedNanos > LONGEST_PAUSE.toNanos()) {
      pause = firstPause;
    }
    log.error(
        "The index {} has failed and is opened again as of its last commit: {} changes that were"
            + " written since are lost unless they can still be committed",
        place,
        changes,
        reason);
    recovery =
        Thread.ofPlatform()
            .name("luciole-index-recovery")
            .daemon()
            .start(() -> recover(failed, reason));
  }

  private static String describe(Throwable reason, long changes) {
    return reason.getMessage()
        + (changes == 0
            ? ""
            : " "
                + changes
                + " changes that were written after that commit are lost: send again what"
                + " was not answered as committed.")
        + " The index is opened again as soon as that is possible.";
  }

  /**
   * Releases what has failed, and tries to open the index until that succeeds or this is closed.
   */
  private void recover(OpenIndex failed, IndexException reason) {
    long changes = end(failed.indexer());
    listeners.tell(listener -> listener.onFailure(reason, changes));
    synchronized (this) {
      lost += changes;
      problem = describe(requireNonNull(cause), changes);
    }
    if (changes > 0) {
      log.error("The index {} has lost {} changes that were not committed", place, changes);
    }
    while (!isClosedAfterPause()) {
      try {
        reopen(failed);
        return;
      } catch (RuntimeException e) {
        log.warn("The index {} cannot be opened again yet: {}", place, e.toString());
        synchronized (this) {
          cause = e;
          problem = describe(e, changes);
        }
      }
    }
  }

  /** Commits what can be committed, closes the indexer and tells how many changes are lost. */
  private static long end(HybridIndexer indexer) {
    try {
      indexer.close();
    } catch (RuntimeException e) {
      log.debug("A failed index was not closed in order", e);
    }
    return indexer.uncommittedChanges();
  }

  private boolean isClosedAfterPause() {
    Duration wait;
    synchronized (this) {
      wait = pause;
      Duration longer = pause.multipliedBy(2);
      pause = longer.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : longer;
    }
    try {
      return closing.await(wait.toNanos(), TimeUnit.NANOSECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return true;
    }
  }

  private void reopen(OpenIndex failed) {
    failed
        .indexer()
        .folder()
        .missing()
        .ifPresent(gone -> {
          throw gone;
        });
    OpenIndex next = OpenIndex.reopen(folder.get(), engine, options);
    new Relay(next).listen();
    synchronized (this) {
      open = next;
      problem = null;
      cause = null;
      recovery = null;
      openedNanos = System.nanoTime();
    }
    failed.release();
    log.info("The index {} is open again as of its last commit", place);
  }

  /** Passes on what an indexer and a searcher tell, and starts the recovery when they fail. */
  private final class Relay implements IndexListener {
    private final OpenIndex of;

    Relay(OpenIndex of) {
      this.of = of;
    }

    void listen() {
      of.indexer().addListener(this);
      of.searcher().addListener(this);
    }

    @Override
    public void onSearch(SearchResult result) {
      listeners.tell(listener -> listener.onSearch(result));
    }

    @Override
    public void onDocument(Duration latency, boolean written) {
      listeners.tell(listener -> listener.onDocument(latency, written));
    }

    @Override
    public void onCommit(Duration took) {
      listeners.tell(listener -> listener.onCommit(took));
    }

    @Override
    public void onFailure(IndexException reason, long changes) {
      fail(of, reason, changes);
    }
  }

  /**
   * Waits until no document is pending, commits what is not committed yet, and releases the index.
   * A second call does nothing.
   *
   * @throws IndexException if what is not committed cannot be written
   */
  @Override
  public void close() {
    close(HybridIndexer::close);
  }

  /**
   * Closes the index without a commit and deletes its files, and its folder if nothing else is in
   * it.
   *
   * @throws IndexException if files cannot be deleted
   */
  public void delete() {
    close(HybridIndexer::rollback);
    open.indexer().folder().delete();
  }

  private void close(Consumer<HybridIndexer> how) {
    Thread running;
    synchronized (this) {
      if (closing.getCount() == 0) {
        return;
      }
      closing.countDown();
      running = recovery;
    }
    if (running != null) {
      awaitUninterruptibly(running);
    }
    OpenIndex last = open;
    last.release();
    how.accept(last.indexer());
  }

  private static void awaitUninterruptibly(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
