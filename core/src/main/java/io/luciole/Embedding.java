package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a model computed for one text: those of its dense, sparse and multi-vector embeddings that
 * were asked for. Immutable and safe to share between threads.
 */
public final class Embedding {
  private static final Embedding ABSENT = new Embedding(null, null, null, 1, false);

  private final float @Nullable [] dense;
  private final @Nullable SparseVector sparse;
  private final @Nullable MultiVector colbert;
  private final int tokenCount;
  private final boolean truncated;

  /**
   * Creates an embedding. The array is not copied; the caller must not use it any more.
   *
   * @param tokenCount tokens the model saw, special ones included; at least 1
   */
  Embedding(
      float @Nullable [] dense,
      @Nullable SparseVector sparse,
      @Nullable MultiVector colbert,
      int tokenCount,
      boolean truncated) {
    this.dense = dense;
    this.sparse = sparse;
    this.colbert = colbert;
    this.tokenCount = tokenCount;
    this.truncated = truncated;
  }

  /**
   * Returns an embedding without vectors, for a text that was not embedded.
   *
   * @return an embedding with no outputs and a token count of 1
   */
  public static Embedding absent() {
    return ABSENT;
  }

  /**
   * Starts an embedding from vectors that come from elsewhere, such as a file or another process.
   *
   * <pre>{@code
   * Embedding.ofTokens(7).withDense(vector).withSparse(weights)
   * }</pre>
   *
   * @param tokenCount the tokens that the model saw, special ones included; at least 1
   * @return an embedding without vectors, not truncated
   * @throws IllegalArgumentException if the token count is below 1
   */
  public static Embedding ofTokens(int tokenCount) {
    if (tokenCount < 1) {
      throw new IllegalArgumentException("tokenCount must be at least 1, got " + tokenCount);
    }
    return new Embedding(null, null, null, tokenCount, false);
  }

  /**
   * Returns a copy with a dense vector.
   *
   * @param dense the vector, copied
   * @return the changed copy
   */
  public Embedding withDense(float[] dense) {
    return new Embedding(dense.clone(), sparse, colbert, tokenCount, truncated);
  }

  /**
   * Returns a copy with a sparse vector.
   *
   * @param sparse the vector
   * @return the changed copy
   */
  public Embedding withSparse(SparseVector sparse) {
    return new Embedding(dense, requireNonNull(sparse, "sparse"), colbert, tokenCount, truncated);
  }

  /**
   * Returns a copy with a multi-vector.
   *
   * @param colbert the vectors of the tokens
   * @return the changed copy
   */
  public Embedding withColbert(MultiVector colbert) {
    return new Embedding(dense, sparse, requireNonNull(colbert, "colbert"), tokenCount, truncated);
  }

  /**
   * Returns a copy that says whether the text was longer than the model's limit.
   *
   * @param truncated whether the end of the text was cut off
   * @return the changed copy
   */
  public Embedding withTruncated(boolean truncated) {
    return new Embedding(dense, sparse, colbert, tokenCount, truncated);
  }

  /**
   * Tells whether this embedding has vectors of a kind.
   *
   * @param output the kind
   * @return true if it has
   */
  public boolean has(Output output) {
    return switch (output) {
      case DENSE -> dense != null;
      case SPARSE -> sparse != null;
      case COLBERT -> colbert != null;
    };
  }

  /** {@return the kinds of vectors that this embedding has} */
  public Set<Output> outputs() {
    EnumSet<Output> present = EnumSet.noneOf(Output.class);
    for (Output output : Output.values()) {
      if (has(output)) {
        present.add(output);
      }
    }
    return present;
  }

  /**
   * The dense vector. It has Euclidean length 1 unless the model's description says otherwise.
   *
   * @return a copy of the vector, {@code [dimension]}
   * @throws IllegalStateException if no dense vector was asked for
   */
  public float[] dense() {
    return present(dense, Output.DENSE).clone();
  }

  /**
   * The weights of the text's distinct tokens.
   *
   * @return the sparse vector
   * @throws IllegalStateException if no sparse vector was asked for
   */
  public SparseVector sparse() {
    return present(sparse, Output.SPARSE);
  }

  /**
   * The vectors of the text's tokens.
   *
   * @return the multi-vector
   * @throws IllegalStateException if no multi-vector was asked for
   */
  public MultiVector colbert() {
    return present(colbert, Output.COLBERT);
  }

  /**
   * The number of tokens that the model saw, after truncation. Special tokens and the role's prompt
   * are included.
   *
   * @return the token count, at least 1
   */
  public int tokenCount() {
    return tokenCount;
  }

  /**
   * Tells whether the text had more tokens than the model's limit.
   *
   * @return true if the model did not see the end of the text
   */
  public boolean truncated() {
    return truncated;
  }

  private <T> T present(@Nullable T vector, Output output) {
    if (vector == null) {
      throw new IllegalStateException(
          "this embedding holds "
              + outputs()
              + " and no "
              + output
              + ": ask for it in EmbedOptions.outputs");
    }
    return vector;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Embedding that
        && tokenCount == that.tokenCount
        && truncated == that.truncated
        && Arrays.equals(dense, that.dense)
        && Objects.equals(sparse, that.sparse)
        && Objects.equals(colbert, that.colbert);
  }

  @Override
  public int hashCode() {
    return Objects.hash(Arrays.hashCode(dense), sparse, colbert, tokenCount, truncated);
  }

  @Override
  public String toString() {
    return "Embedding"
        + outputs()
        + "("
        + tokenCount
        + " tokens"
        + (truncated ? ", truncated)" : ")");
  }
}
