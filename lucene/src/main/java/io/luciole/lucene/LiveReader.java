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
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreMode;
import org.apache.lucene.search.Scorer;
import org.apache.lucene.search.Weight;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.IOFunction;
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

  /** The documents of a query that are not deleted, softly or else. */
  static Query live(IndexReader reader, Query query) {
    return requireNonNull(LegQueries.both(query, filter(reader)));
  }

  /** Counts the documents of a query that are not deleted, softly or else. */
  static int count(IndexSearcher searcher, Query query) throws IOException {
    return searcher.count(live(searcher.getIndexReader(), query));
  }

  /** Visits documents of one segment. */
  @FunctionalInterface
  interface Visitor {
    /** Visits a document, numbered as in the segment. */
    void visit(int doc) throws IOException;
  }

  /**
   * Visits the documents that match a query and are not deleted, in the order of the index, on the
   * calling thread.
   *
   * @param visitors opens the visitor of a segment
   */
  static void visit(
      IndexSearcher searcher, Query query, IOFunction<LeafReaderContext, Visitor> visitors)
      throws IOException {
    Query live = live(searcher.getIndexReader(), query);
    Weight weight = searcher.createWeight(searcher.rewrite(live), ScoreMode.COMPLETE_NO_SCORES, 1);
    for (LeafReaderContext leaf : searcher.getIndexReader().leaves()) {
      Scorer scorer = weight.scorer(leaf);
      if (scorer == null) {
        continue;
      }
      Visitor visitor = visitors.apply(leaf);
      Bits bits = leaf.reader().getLiveDocs();
      DocIdSetIterator docs = scorer.iterator();
      for (int d = docs.nextDoc(); d != DocIdSetIterator.NO_MORE_DOCS; d = docs.nextDoc()) {
        if (bits == null || bits.get(d)) {
          visitor.visit(d);
        }
      }
    }
  }

  private static boolean showsDeleted(LeafReader leaf) {
    if (FilterLeafReader.unwrap(leaf) instanceof SegmentReader segment) {
      SegmentCommitInfo info = segment.getSegmentInfo();
      return leaf.numDocs() > leaf.maxDoc() - info.getDelCount() - info.getSoftDelCount();
    }
    return false;
  }
}
