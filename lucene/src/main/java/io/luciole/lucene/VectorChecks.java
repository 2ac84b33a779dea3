package io.luciole.lucene;

import io.luciole.MultiVector;
import io.luciole.SparseVector;

/**
 * Refuses vectors that an index cannot keep or compare. A component that is not a finite number
 * would make every score of its document, or of its query, NaN, which stands before all others, or
 * leave no direction to keep. So would a sum of squares that overflows; where vectors are
 * quantised, which is around their mean, it would do so for all documents of the segment.
 */
final class VectorChecks {
  /** The squared distance of two vectors of 4096 such components is a finite 32-bit float. */
  static final float LARGEST = 1e15f;

  private VectorChecks() {}

  /**
   * Checks a dense vector.
   *
   * @throws IllegalArgumentException if it has another length, or a component that is not finite or
   *     larger than {@link #LARGEST} in absolute value
   */
  static void requireDense(float[] vector, int dimension) {
    requireDimension("a dense vector", dimension, vector.length);
    requireFinite("a dense vector", vector);
  }

  /**
   * Checks token vectors.
   *
   * @return their rows
   * @throws IllegalArgumentException as {@link #requireDense}
   */
  static float[][] requireTokenVectors(MultiVector vectors, int dimension) {
    requireDimension("token vectors", dimension, vectors.dimension());
    float[][] rows = vectors.toArrays();
    for (float[] row : rows) {
      requireFinite("token vectors", row);
    }
    return rows;
  }

  static void requireDimension(String what, int expected, int found) {
    if (found != expected) {
      throw new IllegalArgumentException(
          "expected " + what + " of " + expected + " components, got " + found);
    }
  }

  private static void requireFinite(String what, float[] vector) {
    int at = firstUnusable(vector);
    if (at < vector.length) {
      throw new IllegalArgumentException(
          "expected "
              + what
              + " of "
              + usable(vector[at])
              + ", got a component that is "
              + vector[at]);
    }
  }

  /** What was expected in the place of a number. */
  private static String usable(float found) {
    return Float.isFinite(found) ? "numbers from " + -LARGEST + " to " + LARGEST : "finite numbers";
  }

  /** Refuses a query's vector with which no score could be compared. */
  static void requireFiniteQuery(String what, float[] vector) {
    int at = firstUnusable(vector);
    if (at < vector.length) {
      throw new IllegalArgumentException(
          "expected "
              + usable(vector[at])
              + " in a query's "
              + what
              + ", got "
              + vector[at]
              + " as component "
              + at
              + ": what made the vector has failed, embed the query again");
    }
  }

  /**
   * Refuses sparse weights whose products with others, and sums of these, may be infinite.
   *
   * @param what whose they are
   * @throws IllegalArgumentException if one is larger than {@link #LARGEST}
   */
  static void requireSparse(String what, SparseVector weights) {
    for (int i = 0; i < weights.size(); i++) {
      if (weights.weight(i) > LARGEST) {
        throw new IllegalArgumentException(
            "expected sparse weights up to "
                + LARGEST
                + " of "
                + what
                + ", got "
                + weights.weight(i)
                + " for the token id "
                + weights.id(i));
      }
    }
  }

  /**
   * Refuses a document's sparse weights whose frequencies Lucene cannot count.
   *
   * @param frequencies the sum of what they are as frequencies
   * @param remedy what they are, and what to do
   * @throws IllegalArgumentException if that is more than an {@code int}
   */
  static void requireCountable(SparseVector weights, double frequencies, String remedy) {
    if (frequencies > Integer.MAX_VALUE) {
      double sum = 0;
      for (int i = 0; i < weights.size(); i++) {
        sum += weights.weight(i);
      }
      throw new IllegalArgumentException(
          "expected sparse weights whose frequencies in Lucene are at most "
              + Integer.MAX_VALUE
              + " together, got "
              + (float) frequencies
              + " of "
              + weights.size()
              + " tokens with the weight "
              + (float) sum
              + " together: "
              + remedy);
    }
  }

  private static int firstUnusable(float[] vector) {
    int at = 0;
    while (at < vector.length && Math.abs(vector[at]) <= LARGEST) {
      at++;
    }
    return at;
  }
}
