package io.luciole;

import static java.util.Objects.requireNonNull;

/**
 * How alike two embeddings are, as FlagEmbedding's {@code compute_score} has it. The first is the
 * query's; only {@link #colbert} minds.
 */
public final class Scores {
  private Scores() {}

  /** The dot product of the dense vectors: their cosine, if the model normalises. */
  public static float dense(Embedding query, Embedding passage) {
    float[] q = query.dense();
    float[] p = passage.dense();
    if (q.length != p.length) {
      throw new IllegalArgumentException(
          "expected dense vectors of one length, got " + q.length + " and " + p.length);
    }
    double sum = 0;
    for (int i = 0; i < q.length; i++) {
      sum += (double) q[i] * p[i];
    }
    return (float) sum;
  }

  /** The sum over shared tokens of the products of their weights. */
  public static float sparse(Embedding query, Embedding passage) {
    return query.sparse().dot(passage.sparse());
  }

  /** The mean over the query's rows of the best dot product with a row of the passage. */
  public static float colbert(Embedding query, Embedding passage) {
    return query.colbert().maxSim(passage.colbert());
  }

  /**
   * The weighted mean of the scores, {@code Σ w·score / Σ w}. A score of weight 0 is not computed,
   * so its vectors need not be there.
   *
   * @throws IllegalArgumentException if a weight is negative or none is positive
   */
  public static float weighted(Embedding query, Embedding passage, Weights weights) {
    requireNonNull(weights, "weights");
    double sum = 0;
    if (weights.dense() > 0) {
      sum += weights.dense() * dense(query, passage);
    }
    if (weights.sparse() > 0) {
      sum += weights.sparse() * sparse(query, passage);
    }
    if (weights.colbert() > 0) {
      sum += weights.colbert() * colbert(query, passage);
    }
    return (float) (sum / (weights.dense() + weights.sparse() + weights.colbert()));
  }

  /** What each kind of score counts in {@link #weighted}; only their ratios matter. */
  public record Weights(double dense, double sparse, double colbert) {
    /** The paper's for MIRACL and MKQA, without ColBERT. */
    public static final Weights DENSE_AND_SPARSE = new Weights(1, 0.3, 0);

    /** The paper's for MIRACL and MKQA. */
    public static final Weights ALL = new Weights(1, 0.3, 1);

    /** The paper's for long documents, MLDR. */
    public static final Weights LONG_DOCUMENTS = new Weights(0.15, 0.5, 0.35);

    /** Checks the components. */
    public Weights {
      if (!(dense >= 0 && sparse >= 0 && colbert >= 0 && dense + sparse + colbert > 0)) {
        throw new IllegalArgumentException(
            "expected weights of 0 or more, at least one positive, got "
                + dense
                + ", "
                + sparse
                + ", "
                + colbert);
      }
    }
  }
}
