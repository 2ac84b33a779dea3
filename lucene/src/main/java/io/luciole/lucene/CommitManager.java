package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ReferenceManager;
import org.apache.lucene.search.SearcherFactory;
import org.apache.lucene.search.SearcherManager;
import org.jspecify.annotations.Nullable;

/**
 * Searchers of an index's last commit, without documents that are deleted softly. A {@link
 * SearcherManager} over {@link LiveReader#open} would show those from the first on, if the commit
 * that it opens has none yet and so cannot name their field. Safe for use by many threads.
 */
final class CommitManager extends ReferenceManager<IndexSearcher> {
  private final Object place;
  private final SearcherFactory searchers;

  /**
   * Creates a manager.
   *
   * @param place where the index is, for people
   * @param reader from {@link LiveReader}; closed with the manager, or if this fails
   * @param searchers makes searchers of readers
   */
  CommitManager(Object place, DirectoryReader reader, SearcherFactory searchers)
      throws IOException {
    this.place = place;
    this.searchers = searchers;
    this.current = SearcherManager.getSearcher(searchers, reader, null);
  }

  @Override
  protected @Nullable IndexSearcher refreshIfNeeded(IndexSearcher before) throws IOException {
    DirectoryReader reader = (DirectoryReader) before.getIndexReader();
    DirectoryReader newer = SameIndex.openIfChanged(place, reader);
    return newer == null
        ? null
        : SearcherManager.getSearcher(searchers, LiveReader.of(newer), reader);
  }

  @Override
  protected boolean tryIncRef(IndexSearcher searcher) {
    return searcher.getIndexReader().tryIncRef();
  }

  @Override
  protected void decRef(IndexSearcher searcher) throws IOException {
    searcher.getIndexReader().decRef();
  }

  @Override
  protected int getRefCount(IndexSearcher searcher) {
    return searcher.getIndexReader().getRefCount();
  }
}
