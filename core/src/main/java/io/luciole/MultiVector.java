package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One vector for each token of a text: a ColBERT embedding. Rows are in the order of the tokens and
 * have Euclidean length 1. Immutable and safe to share between threads.
 *
 * <p>With BGE-M3 a text of {@code n} tokens has {@code n - 1} rows: every token but the first
 * special one has a row.
 *
 * <p>What an engine computes in fp16 is kept so, 2 bytes a component, and becomes floats when it is
 * asked for; the floats are those that normalising at once would have given.
 */
public final class MultiVector {
  private final int dimension;
  private final int rows;

  /** Components row after row; null where {@link #halves} has them. */
  private final float @Nullable [] values;

  private final @Nullable HalfRows halves;

  private MultiVector(int dimension, float[] values) {
    this.dimension = dimension;
    this.rows = values.length / dimension;
    this.values = values;
    this.halves = null;
  }

  private MultiVector(int dimension, HalfRows halves) {
    this.dimension = dimension;
    this.rows = halves.factors().length;
    this.values = null;
    this.halves = halves;
  }

  /**
   * Creates a multi-vector.
   *
   * @param dimension the number of components of each row
   * @param values the rows end to end, {@code [rows * dimension]}; copied
   * @return the multi-vector
   * @throws IllegalArgumentException if the dimension is below 1 or the length is no multiple of it
   */
  public static MultiVector of(int dimension, float[] values) {
    requireNonNull(values, "values");
    return ofOwned(dimension, values.clone());
  }

  /** As {@link #of}, but keeps the array, which the caller must not use any more. */
  static MultiVector ofOwned(int dimension, float[] values) {
    if (dimension < 1) {
      throw new IllegalArgumentException("dimension must be at least 1, got " + dimension);
    }
    if (values.length % dimension != 0) {
      throw new IllegalArgumentException(
          "expected whole rows of " + dimension + " values, got " + values.length + " values");
    }
    return new MultiVector(dimension, values);
  }

  /** As {@link #ofOwned(int, float[])}, of whole rows in fp16. */
  static MultiVector ofOwned(int dimension, HalfRows rows) {
    return new MultiVector(dimension, rows);
  }

  /** The rows of several multi-vectors of the same dimension, one after another. */
  static MultiVector concat(List<MultiVector> parts) {
    int dimension = parts.get(0).dimension;
    int length = 0;
    for (MultiVector part : parts) {
      length = Math.addExact(length, Math.multiplyExact(part.rows, dimension));
    }
    float[] all = new float[length];
    int at = 0;
    for (MultiVector part : parts) {
      float[] values = part.floats();
      System.arraycopy(values, 0, all, at, values.length);
      at += values.length;
    }
    return new MultiVector(dimension, all);
  }

  /** All components in fp32, row after row; not to be written to. */
  private float[] floats() {
    return values != null ? values : requireNonNull(halves).floats(0, rows, dimension);
  }

  /** {@return the number of rows} */
  public int rows() {
    return rows;
  }

  /** {@return the number of components of each row} */
  public int dimension() {
    return dimension;
  }

  /**
   * One row.
   *
   * @param i the index of the row, {@code 0 <= i < rows()}
   * @return a copy of the row, {@code [dimension]}
   */
  public float[] row(int i) {
    Objects.checkIndex(i, rows);
    return values != null
        ? Arrays.copyOfRange(values, i * dimension, (i + 1) * dimension)
        : requireNonNull(halves).floats(i, 1, dimension);
  }

  /** {@return a copy of all rows, {@code [rows][dimension]}} */
  public float[][] toArrays() {
    float[][] all = new float[rows][];
    Arrays.setAll(all, this::row);
    return all;
  }

  /**
   * The late-interaction score of this query and a passage: for each row of the query the largest
   * dot product with any row of the passage, averaged over the rows of the query. This is ColBERT's
   * MaxSim (Khattab and Zaharia 2020), divided by the number of rows as BGE-M3 does.
   *
   * @param passage the passage's token vectors
   * @return the score, from -1 to 1 for rows of length 1; 0 if either has no rows
   * @throws IllegalArgumentException if the dimensions differ
   */
  public float maxSim(MultiVector passage) {
    requireNonNull(passage, "passage");
    if (passage.dimension != dimension) {
      throw new IllegalArgumentException(
          "expected rows of " + dimension + " values, got " + passage.dimension);
    }
    if (rows == 0 || passage.rows == 0) {
      return 0;
    }
    float[] ours = floats();
    float[] theirs = passage.floats();
    double sum = 0;
    for (int q = 0; q < ours.length; q += dimension) {
      float best = Float.NEGATIVE_INFINITY;
      for (int p = 0; p < theirs.length; p += dimension) {
        float dot = 0;
        for (int d = 0; d < dimension; d++) {
          dot += ours[q + d] * theirs[p + d];
        }
        best = Math.max(best, dot);
      }
      sum += best;
    }
    return (float) (sum / rows);
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof MultiVector that
        && dimension == that.dimension
        && rows == that.rows
        && Arrays.equals(floats(), that.floats());
  }

  @Override
  public int hashCode() {
    return 31 * dimension + Arrays.hashCode(floats());
  }

  @Override
  public String toString() {
    return "MultiVector[" + rows + " x " + dimension + "]";
  }
}
