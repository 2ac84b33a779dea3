package io.luciole.lucene;

import java.io.IOException;
import java.util.Set;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.FilterCodecReader;
import org.apache.lucene.index.PostingsEnum;
import org.apache.lucene.index.Terms;
import org.apache.lucene.index.TermsEnum;
import org.apache.lucene.search.DocIdSetIterator;
import org.apache.lucene.util.Bits;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.FixedBitSet;
import org.jspecify.annotations.Nullable;

/** A segment without the documents of some ids, and without their passages. */
final class MaskedReader extends FilterCodecReader {
  private final FixedBitSet live;
  private final int count;

  MaskedReader(CodecReader segment, Set<BytesRef> hidden) throws IOException {
    super(segment);
    this.live = liveBits(segment);
    Terms ids = segment.terms(SchemaFields.ID);
    if (ids != null) {
      TermsEnum at = ids.iterator();
      for (BytesRef id : hidden) {
        if (at.seekExact(id)) {
          clear(at.postings(null, PostingsEnum.NONE));
        }
      }
    }
    this.count = live.cardinality();
  }

  private static FixedBitSet liveBits(CodecReader segment) {
    FixedBitSet bits = new FixedBitSet(segment.maxDoc());
    Bits before = segment.getLiveDocs();
    for (int d = 0; d < segment.maxDoc(); d++) {
      if (before == null || before.get(d)) {
        bits.set(d);
      }
    }
    return bits;
  }

  private void clear(PostingsEnum documents) throws IOException {
    for (int d = documents.nextDoc(); d != DocIdSetIterator.NO_MORE_DOCS; d = documents.nextDoc()) {
      live.clear(d);
    }
  }

  @Override
  public Bits getLiveDocs() {
    return live;
  }

  @Override
  public int numDocs() {
    return count;
  }

  @Override
  public @Nullable CacheHelper getCoreCacheHelper() {
    return in.getCoreCacheHelper();
  }

  @Override
  public @Nullable CacheHelper getReaderCacheHelper() {
    return null; // A reader with fewer documents than the one beneath is not to share its caches.
  }
}
