package io.luciole.lucene;

import io.luciole.MultiVector;

/**
 * Refuses vectors that an index cannot keep. A component that is not a finite number would make
 * every score of its document NaN, which stands before all others, or leave no direction to keep.
 */
final class VectorChecks {
  private VectorChecks() {}

  /**
   * Checks a dense vector.
   *
   * @throws IllegalArgumentException if it has another length, or a component that is not finite
   */
  static void requireDense(float[] vector, int dimension) {
    requireDimension("a dense vector", dimension, vector.length);
    requireFinite("a dense vector", vector);
  }

  /**
   * Checks the rows of token vectors.
   *
   * @throws IllegalArgumentException as {@link #requireDense}
   */
  static void requireTokenVectors(MultiVector vectors, int dimension) {
    requireDimension("token vectors", dimension, vectors.dimension());
    for (int row = 0; row < vectors.rows(); row++) {
      requireFinite("token vectors", vectors.row(row));
    }
  }

  private static void requireDimension(String what, int expected, int found) {
    if (found != expected) {
      throw new IllegalArgumentException(
          "expected " + what + " of " + expected + " components, got " + found);
    }
  }

  private static void requireFinite(String what, float[] vector) {
    for (float component : vector) {
      if (!Float.isFinite(component)) {
        throw new IllegalArgumentException(
            "expected " + what + " of finite numbers, got a component that is " + component);
      }
    }
  }
}
