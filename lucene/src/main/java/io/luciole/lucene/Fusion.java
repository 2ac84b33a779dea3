package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.List;

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

  /**
   * What searches use unless told otherwise: {@link #distributionBased}. {@code docs/quality.md}
   * has the comparison.
   */
  static Fusion usual() {
    return distributionBased();
  }

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
   * The weighted mean of the raw scores, a document not found scoring 0: what BGE-M3's authors use,
   * with dense 1 and sparse 0.3. Meaningful where the legs' scores are of like size; BM25's are not
   * like the others.
   */
  static Fusion weightedSum() {
    return Fusions.SUM;
  }

  /**
   * The weighted mean of the scores scaled so that each list's best is 1 and its last 0; a document
   * not found counts 0. A list of equal scores is all 1.
   */
  static Fusion minMax() {
    return Fusions.MIN_MAX;
  }

  /**
   * The weighted mean of the standard scores, {@code (score - mean) / standard deviation} over the
   * leg's list; a document not found counts as the last of the list does. A list of equal scores is
   * all 0.
   */
  static Fusion zScore() {
    return Fusions.Z_SCORE;
  }

  /**
   * Distribution-based score fusion: the weighted mean of the scores scaled so that three standard
   * deviations below the list's mean are 0 and three above are 1, not clamped; a document not found
   * counts 0. A list of equal scores is all one half.
   */
  static Fusion distributionBased() {
    return Fusions.DISTRIBUTION;
  }

  /** The names that {@link #parse} reads. */
  static List<String> names() {
    return Fusions.NAMES;
  }

  /**
   * Reads a name: {@code rrf}, {@code rrf:K}, {@code sum}, {@code minmax}, {@code zscore} or {@code
   * dbsf}.
   *
   * @throws IllegalArgumentException if there is no such fusion; the message lists those there are
   */
  static Fusion parse(String name) {
    return Fusions.parse(requireNonNull(name, "name"));
  }
}
