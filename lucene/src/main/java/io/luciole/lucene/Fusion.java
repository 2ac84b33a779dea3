package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

/**
 * Makes one ranking of several legs' rankings.
 *
 * <p>A document's fused score is the sum over the legs of the leg's weight times the document's
 * <em>contribution</em> to that leg, which a fusion computes from the leg's scores alone; see
 * {@link #contributions}. Ties keep the order of the index. Implementations are immutable.
 */
public interface Fusion {
  /** The name options know it by, such as {@code rrf:60}. */
  String name();

  /**
   * What each document of one leg's list contributes.
   *
   * @param scores the leg's raw scores, best first; never empty
   * @return as many contributions, in the same order
   */
  double[] contributions(float[] scores);

  /**
   * What a document contributes that the leg has not found.
   *
   * @param scores the leg's raw scores, best first; never empty
   */
  default double absent(float[] scores) {
    return 0;
  }

  /** Whether the sum is divided by the sum of the weights of the legs that were asked. */
  boolean averaged();

  /** Reciprocal rank fusion with k = 60: {@code weight / (60 + rank)}. */
  static Fusion rrf() {
    return rrf(60);
  }

  /**
   * Reciprocal rank fusion: {@code weight / (k + rank)}, ranks from 1 (Cormack, Clarke and
   * Büttcher, SIGIR 2009).
   *
   * @throws IllegalArgumentException if k is negative
   */
  static Fusion rrf(int k) {
    return new Fusions.ReciprocalRank(k);
  }

  /**
   * Reads a name: {@code rrf}, {@code rrf:K}.
   *
   * @throws IllegalArgumentException if there is no such fusion; the message lists those there are
   */
  static Fusion parse(String name) {
    return Fusions.parse(requireNonNull(name, "name"));
  }
}
