package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.EmbeddingEngine;
import io.luciole.internal.Listeners;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The {@link OpenIndex} of a {@link LiveIndex}, which is replaced by another after a failure. Safe
 * for use by many threads.
 *
 * <p>From a failure to the next opening {@code problem} is set and a thread recovers: it ends the
 * indexer that has failed, and opens another when it can. The searcher of the one that has failed
 * stays in use meanwhile.
 */
final class RecoveringIndex {
  private static final Logger log = LoggerFactory.getLogger(RecoveringIndex.class);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

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
   * @param place where it is, for people
   * @param folder opens its folder, each time anew
   * @param firstPause the time before the first try to open it again
   */
  RecoveringIndex(
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

  /** What is searched: the newest that was opened, even if it has failed. */
  OpenIndex newest() {
    return open;
  }

  void addListener(IndexListener listener) {
    listeners.add(listener);
  }

  /** The newest searcher that is open; a search that is replaced meanwhile keeps its own. */
  OpenIndex acquire() {
    while (closing.getCount() > 0) {
      OpenIndex current = open;
      if (current.acquire()) {
        return current;
      }
    }
    throw closed();
  }

  private IndexUnavailableException closed() {
    return new IndexUnavailableException(closedText());
  }

  private String closedText() {
    return "The index " + place + " is closed.";
  }

  /**
   * Once closing has begun, throws that this index is closed.
   *
   * @param failure what failed meanwhile, since closing ends what is under way
   */
  void requireOpen(Throwable failure) {
    if (closing.getCount() == 0) {
      throw new IndexUnavailableException(closedText(), failure);
    }
  }

  /** What callers are told of a failure: once closing has begun, that this index is closed. */
  IndexException told(IndexException failure) {
    requireOpen(failure);
    return failure;
  }

  /** A future that fails as {@link #told(IndexException)} says. */
  <T> CompletableFuture<T> tellingClosed(CompletableFuture<T> future) {
    return future.exceptionallyCompose(failure -> {
      Throwable cause = failure instanceof CompletionException e ? e.getCause() : failure;
      if (cause instanceof IndexException) {
        requireOpen(failure);
      }
      return CompletableFuture.failedFuture(failure);
    });
  }

  synchronized boolean isWritable() {
    return problem == null;
  }

  /** What can be written; throws if nothing can. */
  synchronized OpenIndex writable() {
    if (closing.getCount() == 0) {
      throw closed();
    }
    if (problem != null && cause != null) {
      throw new IndexUnavailableException(problem, cause);
    }
    return open;
  }

  /** Looks whether the index can be written, and tells what has happened to it. */
  LiveIndex.Health health() {
    OpenIndex current = open;
    if (isWritable() && closing.getCount() > 0) {
      current
          .indexer()
          .failure()
          .or(() -> current.indexer().folder().missing())
          .ifPresent(e -> fail(current, e));
    }
    synchronized (this) {
      return new LiveIndex.Health(Optional.ofNullable(problem), failures, lost);
    }
  }

  /** Marks the index as failed and starts to recover it, unless that is under way already. */
  synchronized void fail(OpenIndex failed, IndexException reason) {
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
        failed.indexer().uncommittedChanges(),
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
      } catch (RuntimeException | Error e) {
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
    public void onDocument(Duration latency, Optional<Throwable> failure) {
      listeners.tell(listener -> listener.onDocument(latency, failure));
    }

    @Override
    public void onCommit(Duration took) {
      // What is durable stays visible when the indexer fails.
      try {
        of.refresh();
      } catch (RuntimeException e) {
        log.debug("The searcher was not refreshed after a commit", e);
      }
      listeners.tell(listener -> listener.onCommit(took));
    }

    @Override
    public void onFailure(IndexException reason, long changes) {
      fail(of, reason);
    }
  }

  /** Closes the index for good; a second call does nothing. */
  void close(Consumer<HybridIndexer> how) {
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
