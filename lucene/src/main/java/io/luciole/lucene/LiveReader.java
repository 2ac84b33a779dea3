package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FieldInfos;
import org.apache.lucene.index.FilterLeafReader;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.SegmentCommitInfo;
import org.apache.lucene.index.SegmentReader;
import org.apache.lucene.index.SoftDeletesDirectoryReaderWrapper;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * Leaves out documents that are deleted softly: by a reader of their own for commits that we open,
 * by a filter for readers of an application's, whose documents keep their numbers.
 */
final class LiveReader {
  private LiveReader() {}

  /** Opens the last commit of an index, without documents that are deleted softly. */
  static DirectoryReader open(Directory directory) throws IOException {
    return of(DirectoryReader.open(directory));
  }

  /**
   * A view of a commit without documents that are deleted softly.
   *
   * @param reader the commit, which belongs to the view from now on; closed if this fails
   */
  static DirectoryReader of(DirectoryReader reader) throws IOException {
    try {
      String field = FieldInfos.getMergedFieldInfos(reader).getSoftDeletesField();
      return field == null || reader instanceof SoftDeletesDirectoryReaderWrapper
          ? reader
          : new SoftDeletesDirectoryReaderWrapper(reader, field);
    } catch (Throwable t) {
      IOUtils.closeWhileHandlingException(reader);
      throw t;
    }
  }

  /**
   * Excludes the documents that are deleted softly and that a reader shows as live; null if it
   * shows none, as the readers of writers do.
   */
  static @Nullable Query filter(IndexReader reader) {
    for (LeafReaderContext leaf : reader.leaves()) {
      String field = leaf.reader().getFieldInfos().getSoftDeletesField();
      if (field != null && showsDeleted(leaf.reader())) {
        return new BooleanQuery.Builder()
            .add(LegQueries.everything(), Occur.FILTER)
            .add(new FieldExistsQuery(field), Occur.MUST_NOT)
            .build();
      }
    }
    return null;
  }

  /** Counts the documents of a query that are not deleted, softly or else. */
  static int count(IndexSearcher searcher, Query query) throws IOException {
    return searcher.count(
        requireNonNull(LegQueries.both(query, filter(searcher.getIndexReader()))));
  }

  private static boolean showsDeleted(LeafReader leaf) {
    if (FilterLeafReader.unwrap(leaf) instanceof SegmentReader segment) {
      SegmentCommitInfo info = segment.getSegmentInfo();
      return leaf.numDocs() > leaf.maxDoc() - info.getDelCount() - info.getSoftDelCount();
    }
    return false;
  }
}
