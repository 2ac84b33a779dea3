package io.luciole.lucene;

import java.io.Closeable;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.Executor;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ReferenceManager;
import org.apache.lucene.store.AlreadyClosedException;
import org.apache.lucene.util.IOConsumer;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * Where a {@link HybridSearcher} gets the views of its index from. What is acquired must be
 * released. Safe for use by many threads.
 */
interface SearcherSource extends Closeable {
  /**
   * The newest view.
   *
   * @throws AlreadyClosedException if the source is closed
   */
  IndexSearcher acquire() throws IOException;

  /**
   * An earlier view that was recorded.
   *
   * @throws ViewGoneException if it is kept no more
   */
  IndexSearcher acquire(long view) throws IOException;

  void release(IndexSearcher searcher) throws IOException;

  /** Keeps a view for a while, as {@link KeptViews} does, and gives its number. */
  long record(IndexSearcher searcher) throws IOException;

  /** What the searchers run on beside the caller's thread; null where that is not known. */
  @Nullable Executor threads();

  /** Makes the newest state of the index the newest view, and tells whether that is another. */
  boolean refresh() throws IOException;

  /** The views of a manager. */
  final class Managed implements SearcherSource {
    private final ReferenceManager<IndexSearcher> manager;
    private final @Nullable Executor threads;
    private final IOConsumer<IndexSearcher> check;
    private final List<Closeable> owned;
    private final KeptViews views;
    private volatile @Nullable IndexSearcher checked;

    /**
     * Creates a source.
     *
     * @param place where the index is, for people
     * @param manager has searchers of {@link DirectoryReader}s
     * @param threads what the searchers run on; null where that is not known
     * @param check throws if a new view is not to be searched
     * @param owned what is closed with the source, in this order
     */
    Managed(
        Object place,
        ReferenceManager<IndexSearcher> manager,
        @Nullable Executor threads,
        IOConsumer<IndexSearcher> check,
        Closeable... owned) {
      this.views = new KeptViews(place);
      this.manager = manager;
      this.threads = threads;
      this.check = check;
      this.owned = List.of(owned);
    }

    @Override
    public IndexSearcher acquire() throws IOException {
      IndexSearcher searcher = manager.acquire();
      if (!searcher.equals(checked)) {
        try {
          check.accept(searcher);
        } catch (IOException | RuntimeException e) {
          manager.release(searcher);
          throw e;
        }
        checked = searcher;
      }
      return searcher;
    }

    @Override
    public IndexSearcher acquire(long view) {
      return views.acquire(view);
    }

    @Override
    public void release(IndexSearcher searcher) throws IOException {
      manager.release(searcher);
    }

    @Override
    public long record(IndexSearcher searcher) throws IOException {
      return views.keep(searcher);
    }

    @Override
    public @Nullable Executor threads() {
      return threads;
    }

    @Override
    public boolean refresh() throws IOException {
      IndexSearcher before = manager.acquire();
      try {
        manager.maybeRefreshBlocking();
        views.prune();
        IndexSearcher now = manager.acquire();
        try {
          return version(now) != version(before);
        } finally {
          manager.release(now);
        }
      } finally {
        manager.release(before);
      }
    }

    private static long version(IndexSearcher searcher) {
      return ((DirectoryReader) searcher.getIndexReader()).getVersion();
    }

    @Override
    public void close() throws IOException {
      views.close();
      IOUtils.close(owned);
    }
  }

  /** The only view that there is: a searcher of the application's, or of its reader. */
  final class Fixed implements SearcherSource {
    private final IndexSearcher searcher;
    private final @Nullable Executor threads;
    private final Closeable owned;

    /**
     * Creates a source.
     *
     * @param threads what the searcher runs on; null where that is not known
     * @param owned what is closed with the source; the reader is the application's
     */
    Fixed(IndexSearcher searcher, @Nullable Executor threads, Closeable owned) {
      this.searcher = searcher;
      this.threads = threads;
      this.owned = owned;
    }

    @Override
    public IndexSearcher acquire() {
      searcher.getIndexReader().incRef();
      return searcher;
    }

    @Override
    public IndexSearcher acquire(long view) {
      return acquire();
    }

    @Override
    public void release(IndexSearcher acquired) throws IOException {
      acquired.getIndexReader().decRef();
    }

    @Override
    public long record(IndexSearcher acquired) {
      return 0;
    }

    @Override
    public @Nullable Executor threads() {
      return threads;
    }

    @Override
    public boolean refresh() {
      return false;
    }

    @Override
    public void close() throws IOException {
      owned.close();
    }
  }
}
