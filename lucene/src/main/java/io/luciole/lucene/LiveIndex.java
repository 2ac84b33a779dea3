package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.lucene.search.Query;

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
 * <p>Safe for use by many threads. Once {@link #close} or {@link #delete()} has begun, all methods
 * but {@link #health}, {@link #schema} and {@link #uncommittedChanges} throw an {@link
 * IndexUnavailableException}, and so does what is under way if it fails by that.
 */
public final class LiveIndex implements AutoCloseable {
  private static final long REFRESH_NANOS = Duration.ofSeconds(1).toNanos();
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);

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

  private final RecoveringIndex index;

  private LiveIndex(RecoveringIndex index) {
    this.index = index;
  }

  /**
   * Opens an index.
   *
   * @param place where it is, for people
   * @param folder opens its folder, each time anew
   * @param firstPause the time before the first try to open it again
   */
  static LiveIndex open(
      Object place,
      Supplier<IndexFolder> folder,
      EmbeddingEngine engine,
      WriteOptions options,
      Duration firstPause) {
    return new LiveIndex(new RecoveringIndex(place, folder, engine, options, firstPause));
  }

  /**
   * Opens an index, or makes one, which then is committed without documents.
   *
   * @param index the folder of the index
   * @param engine the engine that embeds documents and queries; it stays the caller's to close,
   *     after the index
   * @param options how to write
   * @return the index
   * @throws IndexException as {@link HybridIndexer#open(Path, EmbeddingEngine, WriteOptions)}, an
   *     {@link IndexMismatchException} if it is not the index that was asked for; or if the disk is
   *     full
   */
  public static LiveIndex open(Path index, EmbeddingEngine engine, WriteOptions options) {
    requireNonNull(index, "index");
    requireNonNull(engine, "engine");
    requireNonNull(options, "options");
    return open(index, () -> IndexFolder.open(index), engine, options, FIRST_PAUSE);
  }

  /** {@return the schema of the index} */
  public HybridSchema schema() {
    return index.newest().indexer().schema();
  }

  /**
   * Adds a listener for searches, documents, commits and failures.
   *
   * @param listener is told of each from now on
   */
  public void addListener(IndexListener listener) {
    index.addListener(requireNonNull(listener, "listener"));
  }

  /**
   * Embeds and writes a document; see {@link HybridIndexer#put(SourceDocument)}.
   *
   * @param document the document
   * @return completes when the document is written, but not yet committed: true if it replaced one
   * @throws IndexUnavailableException if the index has failed and is not open again
   */
  public CompletableFuture<Boolean> put(SourceDocument document) {
    return index.tellingClosed(
        write(current ->
            current.indexer().put(document).whenComplete((replaced, failed) -> current.change())));
  }

  /** Changes the index, unless it has failed. */
  private <T> T write(Function<OpenIndex, T> change) {
    OpenIndex current = index.writable();
    try {
      T result = change.apply(current);
      current.change();
      return result;
    } catch (IllegalStateException e) {
      // The recovery closes the indexer that has failed, and puts another in its place.
      if (current.equals(index.writable())) {
        throw e;
      }
      throw new IndexUnavailableException("The index was opened again meanwhile: try again.", e);
    } catch (IndexException e) {
      throw index.told(e);
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
    OpenIndex current = index.writable();
    try {
      Void unused = write(c -> c.indexer().commitWritten()).get();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IndexException("Interrupted while waiting for a commit", e);
    } catch (ExecutionException e) {
      throw index.told(
          e.getCause() instanceof IndexException reason
              ? new IndexException(String.valueOf(reason.getMessage()), reason)
              : new IndexException("The commit failed: " + e.getCause(), e));
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
    return index.tellingClosed(index.writable().indexer().whenCommitted());
  }

  /** {@return how many documents were written, deleted or added since the last commit} */
  public long uncommittedChanges() {
    return index.newest().indexer().uncommittedChanges();
  }

  /**
   * Searches, reads or counts. If that fails because the index cannot be read, the index is opened
   * again. Other failures of the search are the caller's and leave the index as it is.
   *
   * @param search what to do with a searcher that sees what was written at least a second ago
   * @param <T> what it gives
   * @param <E> what it throws
   * @return what it gave
   * @throws E if it throws that
   * @throws IndexUnavailableException if this index is closed
   */
  public <T, E extends Exception> T search(Search<T, E> search) throws E {
    OpenIndex current = index.acquire();
    try {
      refresh(current, REFRESH_NANOS);
      return search.with(current.searcher());
    } catch (IndexException e) {
      if (current.searcher().failedBy(e)) {
        index.fail(current, e);
      }
      throw index.told(e);
    } catch (IllegalStateException e) {
      index.requireOpen(e);
      throw e;
    } finally {
      current.release();
    }
  }

  /** Makes searches see what was written; leaves them what they see after a failure. */
  private void refresh(OpenIndex current, long nanos) {
    if (!index.isWritable()) {
      return;
    }
    try {
      if (nanos == 0) {
        current.refresh();
      } else {
        current.refreshIfDue(nanos);
      }
    } catch (IllegalStateException | IndexException e) {
      index.requireOpen(e);
      IndexException reason = current.indexer().failure().orElse(null);
      if (reason == null && index.isWritable()) {
        throw e;
      }
      if (reason != null) {
        index.fail(current, reason);
      }
    }
  }

  /**
   * Looks whether the index can be written, as far as that can be told without writing: whether a
   * merge in the background has failed or the index's files are gone.
   *
   * @return its health
   */
  public Health health() {
    return index.health();
  }

  /**
   * Waits until no document is pending, commits what is not committed yet, and releases the index.
   * A second call does nothing.
   *
   * @throws IndexException if what is not committed cannot be written
   */
  @Override
  public void close() {
    index.close(HybridIndexer::close);
  }

  /**
   * Deletes the files of an index that is not open, and its folder if nothing else is in it and it
   * can be removed; also of one that cannot be opened. Does nothing if there is no folder.
   *
   * @param index the folder of the index
   * @throws IndexException if another process writes to it, or files cannot be deleted
   */
  public static void delete(Path index) {
    IndexFolder.delete(requireNonNull(index, "index"));
  }

  /**
   * Closes the index without a commit and deletes its files, as far as they are there, and its
   * folder if nothing else is in it and it can be removed: a mount point stays, empty.
   *
   * @throws IndexException if files cannot be deleted, or another writer has come meanwhile, whose
   *     index stays
   */
  public void delete() {
    IndexFolder folder = index.newest().indexer().folder();
    try {
      index.close(HybridIndexer::rollback);
    } catch (IndexException e) {
      if (folder.missing().isEmpty()) {
        throw e;
      }
    }
    folder.delete();
  }
}
