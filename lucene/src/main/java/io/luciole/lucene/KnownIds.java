package io.luciole.lucene;

import java.io.Closeable;
import java.io.IOException;
import java.util.HashSet;
import java.util.Set;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FilterDirectoryReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.SegmentReader;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.IOUtils;
import org.jspecify.annotations.Nullable;

/**
 * Which documents an index has while it is written: those of a snapshot, and what was written and
 * deleted since. Safe for use by many threads, each id by one at a time.
 */
final class KnownIds implements Closeable {
  private volatile @Nullable DirectoryReader snapshot;

  private volatile SeenIds written = new SeenIds();
  private volatile SeenIds deleted = new SeenIds();

  /**
   * Creates the ids of an index.
   *
   * @param snapshot a reader of the index as it is, which this object closes, or null for none
   */
  KnownIds(@Nullable DirectoryReader snapshot) {
    this.snapshot = snapshot;
  }

  /** Whether the index may have a document of an id, so that a new one has to replace it. */
  boolean mayHave(String id) throws IOException {
    return written.contains(id) || wasThere(DocumentIds.bytes(id));
  }

  /** Whether a document of an id was deleted and not written since. */
  boolean isDeleted(String id) {
    return deleted.contains(id);
  }

  /** Notes that a document was written. */
  void write(String id) {
    boolean unused = written.add(id);
    unused = deleted.remove(id);
  }

  /**
   * Notes that a document's writing has failed, which was not there before. Lucene writes first and
   * does other things then, such as merging, whose failures leave the document.
   */
  void doubt(String id) {
    boolean unused = written.add(id);
    unused = deleted.add(id);
  }

  /** Notes that a document was deleted; tells whether there was one. */
  boolean delete(String id) throws IOException {
    return mayHave(id) && deleted.add(id);
  }

  /** Starts again from a reader of the index as it is now, while nothing is written. */
  void startFrom(DirectoryReader now) throws IOException {
    DirectoryReader before = snapshot;
    snapshot = now;
    written = new SeenIds();
    deleted = new SeenIds();
    IOUtils.close(before);
  }

  /** The names of the snapshot's segments, whose files stay on disk as long as it is open. */
  Set<String> segments() throws IOException {
    Set<String> names = new HashSet<>();
    DirectoryReader reader = acquire();
    if (reader == null) {
      return names;
    }
    try {
      for (LeafReaderContext leaf : FilterDirectoryReader.unwrap(reader).leaves()) {
        if (leaf.reader() instanceof SegmentReader segment) {
          names.add(segment.getSegmentName());
        }
      }
      return names;
    } finally {
      reader.decRef();
    }
  }

  private boolean wasThere(BytesRef id) throws IOException {
    DirectoryReader reader = acquire();
    if (reader == null) {
      return false;
    }
    try {
      for (LeafReaderContext leaf : reader.leaves()) {
        Terms ids = leaf.reader().terms(SchemaFields.ID);
        TermsEnum at = ids == null ? TermsEnum.EMPTY : ids.iterator();
        if (at.seekExact(id) && hasLive(at, leaf.reader().getLiveDocs())) {
          return true;
        }
      }
      return false;
    } finally {
      reader.decRef();
    }
  }

  /** The snapshot, which stays open until it is released; a closed one has been replaced. */
  private @Nullable DirectoryReader acquire() {
    DirectoryReader reader = snapshot;
    while (reader != null && !reader.tryIncRef()) {
      reader = snapshot;
    }
    return reader;
  }

  private static boolean hasLive(TermsEnum at, @Nullable Bits live) throws IOException {
    PostingsEnum documents = at.postings(null, PostingsEnum.NONE);
    for (int d = documents.nextDoc(); d != DocIdSetIterator.NO_MORE_DOCS; d = documents.nextDoc()) {
      if (live == null || live.get(d)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void close() throws IOException {
    DirectoryReader before = snapshot;
    snapshot = null;
    IOUtils.close(before);
  }
}
