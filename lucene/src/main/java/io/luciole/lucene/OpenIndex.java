package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;

/**
 * An indexer and the searcher that sees what it writes, from their opening to the first failure of
 * one of them. The searcher is closed when its last user is done. Safe for use by many threads.
 */
final class OpenIndex {
  private final HybridIndexer indexer;
  private final HybridSearcher searcher;
  private final AtomicBoolean changed = new AtomicBoolean();
  private final AtomicLong refreshed = new AtomicLong(System.nanoTime());

  /** One for whoever opened it, and one for each search that is running; closed at 0. */
  private final AtomicInteger users = new AtomicInteger(1);

  private OpenIndex(HybridIndexer indexer, HybridSearcher searcher) {
    this.indexer = indexer;
    this.searcher = searcher;
  }

  /**
   * Opens the index of a folder, and proves by a commit that it can be written.
   *
   * @param folder belongs to what is opened from now on
   */
  static OpenIndex open(IndexFolder folder, EmbeddingEngine engine, WriteOptions options) {
    HybridIndexer indexer = HybridIndexer.open(folder, engine, options);
    try {
      indexer.commit();
      return new OpenIndex(indexer, HybridSearcher.open(indexer, engine));
    } catch (Throwable t) {
      indexer.rollback();
      throw t;
    }
  }

  /** As {@link #open}, after a failure: only where the disk has room again. */
  static OpenIndex reopen(IndexFolder folder, EmbeddingEngine engine, WriteOptions options) {
    OpenIndex opened = open(folder, engine, options);
    try {
      folder.requireRoom();
      return opened;
    } catch (Throwable t) {
      opened.searcher.close();
      opened.indexer.rollback();
      throw t;
    }
  }

  HybridIndexer indexer() {
    return indexer;
  }

  HybridSearcher searcher() {
    return searcher;
  }

  /** Takes part in the use of the searcher; false if it is closed. */
  boolean acquire() {
    return users.getAndUpdate(n -> n == 0 ? 0 : n + 1) > 0;
  }

  /** Ends the use of the searcher. */
  void release() {
    if (users.decrementAndGet() == 0) {
      searcher.close();
    }
  }

  /** Notes that later searches are to see something new. */
  void change() {
    changed.set(true);
  }

  /** Makes searches see what was written, if something was and the last time is long enough ago. */
  void refreshIfDue(long nanos) {
    long last = refreshed.get();
    long now = System.nanoTime();
    if (changed.get() && now - last >= nanos && refreshed.compareAndSet(last, now)) {
      refresh();
    }
  }

  /** Makes searches see what was written; one that is under way is waited for. */
  synchronized void refresh() {
    changed.set(false);
    refreshed.set(System.nanoTime());
    boolean unused = searcher.refresh();
  }
}
