package io.luciole.lucene;

import io.luciole.SparseVector;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.FeatureField;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.util.BytesRef;

/**
 * {@link SparseForm#FEATURES}: Lucene's {@link FeatureField}s, each named by its token id in
 * decimal. Any program can search them with {@link FeatureField#newLinearQuery}.
 */
record FeaturePostings() implements SparsePostings {
  /** A {@link FeatureField}'s frequency is a float's bits without this many of the last ones. */
  private static final int SHIFT = 15;

  /** What rounding to the remaining 9 significant bits can be off by, in proportion. */
  private static final double ERROR = 1.0 / 512;

  /** {@link FeatureField#newLinearQuery} takes weights up to this. */
  private static final float MAX_QUERY_WEIGHT = 64;

  /**
   * {@inheritDoc}
   *
   * @throws IllegalArgumentException if there are more tokens than Lucene can count, or a weight is
   *     too large
   */
  @Override
  public void add(Document document, String field, SparseVector weights) {
    VectorChecks.requireSparse("a document", weights);
    double frequencies = 0;
    for (int i = 0; i < weights.size(); i++) {
      frequencies += Float.floatToIntBits(rounded(weights.weight(i))) >>> SHIFT;
    }
    VectorChecks.requireCountable(
        weights,
        frequencies,
        "each is the first bits of a float; keep the weights in the form impacts or blocks, or"
            + " fewer of them");
    for (int i = 0; i < weights.size(); i++) {
      float kept = rounded(weights.weight(i));
      if (kept > 0) {
        document.add(new FeatureField(field, name(weights.id(i)), kept));
      }
    }
  }

  private static String name(int tokenId) {
    return Integer.toString(tokenId);
  }

  @Override
  public Query query(String field, int tokenId, float weight) {
    float taken = Math.min(weight, MAX_QUERY_WEIGHT);
    Query query = FeatureField.newLinearQuery(field, name(tokenId), taken);
    return weight <= MAX_QUERY_WEIGHT ? query : new BoostQuery(query, weight / MAX_QUERY_WEIGHT);
  }

  @Override
  public BytesRef term(int tokenId) {
    return new BytesRef(name(tokenId));
  }

  @Override
  public boolean isTerm(BytesRef term) {
    return term.length > 0 && Character.isDigit(term.bytes[term.offset]);
  }

  @Override
  public float weight(int frequency) {
    return Float.intBitsToFloat(frequency << SHIFT);
  }

  /** {@link FeatureField} cuts bits off; half of what it cuts, added first, makes that rounding. */
  @Override
  public float rounded(float weight) {
    int half = 1 << (SHIFT - 1);
    float kept = weight((Float.floatToIntBits(weight) + half) >>> SHIFT);
    return kept >= Float.MIN_NORMAL ? kept : 0;
  }

  @Override
  public double error(SparseVector query, float score) {
    return score * ERROR * 2;
  }
}
