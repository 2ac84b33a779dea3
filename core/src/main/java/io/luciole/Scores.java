package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.EnumSet;
import java.util.Set;

/**
 * Similarity of two embeddings, computed as FlagEmbedding's {@code compute_score} does. Pass the
 * query first: {@link #colbert} is not symmetric.
 *
 * <p>Each method throws {@link IllegalStateException} if an embedding lacks the vectors it needs,
 * and {@link IllegalArgumentException} if the dimensions differ.
 */
public final class Scores {
  private Scores() {}

  /**
   * The dot product of the dense vectors. It is their cosine if the model normalises.
   *
   * @param query the query's embedding
   * @param passage the passage's embedding
   * @return the score, from -1 to 1 for normalised vectors
   */
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

  /**
   * The sum over the shared tokens of the products of their weights: BGE-M3's lexical score.
   *
   * @param query the query's embedding
   * @param passage the passage's embedding
   * @return the score, 0 or more
   */
  public static float sparse(Embedding query, Embedding passage) {
    return query.sparse().dot(passage.sparse());
  }

  /**
   * The mean, over the token vectors of the query, of the best dot product with a token vector of
   * the passage; see {@link MultiVector#maxSim}.
   *
   * @param query the query's embedding
   * @param passage the passage's embedding
   * @return the score, from -1 to 1
   */
  public static float colbert(Embedding query, Embedding passage) {
    return query.colbert().maxSim(passage.colbert());
  }

  /**
   * The weighted mean of the scores, {@code Σ w·score / Σ w}. A score with weight 0 is not computed
   * and needs no vectors.
   *
   * @param query the query's embedding
   * @param passage the passage's embedding
   * @param weights the weights of the three scores
   * @return the weighted mean
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

  /**
   * The weights of the scores in {@link #weighted}. Only their ratios matter. The constants are
   * those of the BGE-M3 paper (Chen et al. 2024).
   *
   * @param dense the weight of {@link Scores#dense}, 0 or more
   * @param sparse the weight of {@link Scores#sparse}, 0 or more
   * @param colbert the weight of {@link Scores#colbert}, 0 or more
   */
  public record Weights(double dense, double sparse, double colbert) {
    /** The paper's weights for MIRACL and MKQA without ColBERT. */
    public static final Weights DENSE_AND_SPARSE = new Weights(1, 0.3, 0);

    /** The paper's weights for MIRACL and MKQA. */
    public static final Weights ALL = new Weights(1, 0.3, 1);

    /** The paper's weights for long documents (MLDR). */
    public static final Weights LONG_DOCUMENTS = new Weights(0.15, 0.5, 0.35);

    /**
     * Checks the components.
     *
     * @throws IllegalArgumentException if a weight is negative or none is positive
     */
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

    /** {@return the outputs that a score needs: those whose weight is above 0} */
    public Set<Output> outputs() {
      EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
      if (dense > 0) {
        outputs.add(Output.DENSE);
      }
      if (sparse > 0) {
        outputs.add(Output.SPARSE);
      }
      if (colbert > 0) {
        outputs.add(Output.COLBERT);
      }
      return outputs;
    }
  }
}
