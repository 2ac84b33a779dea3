package io.luciole.lucene;

import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.apache.lucene.util.IOSupplier;

/**
 * Documents from when they are put until they are written. Bounds their memory, keeps those of one
 * id in order, and has them written by threads of its own. Safe for use by many threads.
 */
final class PendingDocuments implements AutoCloseable {
  /*
   * Permits bound the memory of pending documents and stand for the lock of a commit. A document
   * holds permits by the length of its text, from before it goes to the engine until after it was
   * written or failed. Whoever holds all permits knows that no document is pending.
   */
  private static final int MAX_PERMITS = 4096;

  private static final int CHARS_PER_PERMIT = 512;

  /** How many times more memory a pending document takes with token vectors than without. */
  private static final int TOKEN_VECTORS_FACTOR = 8;

  private final Semaphore permits = new Semaphore(MAX_PERMITS, true);

  /** The last action on each id that has one in progress. */
  private final ConcurrentMap<String, CompletableFuture<Boolean>> last = new ConcurrentHashMap<>();

  private final boolean tokenVectors;
  private final ExecutorService writers;

  /**
   * Writes a document.
   *
   * @param <V> its vectors
   */
  @FunctionalInterface
  interface Writing<V> {
    /** Writes; tells whether an older document was replaced. */
    boolean write(V vectors) throws IOException;
  }

  /**
   * Starts the threads.
   *
   * @param tokenVectors whether documents have token vectors
   * @param threads how many threads write
   */
  PendingDocuments(boolean tokenVectors, int threads) {
    this.tokenVectors = tokenVectors;
    this.writers =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("luciole-writer-", 0).daemon().factory());
  }

  /** The threads that write. */
  Executor writers() {
    return writers;
  }

  /** Takes a document's permits; waits for them. */
  void admit(SourceDocument document) throws InterruptedException {
    permits.acquire(permits(document));
  }

  /** Takes a document's permits if they are free within a time. */
  boolean tryAdmit(SourceDocument document, long millis) throws InterruptedException {
    return permits.tryAcquire(permits(document), millis, TimeUnit.MILLISECONDS);
  }

  /** Gives back the permits of a document that is not to be submitted. */
  void dismiss(SourceDocument document) {
    permits.release(permits(document));
  }

  private int permits(SourceDocument document) {
    long length = (long) document.title().length() + document.text().length();
    long needed = 1 + length / CHARS_PER_PERMIT;
    return (int) Math.min(MAX_PERMITS, tokenVectors ? needed * TOKEN_VECTORS_FACTOR : needed);
  }

  /**
   * Writes an admitted document when its vectors are there and what was begun before with its id is
   * done; its permits are given back at the end.
   *
   * @param vectors starts to make the vectors
   * @param writing writes, on a thread of {@link #writers}
   * @param classify turns a failure into the one that the caller gets
   */
  <V> CompletableFuture<Boolean> submit(
      SourceDocument document,
      Supplier<CompletableFuture<V>> vectors,
      Writing<V> writing,
      UnaryOperator<Throwable> classify) {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    CompletableFuture<Boolean> before = last.put(document.id(), done);
    CompletableFuture<V> made = vectors.get();
    CompletableFuture<?> ready =
        before == null
            ? made
            : CompletableFuture.allOf(made, before.exceptionally(failed -> false));
    // Completes `done`, whatever happens.
    CompletableFuture<?> unused =
        ready.whenCompleteAsync(
            (any, failed) -> {
              Runnable end;
              try {
                boolean replaced = writing.write(made.join());
                end = () -> done.complete(replaced);
              } catch (Throwable t) {
                Throwable failure = classify.apply(t);
                end = () -> done.completeExceptionally(failure);
              }
              last.remove(document.id(), done);
              end.run();
              permits.release(permits(document));
            },
            writers);
    return done;
  }

  /** Acts on an id after all that was begun before with it, and before all that comes later. */
  <T> T inOrder(String id, IOSupplier<T> action) throws IOException {
    CompletableFuture<Boolean> done = new CompletableFuture<>();
    CompletableFuture<Boolean> before = last.put(id, done);
    try {
      if (before != null) {
        before.exceptionally(failed -> false).join();
      }
      return action.get();
    } finally {
      last.remove(id, done);
      done.complete(false);
    }
  }

  /** Waits until no document is pending, and keeps others out until {@link #unlock}. */
  void lock() throws InterruptedException {
    permits.acquire(MAX_PERMITS);
  }

  /** Lets documents in again. */
  void unlock() {
    permits.release(MAX_PERMITS);
  }

  /** Waits until no document is pending, for some time at most; tells whether that is so. */
  boolean awaitAll(long millis) throws InterruptedException {
    if (!permits.tryAcquire(MAX_PERMITS, millis, TimeUnit.MILLISECONDS)) {
      return false;
    }
    permits.release(MAX_PERMITS);
    return true;
  }

  /** Waits until no document is pending, and ends the threads. */
  @Override
  public void close() {
    permits.acquireUninterruptibly(MAX_PERMITS);
    permits.release(MAX_PERMITS);
    writers.close();
  }
}
