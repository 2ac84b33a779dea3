package io.luciole.lucene;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.apache.lucene.util.ArrayUtil;

/**
 * The best documents seen so far, at most k: those with the largest scores and, of equal scores,
 * the smallest numbers. Keeps up to twice as many and reduces them to k at once; meanwhile it
 * counts scores by ranges, of which the least that k documents reach bounds what is taken. For use
 * by one thread.
 */
final class BestDocuments {
  /** Scores whose bits are equal but for so many are in one range: an octave has 512. */
  private static final int RANGE_BITS = 14;

  private static final int RANGES = 6 << (23 - RANGE_BITS);

  private final int k;
  private final int capacity;
  private final boolean repeating;

  /** The bits of the score, which is not negative, above the complement of the document. */
  private long[] keys;

  private int size;

  /** What a key must exceed. */
  private long worst = -1;

  /** How many documents were taken by range, from the lowest that counts. */
  private final int[] counts;

  private final int lowest;

  /** The range that k documents are in or above, once there are so many; and how many are. */
  private int reached;

  private int above;

  /**
   * Creates a collection.
   *
   * @param k at least 1
   * @param largest no score is larger
   * @param repeating whether a document may be offered more than once; then its largest score
   *     counts
   */
  BestDocuments(int k, float largest, boolean repeating) {
    this.k = k;
    this.counts = new int[repeating ? 0 : RANGES];
    this.lowest = (Float.floatToIntBits(largest) >>> RANGE_BITS) - (RANGES - 1);
    this.capacity = Math.max(k, (int) Math.min(ArrayUtil.MAX_ARRAY_LENGTH, 2L * k + 16));
    this.repeating = repeating;
    this.keys = new long[Math.min(capacity, 1024)];
  }

  /** A score that k documents are known to have or exceed; 0 before that. */
  float worstScore() {
    return worst < 0 ? 0 : score(worst);
  }

  /** The last document that has {@link #worstScore} among the k. */
  int worstDocument() {
    return document(worst);
  }

  private static float score(long key) {
    return Float.intBitsToFloat((int) (key >>> 32));
  }

  private static int document(long key) {
    return Integer.MAX_VALUE - (int) key;
  }

  /**
   * Takes a document if it may be among the best.
   *
   * @return whether {@link #worstScore} may have changed
   */
  boolean offer(int document, float score) {
    long key = ((long) Float.floatToIntBits(score) << 32) | (Integer.MAX_VALUE - document);
    if (key <= worst) {
      return false;
    }
    if (size == keys.length) {
      keys = ArrayUtil.growExact(keys, Math.min(capacity, 2 * size));
    }
    keys[size++] = key;
    boolean raised = !repeating && count((Float.floatToIntBits(score) >>> RANGE_BITS) - lowest);
    if (size < capacity) {
      return raised;
    }
    if (!repeating) {
      dropWorse();
    }
    if (size > k + (capacity - k) / 2) {
      reduce();
    }
    return true;
  }

  /** Counts a document that was taken, and returns whether that bounds what is taken. */
  private boolean count(int range) {
    if (range < reached) {
      return false;
    }
    counts[range]++;
    above++;
    if (above < k || (above > k && above - counts[reached] < k)) {
      return false;
    }
    while (above - counts[reached] >= k) {
      above -= counts[reached++];
    }
    // All scores of the range exceed this key.
    worst = Math.max(worst, ((long) (lowest + reached) << (RANGE_BITS + 32)) - 1);
    return true;
  }

  /** Leaves the best k. */
  private void reduce() {
    if (repeating) {
      Arrays.sort(keys, 0, size);
      dropRepeated();
    }
    if (size < k) {
      return;
    }
    int from = size - k;
    if (!repeating && from > 0) {
      select(from);
    }
    System.arraycopy(keys, from, keys, 0, k);
    size = k;
    worst = keys[0];
  }

  /** Drops what no longer may be among the best; at least k remain. */
  private void dropWorse() {
    int left = 0;
    for (int i = 0; i < size; i++) {
      if (keys[i] >= worst) {
        keys[left++] = keys[i];
      }
    }
    size = left;
  }

  /** Leaves the best of each document; the keys are sorted, and are so again. */
  private void dropRepeated() {
    Set<Integer> seen = new HashSet<>();
    int from = size;
    for (int i = size - 1; i >= 0; i--) {
      if (seen.add(document(keys[i]))) {
        keys[--from] = keys[i];
      }
    }
    size -= from;
    System.arraycopy(keys, from, keys, 0, size);
  }

  /** Puts the key there that sorting would, none before it larger and none behind it smaller. */
  private void select(int wanted) {
    int low = 0;
    int high = size - 1;
    while (low < high) {
      long pivot = middle(keys[low], keys[(low + high) >>> 1], keys[high]);
      int i = low - 1;
      int j = high + 1;
      while (true) {
        do {
          i++;
        } while (keys[i] < pivot);
        do {
          j--;
        } while (keys[j] > pivot);
        if (i >= j) {
          break;
        }
        long key = keys[i];
        keys[i] = keys[j];
        keys[j] = key;
      }
      if (wanted <= j) {
        high = j;
      } else {
        low = j + 1;
      }
    }
  }

  private static long middle(long a, long b, long c) {
    return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
  }

  /** A document and its score. */
  record Scored(int document, float score) {}

  /** The best by their number. */
  Scored[] byDocument() {
    reduce();
    long[] byDocument = new long[size];
    for (int i = 0; i < size; i++) {
      byDocument[i] = ((long) document(keys[i]) << 32) | (keys[i] >>> 32);
    }
    Arrays.sort(byDocument);
    Scored[] all = new Scored[size];
    for (int i = 0; i < size; i++) {
      all[i] = new Scored((int) (byDocument[i] >>> 32), Float.intBitsToFloat((int) byDocument[i]));
    }
    return all;
  }
}
