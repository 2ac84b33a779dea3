package io.luciole.lucene;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.SearcherLifetimeManager;

/**
 * States of an index that were searched, kept for later pages of the same results. Each holds the
 * files of its segments open, so that their age and their number are bounded. Safe for use by many
 * threads.
 */
final class KeptViews implements Closeable {
  /** How long a view is kept after the index has changed. */
  static final Duration MAX_AGE = Duration.ofMinutes(5);

  /** How many views are kept. */
  static final int MAX_COUNT = 100;

  private final SearcherLifetimeManager searchers = new SearcherLifetimeManager();

  private final AtomicLong newest = new AtomicLong(Long.MIN_VALUE);
  private final Object place;

  /**
   * Creates an empty collection.
   *
   * @param place where the index is, for people
   */
  KeptViews(Object place) {
    this.place = place;
  }

  /** Keeps a searcher; gives the name of its view. The first of a newer state drops old views. */
  long keep(IndexSearcher searcher) throws IOException {
    long view = searchers.record(searcher);
    if (newest.getAndAccumulate(view, Math::max) < view) {
      prune();
    }
    return view;
  }

  /**
   * Gives the searcher of a view, which is to be released as any other.
   *
   * @throws ViewGoneException if the view is not kept
   */
  IndexSearcher acquire(long view) {
    IndexSearcher kept = searchers.acquire(view);
    if (kept == null) {
      throw new ViewGoneException(
          "The view "
              + view
              + " of the index "
              + place
              + " is gone; the last "
              + MAX_COUNT
              + " views are kept, for "
              + MAX_AGE.toMinutes()
              + " minutes after the index changed. Search from the first page again.");
    }
    return kept;
  }

  /** Drops what is too old or too much; to be called when the index has changed. */
  void prune() throws IOException {
    int[] seen = {0};
    // Searchers come from the newest to the oldest.
    searchers.prune((age, searcher) -> seen[0]++ >= MAX_COUNT || age > MAX_AGE.toSeconds());
  }

  @Override
  public void close() throws IOException {
    searchers.close();
  }
}
