package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.apache.lucene.codecs.DocValuesProducer;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DocIDMerger;
import org.apache.lucene.index.DocValuesType;
import org.apache.lucene.index.FieldInfo;
import org.apache.lucene.index.MergeState;
import org.apache.lucene.index.NumericDocValues;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.packed.PackedLongValues;
import org.jspecify.annotations.Nullable;

/**
 * The documents of a segment that is written, with their token vectors, in order. For one thread
 * and one pass.
 */
abstract class ResidualSource {
  static final int END = BinaryDocValues.NO_MORE_DOCS;

  /** Begins a pass over the documents. */
  interface Opener {
    ResidualSource open() throws IOException;
  }

  /** Goes to the next document that has vectors, and returns its number; {@link #END} after all. */
  abstract int next() throws IOException;

  /** Which set of centroids compresses the document's vectors; −1 if they are in INT8. */
  abstract int centroids() throws IOException;

  /** The number of the document's vectors, if they are compressed. */
  abstract int rows() throws IOException;

  /** The document's vectors, compressed or in INT8; the next document may overwrite them. */
  abstract BytesRef bytes() throws IOException;

  /** Documents as they were added. */
  static ResidualSource flushed(BinaryDocValues values) {
    return new ResidualSource() {
      @Override
      int next() throws IOException {
        return values.nextDoc();
      }

      @Override
      int centroids() {
        return -1;
      }

      @Override
      int rows() {
        throw new IllegalStateException("not compressed");
      }

      @Override
      BytesRef bytes() throws IOException {
        return values.binaryValue();
      }
    };
  }

  /** The documents of segments that are merged, and the centroids of all of them. */
  static final class Merged {
    private final FieldInfo field;
    private final MergeState state;
    private final List<TokenCentroids> centroids = new ArrayList<>();
    private final List<Integer> firstSets = new ArrayList<>();

    Merged(FieldInfo field, MergeState state) throws IOException {
      this.field = field;
      this.state = state;
      for (int i = 0; i < state.docValuesProducers.length; i++) {
        firstSets.add(centroids.size());
        if (values(i) instanceof ResidualValues kept) {
          for (int set = 0; set < kept.sets(); set++) {
            centroids.add(kept.load(set));
          }
        }
      }
    }

    List<TokenCentroids> centroids() {
      return Collections.unmodifiableList(centroids);
    }

    private @Nullable BinaryDocValues values(int segment) throws IOException {
      DocValuesProducer producer = state.docValuesProducers[segment];
      FieldInfo there = state.fieldInfos[segment].fieldInfo(field.name);
      return producer == null || there == null || there.getDocValuesType() != DocValuesType.BINARY
          ? null
          : producer.getBinary(there);
    }

    ResidualSource open() throws IOException {
      List<Part> parts = new ArrayList<>();
      for (int i = 0; i < state.docValuesProducers.length; i++) {
        BinaryDocValues values = values(i);
        if (values != null) {
          parts.add(new Part(state.docMaps[i], values, firstSets.get(i)));
        }
      }
      DocIDMerger<Part> merger = DocIDMerger.of(parts, state.needsIndexSort);
      return new ResidualSource() {
        private @Nullable Part at;

        @Override
        int next() throws IOException {
          at = merger.next();
          return at == null ? END : at.mappedDocID;
        }

        private Part at() {
          Part here = at;
          if (here == null) {
            throw new IllegalStateException("before the first document or after the last");
          }
          return here;
        }

        @Override
        int centroids() throws IOException {
          Part here = at();
          return here.values instanceof ResidualValues kept && kept.centroids() >= 0
              ? here.firstSet + kept.centroids()
              : -1;
        }

        @Override
        int rows() throws IOException {
          return ((ResidualValues) at().values).rows();
        }

        @Override
        BytesRef bytes() throws IOException {
          Part here = at();
          return here.values instanceof ResidualValues kept
              ? kept.kept()
              : here.values.binaryValue();
        }
      };
    }
  }

  /** The documents of one segment that is merged. */
  private static final class Part extends DocIDMerger.Sub {
    private final BinaryDocValues values;
    private final int firstSet;

    Part(MergeState.DocMap map, BinaryDocValues values, int firstSet) {
      super(map);
      this.values = values;
      this.firstSet = firstSet;
    }

    @Override
    public int nextDoc() throws IOException {
      return values.nextDoc();
    }
  }

  /** The documents with a number each: that of their place among them. */
  final NumericDocValues numbered(PackedLongValues numbers) {
    return new NumericDocValues() {
      private int doc = -1;
      private long place = -1;

      @Override
      public long longValue() {
        return numbers.get(place);
      }

      @Override
      public int docID() {
        return doc;
      }

      @Override
      public int nextDoc() throws IOException {
        place++;
        doc = ResidualSource.this.next();
        return doc;
      }

      @Override
      public int advance(int target) {
        throw new UnsupportedOperationException("read from the first to the last");
      }

      @Override
      public boolean advanceExact(int target) {
        throw new UnsupportedOperationException("read from the first to the last");
      }

      @Override
      public long cost() {
        return numbers.size();
      }
    };
  }
}
