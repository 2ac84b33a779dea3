package io.luciole.lucene.eval;

import io.luciole.lucene.ScoredId;
import java.util.List;
import java.util.Map;

/**
 * How good one ranking is, by the definitions of trec_eval. A document's grade is its gain; grades
 * of 0 or less, and documents without one, gain nothing. A document that comes twice counts once.
 */
final class RankingMetrics {
  private RankingMetrics() {}

  /**
   * Discounted gain of the first {@code depth} documents, over that of the best possible ranking:
   * {@code Σ grade_i / log2(i + 1)}, ranks from 1.
   */
  static double ndcg(List<ScoredId> ranking, Map<String, Integer> grades, int depth) {
    double gain = 0;
    List<String> ids = distinct(ranking);
    for (int i = 0; i < Math.min(depth, ids.size()); i++) {
      gain += Math.max(0, grades.getOrDefault(ids.get(i), 0)) * discount(i);
    }
    int[] best = grades.values().stream().filter(g -> g > 0).mapToInt(g -> g).sorted().toArray();
    double ideal = 0;
    for (int i = 0; i < Math.min(depth, best.length); i++) {
      ideal += best[best.length - 1 - i] * discount(i);
    }
    return ideal == 0 ? 0 : gain / ideal;
  }

  private static double discount(int index) {
    return Math.log(2) / Math.log(index + 2);
  }

  /** One over the rank of the first relevant document, 0 if there is none up to the depth. */
  static double reciprocalRank(List<ScoredId> ranking, Map<String, Integer> grades, int depth) {
    List<String> ids = distinct(ranking);
    for (int i = 0; i < Math.min(depth, ids.size()); i++) {
      if (grades.getOrDefault(ids.get(i), 0) > 0) {
        return 1.0 / (i + 1);
      }
    }
    return 0;
  }

  /** The share of the relevant documents among the first {@code depth}. */
  static double recall(List<ScoredId> ranking, Map<String, Integer> grades, int depth) {
    long relevant = grades.values().stream().filter(g -> g > 0).count();
    long found =
        distinct(ranking).stream()
            .limit(depth)
            .filter(id -> grades.getOrDefault(id, 0) > 0)
            .count();
    return relevant == 0 ? 0 : (double) found / relevant;
  }

  /** The mean, over the relevant documents, of the precision at each one's rank; 0 if not found. */
  static double averagePrecision(List<ScoredId> ranking, Map<String, Integer> grades) {
    long relevant = grades.values().stream().filter(g -> g > 0).count();
    List<String> ids = distinct(ranking);
    double sum = 0;
    int found = 0;
    for (int i = 0; i < ids.size(); i++) {
      if (grades.getOrDefault(ids.get(i), 0) > 0) {
        found++;
        sum += (double) found / (i + 1);
      }
    }
    return relevant == 0 ? 0 : sum / relevant;
  }

  private static List<String> distinct(List<ScoredId> ranking) {
    return ranking.stream().map(ScoredId::id).distinct().toList();
  }
}
