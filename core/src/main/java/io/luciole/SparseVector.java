package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/**
 * Weights of distinct token ids, ascending by id: BGE-M3's lexical weights. Immutable.
 *
 * <p>Weights are positive and finite; a token that is absent weighs nothing. Ids are those of the
 * model's tokenizer: different ids can decode to the same string, so strings are no keys.
 */
public final class SparseVector {
  /** A vector without tokens, that of an empty text. */
  public static final SparseVector EMPTY = new SparseVector(new int[0], new float[0]);

  private final int[] ids;
  private final float[] weights;

  private SparseVector(int[] ids, float[] weights) {
    this.ids = ids;
    this.weights = weights;
  }

  /**
   * Creates a vector from token ids, strictly ascending, and their weights. Both arrays are copied.
   *
   * @throws IllegalArgumentException if the lengths differ, an id is negative or out of order, or a
   *     weight is not positive and finite
   */
  public static SparseVector of(int[] ids, float[] weights) {
    requireNonNull(ids, "ids");
    requireNonNull(weights, "weights");
    if (ids.length != weights.length) {
      throw new IllegalArgumentException(
          "expected as many weights as ids, got " + weights.length + " and " + ids.length);
    }
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || (i > 0 && ids[i] <= ids[i - 1])) {
        throw new IllegalArgumentException(
            "ids must be non-negative and strictly ascending, got "
                + ids[i]
                + " at index "
                + i
                + (i > 0 ? " after " + ids[i - 1] : ""));
      }
      if (!(weights[i] > 0) || weights[i] == Float.POSITIVE_INFINITY) {
        throw new IllegalArgumentException(
            "weights must be positive and finite, got " + weights[i] + " for id " + ids[i]);
      }
    }
    return new SparseVector(ids.clone(), weights.clone());
  }

  /** The number of tokens with a weight. */
  public int size() {
    return ids.length;
  }

  /** Whether no token has a weight. */
  public boolean isEmpty() {
    return ids.length == 0;
  }

  /** The {@code i}-th token id, {@code 0 <= i < size()}; ascending. */
  public int id(int i) {
    return ids[i];
  }

  /** The weight of the {@code i}-th token id, {@code 0 <= i < size()}. */
  public float weight(int i) {
    return weights[i];
  }

  /** The weight of a token id, 0 if it has none. */
  public float weightOf(int id) {
    int at = Arrays.binarySearch(ids, id);
    return at < 0 ? 0 : weights[at];
  }

  /** The sum over shared ids of the products of the weights: BGE-M3's lexical score. */
  public float dot(SparseVector other) {
    requireNonNull(other, "other");
    double sum = 0;
    for (int i = 0, j = 0; i < ids.length && j < other.ids.length; ) {
      if (ids[i] == other.ids[j]) {
        sum += (double) weights[i++] * other.weights[j++];
      } else if (ids[i] < other.ids[j]) {
        i++;
      } else {
        j++;
      }
    }
    return (float) sum;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof SparseVector that
        && Arrays.equals(ids, that.ids)
        && Arrays.equals(weights, that.weights);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(ids) + Arrays.hashCode(weights);
  }

  @Override
  public String toString() {
    StringBuilder s = new StringBuilder("SparseVector{");
    for (int i = 0; i < Math.min(ids.length, 8); i++) {
      s.append(i > 0 ? ", " : "").append(ids[i]).append('=').append(weights[i]);
    }
    return s.append(ids.length > 8 ? ", … " + ids.length + " tokens}" : "}").toString();
  }
}
