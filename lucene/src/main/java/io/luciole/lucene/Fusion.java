package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.List;
import org.apache.lucene.search.TopDocs;

/**
 * Makes one ranked list of several legs' lists.
 *
 * <p>A document's fused score is the sum over the legs of the leg's weight times the document's
 * <em>contribution</em> to that leg, which a fusion computes from the leg's scores alone; see
 * {@link #contributions}. Ties keep the order of the index. Implementations are immutable.
 */
public interface Fusion {
  /** {@return the name that options know it by, such as {@code rrf:60}} */
  String name();

  /**
   * Tells in words what a document gets from a leg, for explanations: the end of a sentence that
   * begins with "A document gets".
   *
   * @return the words; by default they name the fusion
   */
  default String description() {
    return "weight × contribution by " + name();
  }

  /**
   * Computes what each document of one leg's list contributes.
   *
   * @param scores the leg's own scores, best first; never empty
   * @return one contribution for each score, in the same order
   */
  double[] contributions(float[] scores);

  /**
   * Computes the same for a leg of which more may be known: whether every document that is not in
   * the list scores 0. That is so for words and token weights if the list is shorter than asked
   * for. By default, this makes no difference.
   *
   * @param scores the leg's own scores, best first; never empty
   * @param restIsZero whether the documents that are not in the list score 0, as far as it is
   *     shorter than asked for
   * @return one contribution for each score, in the same order
   */
  default double[] contributions(float[] scores, boolean restIsZero) {
    return contributions(scores);
  }

  /**
   * Computes what a document contributes that the leg did not find.
   *
   * @param scores the leg's own scores, best first; never empty
   * @return the contribution; 0 by default
   */
  default double absent(float[] scores) {
    return 0;
  }

  /** {@return whether the sum is divided by the sum of the weights of the legs that were asked} */
  boolean averaged();

  /**
   * Makes one list of several lists of Lucene's, such as those of {@link VectorQueries} and of any
   * other query. A document is known by its number and its shard, so that lists of several indexes
   * can be fused if their {@code shardIndex} is set.
   *
   * @param legs the lists, best first by score
   * @param weights what each list counts, 0 or more and finite
   * @param top how many documents, at least 1
   * @return the documents of the lists with the largest fused scores, best first; ties in the order
   *     of shards and numbers. Its total counts the documents of the lists
   * @throws IllegalArgumentException if there is not one weight for each list, a number is out of
   *     range, or scores are missing or not in descending order
   */
  default TopDocs fuse(List<TopDocs> legs, double[] weights, int top) {
    return FusedTopDocs.fuse(this, legs, weights, top);
  }

  /**
   * Returns what a leg's weight is multiplied by for one query; 1 by default.
   *
   * @param leg a leg that searches
   * @param query what is known of the query
   * @return the factor, above 0
   */
  default double factor(Leg leg, QueryTraits query) {
    return 1;
  }

  /**
   * Returns the default of searches: {@link #auto}. {@code docs/quality.md} compares the fusions.
   *
   * @return the fusion
   */
  static Fusion usual() {
    return auto();
  }

  /**
   * Returns {@link #softMaximum} with weights that follow the query. If the model says how to tell
   * whether it knows a language ({@link io.luciole.model.ModelDescription#familiarity}), the dense
   * leg's weight is multiplied by 2 for queries that it knows well, by 1/4 for queries that it does
   * not know, and by the geometric mean of the two, weighted by the familiarity, between. Where
   * dense vectors, sparse weights and words all search, the latter two count half: both go by what
   * query and document share literally. Weights of one's own are multiplied by the same.
   *
   * @return the fusion
   */
  static Fusion auto() {
    return Fusions.AUTO;
  }

  /**
   * Returns the soft maximum of standard scores: {@code Σ weight · exp(0.45 z)}, where {@code z} is
   * the score less the mean of the leg's first 100, in their standard deviations. A list of words
   * or sparse weights that is shorter counts as filled up with zeros; what {@code z} exceeds 6 by
   * counts a tenth. A document that was not found counts 0. The leg whose best documents stand out
   * most decides. Contributions do not depend on how long the lists are beyond 100.
   *
   * @return the fusion
   */
  static Fusion softMaximum() {
    return Fusions.SOFT;
  }

  /**
   * Returns reciprocal rank fusion with k = 60: {@code weight / (60 + rank)}.
   *
   * @return the fusion
   */
  static Fusion rrf() {
    return rrf(60);
  }

  /**
   * Returns reciprocal rank fusion: {@code weight / (k + rank)}, ranks from 1 (Cormack, Clarke and
   * Büttcher, SIGIR 2009).
   *
   * @param k how little the first ranks differ, 0 or more
   * @return the fusion
   * @throws IllegalArgumentException if k is negative
   */
  static Fusion rrf(int k) {
    return new Fusions.ReciprocalRank(k);
  }

  /**
   * Returns the weighted mean of the scores scaled so that the best of each list is 1 and its last
   * is 0. A document that was not found counts 0. In a list of equal scores each is 1.
   *
   * @return the fusion
   */
  static Fusion minMax() {
    return Fusions.MIN_MAX;
  }

  /**
   * Returns the weighted mean of the standard scores, {@code (score - mean) / standard deviation}
   * over the leg's list. A document that was not found counts as the last of the list does. In a
   * list of equal scores each is 0.
   *
   * @return the fusion
   */
  static Fusion zScore() {
    return Fusions.Z_SCORE;
  }

  /**
   * Returns distribution-based score fusion: the weighted mean of the scores scaled so that three
   * standard deviations below the mean of the list are 0 and three above are 1, not clamped. A
   * document that was not found counts 0. In a list of equal scores each is one half.
   *
   * @return the fusion
   */
  static Fusion distributionBased() {
    return Fusions.DISTRIBUTION;
  }

  /** {@return the names that {@link #parse} reads} */
  static List<String> names() {
    return Fusions.NAMES;
  }

  /**
   * Reads a name, one of {@link #names} with a whole number for K. The fusion {@code sum} is the
   * weighted mean of the raw scores, as BGE-M3's authors use it with dense 1 and sparse 0.3; it
   * makes sense where the legs' scores are of like size, and BM25's are not like the others'.
   *
   * @param name the name, in any case
   * @return the fusion
   * @throws IllegalArgumentException if there is no such fusion; the message lists them
   */
  static Fusion parse(String name) {
    return Fusions.parse(requireNonNull(name, "name"));
  }
}
