package io.luciole;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/**
 * The weights of distinct token ids in ascending order of the ids: BGE-M3's lexical weights.
 * Immutable and safe to share between threads.
 *
 * <p>Weights are positive and finite; an absent token has the weight 0. Ids are those of the
 * model's tokenizer. Different ids can decode to the same string, so strings cannot replace them as
 * keys.
 */
public final class SparseVector {
  /** A vector without tokens: the vector of an empty text. */
  public static final SparseVector EMPTY = new SparseVector(new int[0], new float[0]);

  private final int[] ids;
  private final float[] weights;

  private SparseVector(int[] ids, float[] weights) {
    this.ids = ids;
    this.weights = weights;
  }

  /**
   * Creates a vector. Both arrays are copied.
   *
   * @param ids token ids, 0 or more and strictly ascending
   * @param weights the weight of each id, positive and finite
   * @return the vector
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

  /** {@return the number of tokens with a weight} */
  public int size() {
    return ids.length;
  }

  /** {@return whether no token has a weight} */
  public boolean isEmpty() {
    return ids.length == 0;
  }

  /**
   * The token id at an index. Ids ascend with the index.
   *
   * @param i the index, {@code 0 <= i < size()}
   * @return the id
   */
  public int id(int i) {
    return ids[i];
  }

  /**
   * The weight at an index.
   *
   * @param i the index, {@code 0 <= i < size()}
   * @return the weight of the token {@link #id id(i)}
   */
  public float weight(int i) {
    return weights[i];
  }

  /**
   * The weight of a token.
   *
   * @param id a token id
   * @return its weight, 0 if it is absent
   */
  public float weightOf(int id) {
    int at = Arrays.binarySearch(ids, id);
    return at < 0 ? 0 : weights[at];
  }

  /**
   * The sum over the shared ids of the products of the weights: BGE-M3's lexical score.
   *
   * @param other the other text's vector
   * @return the dot product, 0 or more
   */
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
