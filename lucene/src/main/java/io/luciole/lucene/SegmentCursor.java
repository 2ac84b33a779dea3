package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.index.IndexReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
import org.jspecify.annotations.Nullable;

/**
 * Opens something in each segment in turn, for documents that come in ascending order: what reads
 * doc values and vectors runs forwards only. For one thread.
 *
 * @param <T> what is opened in a segment
 */
final class SegmentCursor<T> {
  private final IndexReader reader;
  private final Opener<T> opener;
  private @Nullable LeafReaderContext leaf;
  private @Nullable T opened;

  /** Opens something in a segment. */
  interface Opener<T> {
    T open(LeafReaderContext leaf) throws IOException;
  }

  SegmentCursor(IndexReader reader, Opener<T> opener) {
    this.reader = reader;
    this.opener = opener;
  }

  /**
   * Moves to a document's segment and gives what was opened there.
   *
   * @param doc the document's number in the index, not less than that of the call before
   */
  T advance(int doc) throws IOException {
    LeafReaderContext at = leaf;
    T there = opened;
    if (at == null || there == null || doc >= at.docBase + at.reader().maxDoc()) {
      at = leafOf(reader, doc);
      there = opener.open(at);
      leaf = at;
      opened = there;
    }
    return there;
  }

  /** The number of the current segment's first document in the index. */
  int base() {
    return leaf == null ? 0 : leaf.docBase;
  }

  /** The segment of a document. */
  static LeafReaderContext leafOf(IndexReader reader, int doc) {
    return reader.leaves().get(ReaderUtil.subIndex(doc, reader.leaves()));
  }
}
