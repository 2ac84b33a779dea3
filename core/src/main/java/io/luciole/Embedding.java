package io.luciole;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a model says of one text: those of its dense, sparse and multi-vector embeddings that were
 * asked for. Immutable and safe to share between threads.
 */
public final class Embedding {
  private final float @Nullable [] dense;
  private final @Nullable SparseVector sparse;
  private final @Nullable MultiVector colbert;
  private final int tokenCount;
  private final boolean truncated;

  /**
   * Creates an embedding. Arrays are not copied: the caller gives them away.
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
   * Creates an embedding from vectors that come from elsewhere: a file, another process, a test.
   *
   * @param dense the dense vector, copied, or null for none
   * @param sparse the sparse vector, or null for none
   * @param colbert the multi-vector, or null for none
   * @param tokenCount tokens the model saw, special ones included; at least 1
   * @param truncated whether the text was longer than the model's limit
   */
  public static Embedding of(
      float @Nullable [] dense,
      @Nullable SparseVector sparse,
      @Nullable MultiVector colbert,
      int tokenCount,
      boolean truncated) {
    if (tokenCount < 1) {
      throw new IllegalArgumentException("tokenCount must be at least 1, got " + tokenCount);
    }
    return new Embedding(
        dense == null ? null : dense.clone(), sparse, colbert, tokenCount, truncated);
  }

  /** Whether this embedding holds vectors of a kind. */
  public boolean has(Output output) {
    return switch (output) {
      case DENSE -> dense != null;
      case SPARSE -> sparse != null;
      case COLBERT -> colbert != null;
    };
  }

  /** The kinds of vectors this embedding holds. */
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
   * The dense vector, a copy. Of Euclidean length 1 unless the model is described otherwise.
   *
   * @throws IllegalStateException if no dense vector was asked for
   */
  public float[] dense() {
    return present(dense, Output.DENSE).clone();
  }

  /**
   * The weights of the text's distinct tokens.
   *
   * @throws IllegalStateException if no sparse vector was asked for
   */
  public SparseVector sparse() {
    return present(sparse, Output.SPARSE);
  }

  /**
   * The vectors of the text's tokens.
   *
   * @throws IllegalStateException if no multi-vector was asked for
   */
  public MultiVector colbert() {
    return present(colbert, Output.COLBERT);
  }

  /** Tokens the model saw: after truncation, special ones and a role's prompt included. */
  public int tokenCount() {
    return tokenCount;
  }

  /** Whether the text had more tokens than the model's limit, so that its end was not seen. */
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
