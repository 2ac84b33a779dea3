package io.luciole.lucene;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The sums that a {@link Fusion} makes of several ranked lists, whatever the lists rank. Immutable.
 *
 * @param divisor what sums were divided by; 1 if they were not
 * @param sums one for each key that any list has, in the order in which they come in the lists
 * @param <K> what the lists rank
 */
record FusionSums<K>(double divisor, List<Sum<K>> sums) {
  /** A ranked list. */
  static final class Ranked<K> {
    private final List<K> keys;
    private final float[] scores;
    private final double weight;

    /**
     * Creates a list.
     *
     * @param keys what it ranks, best first, each once
     * @param scores their scores; not copied
     * @param weight what the list counts, 0 or more
     */
    Ranked(List<K> keys, float[] scores, double weight) {
      this.keys = keys;
      this.scores = scores;
      this.weight = weight;
    }
  }

  /** What the lists say of one key. Lists are numbered as they came. */
  static final class Sum<K> {
    private final K key;
    private final double score;
    private final int[] ranks;
    private final double[] contributions;

    private Sum(K key, double score, int[] ranks, double[] contributions) {
      this.key = key;
      this.score = score;
      this.ranks = ranks;
      this.contributions = contributions;
    }

    K key() {
      return key;
    }

    /** The fused score. */
    double score() {
      return score;
    }

    /** Its rank in a list, from 1; 0 if the list does not have it. */
    int rank(int list) {
      return ranks[list];
    }

    /** What a list contributes before weights; 0 of an empty list. */
    double contribution(int list) {
      return contributions[list];
    }
  }

  static <K> FusionSums<K> of(Fusion fusion, List<Ranked<K>> lists) {
    double sumOfWeights = lists.stream().mapToDouble(list -> list.weight).sum();
    double divisor = fusion.averaged() && sumOfWeights > 0 ? sumOfWeights : 1;
    Map<K, int[]> ranks = new LinkedHashMap<>();
    double[][] contributions = new double[lists.size()][];
    double[] absent = new double[lists.size()];
    for (int l = 0; l < lists.size(); l++) {
      Ranked<K> list = lists.get(l);
      contributions[l] = contributions(fusion, list.scores);
      absent[l] = list.scores.length == 0 ? 0 : fusion.absent(list.scores);
      for (int i = 0; i < list.keys.size(); i++) {
        ranks.computeIfAbsent(list.keys.get(i), k -> new int[lists.size()])[l] = i + 1;
      }
    }
    List<Sum<K>> sums = new ArrayList<>(ranks.size());
    ranks.forEach((key, at) -> {
      double[] of = absent.clone();
      double sum = 0;
      for (int l = 0; l < of.length; l++) {
        if (at[l] > 0) {
          of[l] = contributions[l][at[l] - 1];
        }
        sum += lists.get(l).weight * of[l];
      }
      // Rounded to 32 bits, so that sums that differ only by the order of adding tie.
      sums.add(new Sum<>(key, (float) (sum / divisor), at, of));
    });
    return new FusionSums<>(divisor, sums);
  }

  private static double[] contributions(Fusion fusion, float[] scores) {
    if (scores.length == 0) {
      return new double[0];
    }
    double[] contributions = fusion.contributions(scores);
    if (contributions.length != scores.length) {
      throw new IllegalStateException(
          "expected "
              + scores.length
              + " contributions from "
              + fusion.name()
              + ", got "
              + contributions.length);
    }
    return contributions;
  }
}
