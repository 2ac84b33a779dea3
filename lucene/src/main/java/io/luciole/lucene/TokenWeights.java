package io.luciole.lucene;

import io.luciole.SparseVector;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.BytesTermAttribute;
import org.apache.lucene.analysis.tokenattributes.TermFrequencyAttribute;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.NumericUtils;

/**
 * Sparse weights as postings: one term a token id, big-endian, with the weight times a scale,
 * rounded, as its frequency. No norms, no positions. A weight that rounds to 0 has no posting.
 */
final class TokenWeights {
  private static final FieldType TYPE = new FieldType();

  static {
    TYPE.setIndexOptions(IndexOptions.DOCS_AND_FREQS);
    TYPE.setOmitNorms(true);
    TYPE.setTokenized(true);
    TYPE.freeze();
  }

  private TokenWeights() {}

  /** The frequency that stands for a weight. */
  static int frequency(float weight, int scale) {
    return Math.round(weight * scale);
  }

  /** The term that stands for a token id. */
  static BytesRef term(int tokenId) {
    byte[] bytes = new byte[Integer.BYTES];
    NumericUtils.intToSortableBytes(tokenId, bytes, 0);
    return new BytesRef(bytes);
  }

  static Field field(String name, SparseVector vector, int scale) {
    return new Field(name, new Stream(vector, scale), TYPE);
  }

  private static final class Stream extends TokenStream {
    private final BytesTermAttribute term = addAttribute(BytesTermAttribute.class);
    private final TermFrequencyAttribute frequency = addAttribute(TermFrequencyAttribute.class);
    private final SparseVector vector;
    private final int scale;
    private int at;

    Stream(SparseVector vector, int scale) {
      this.vector = vector;
      this.scale = scale;
    }

    @Override
    public void reset() {
      at = 0;
    }

    @Override
    public boolean incrementToken() {
      clearAttributes();
      while (at < vector.size()) {
        int i = at++;
        int f = TokenWeights.frequency(vector.weight(i), scale);
        if (f > 0) {
          term.setBytesRef(TokenWeights.term(vector.id(i)));
          frequency.setTermFrequency(f);
          return true;
        }
      }
      return false;
    }
  }
}
