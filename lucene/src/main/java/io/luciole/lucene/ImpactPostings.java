package io.luciole.lucene;

import io.luciole.SparseVector;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.BytesTermAttribute;
import org.apache.lucene.analysis.tokenattributes.TermFrequencyAttribute;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.FieldType;
import org.apache.lucene.index.IndexOptions;
import org.apache.lucene.search.Query;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.NumericUtils;

/**
 * {@link SparseForm#IMPACTS}: one term a token id, 4 bytes big-endian with the sign bit flipped, so
 * that terms sort as the ids do. Its frequency is the weight times a scale, rounded. A weight that
 * rounds to 0 has no posting.
 *
 * @param scale a power of two, so that dividing by it is exact
 */
record ImpactPostings(int scale) implements SparsePostings {
  /**
   * The attribute of a segment's field that has the scale; indexes before November 2026 lack it.
   */
  static final String SCALE = "luciole.scale";

  /** By the binary logarithm of the scale. */
  private static final FieldType[] TYPES = new FieldType[Integer.SIZE - 1];

  static {
    for (int bits = 0; bits < TYPES.length; bits++) {
      FieldType type = new FieldType();
      type.setIndexOptions(IndexOptions.DOCS_AND_FREQS);
      type.setOmitNorms(true);
      type.setTokenized(true);
      String unused = type.putAttribute(SCALE, Integer.toString(1 << bits));
      type.freeze();
      TYPES[bits] = type;
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if the weights are, times the scale, more than Lucene can
   *     count
   */
  @Override
  public void add(Document document, String field, SparseVector weights) {
    VectorChecks.requireSparse("a document", weights);
    double frequencies = 0;
    for (int i = 0; i < weights.size(); i++) {
      // Where this is beyond an int, the frequency is not.
      frequencies += Math.rint((double) weights.weight(i) * scale);
    }
    VectorChecks.requireCountable(
        weights,
        frequencies,
        "each is its weight times " + scale + "; make the weights, or the scale, smaller");
    FieldType type = TYPES[Integer.numberOfTrailingZeros(scale)];
    document.add(new Field(field, new Postings(weights), type));
  }

  @Override
  public Query query(String field, int tokenId, float weight) {
    return new TokenWeightQuery(field, tokenId, weight, scale);
  }

  @Override
  public BytesRef term(int tokenId) {
    return termOf(tokenId);
  }

  /** The flipped sign bit sets the first bit, since no token id is negative. */
  @Override
  public boolean isTerm(BytesRef term) {
    return term.length == Integer.BYTES && term.bytes[term.offset] < 0;
  }

  static BytesRef termOf(int tokenId) {
    byte[] bytes = new byte[Integer.BYTES];
    NumericUtils.intToSortableBytes(tokenId, bytes, 0);
    return new BytesRef(bytes);
  }

  @Override
  public float weight(int frequency) {
    return (float) frequency / scale;
  }

  private int frequency(float weight) {
    return Math.round(weight * scale);
  }

  @Override
  public float rounded(float weight) {
    return weight(frequency(weight));
  }

  /** Half a step for each token of the query, and what a sum of floats itself loses. */
  @Override
  public double error(SparseVector query, float score) {
    double sum = 0;
    for (int i = 0; i < query.size(); i++) {
      sum += query.weight(i);
    }
    return sum * 0.5 / scale + score * 1e-6;
  }

  /** A document's tokens, each once, with their frequencies. */
  private final class Postings extends TokenStream {
    private final BytesTermAttribute term = addAttribute(BytesTermAttribute.class);
    private final TermFrequencyAttribute frequency = addAttribute(TermFrequencyAttribute.class);
    private final SparseVector weights;
    private int next;

    Postings(SparseVector weights) {
      this.weights = weights;
    }

    @Override
    public void reset() {
      next = 0;
    }

    @Override
    public boolean incrementToken() {
      clearAttributes();
      while (next < weights.size()) {
        int i = next++;
        int f = frequency(weights.weight(i));
        if (f > 0) {
          term.setBytesRef(termOf(weights.id(i)));
          frequency.setTermFrequency(f);
          return true;
        }
      }
      return false;
    }
  }
}
