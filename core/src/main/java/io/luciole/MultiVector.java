package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;
import java.util.List;
import java.util.Objects;

/**
 * One vector a token, row by row in the text's order, each of Euclidean length 1: a ColBERT
 * embedding. Immutable.
 *
 * <p>With BGE-M3 a text of {@code n} tokens has {@code n - 1} rows: the first special token has
 * none, the last one has.
 */
public final class MultiVector {
  private final int dimension;
  private final float[] values;

  private MultiVector(int dimension, float[] values) {
    this.dimension = dimension;
    this.values = values;
  }

  /**
   * Creates a multi-vector from its rows laid end to end, {@code [rows * dimension]}. The array is
   * copied.
   *
   * @throws IllegalArgumentException if the dimension is below 1 or the length is no multiple of it
   */
  public static MultiVector of(int dimension, float[] values) {
    requireNonNull(values, "values");
    return ofOwned(dimension, values.clone());
  }

  /** As {@link #of}, without the copy: the caller gives the array away. */
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

  /** The rows of several, one after another; they must be of one dimension. */
  static MultiVector concat(List<MultiVector> parts) {
    int length = 0;
    for (MultiVector part : parts) {
      length = Math.addExact(length, part.values.length);
    }
    float[] all = new float[length];
    int at = 0;
    for (MultiVector part : parts) {
      System.arraycopy(part.values, 0, all, at, part.values.length);
      at += part.values.length;
    }
    return new MultiVector(parts.get(0).dimension, all);
  }

  /** The number of rows. */
  public int rows() {
    return values.length / dimension;
  }

  /** The number of components of each row. */
  public int dimension() {
    return dimension;
  }

  /** A copy of row {@code i}, {@code 0 <= i < rows()}. */
  public float[] row(int i) {
    Objects.checkIndex(i, rows());
    return Arrays.copyOfRange(values, i * dimension, (i + 1) * dimension);
  }

  /** A copy of all rows. */
  public float[][] toArrays() {
    float[][] all = new float[rows()][];
    Arrays.setAll(all, this::row);
    return all;
  }

  /**
   * The late-interaction score of this query against a passage: for each row of this the largest
   * dot product with any row of the passage, averaged over the rows of this (ColBERT's MaxSim as
   * BGE-M3 scales it). 0 if either has no rows.
   *
   * @throws IllegalArgumentException if the dimensions differ
   */
  public float maxSim(MultiVector passage) {
    requireNonNull(passage, "passage");
    if (passage.dimension != dimension) {
      throw new IllegalArgumentException(
          "expected rows of " + dimension + " values, got " + passage.dimension);
    }
    if (rows() == 0 || passage.rows() == 0) {
      return 0;
    }
    double sum = 0;
    for (int q = 0; q < values.length; q += dimension) {
      float best = Float.NEGATIVE_INFINITY;
      for (int p = 0; p < passage.values.length; p += dimension) {
        float dot = 0;
        for (int d = 0; d < dimension; d++) {
          dot += values[q + d] * passage.values[p + d];
        }
        best = Math.max(best, dot);
      }
      sum += best;
    }
    return (float) (sum / rows());
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof MultiVector that
        && dimension == that.dimension
        && Arrays.equals(values, that.values);
  }

  @Override
  public int hashCode() {
    return 31 * dimension + Arrays.hashCode(values);
  }

  @Override
  public String toString() {
    return "MultiVector[" + rows() + " x " + dimension + "]";
  }
}
