package io.luciole.bench;

import io.luciole.lucene.Leg;
import io.luciole.lucene.QueryTraits;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.eval.Metric;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.search.BayesianScoreEstimator.Parameters;

/**
 * One query of a fusion study: every leg's list cut to {@link #DEPTH}, over the union of their
 * documents.
 *
 * @param text the query
 * @param density the model's tokens for each letter of it
 * @param traits what a fusion may know of it
 * @param documents the ids of the union
 * @param legs what each leg says of them
 * @param calibration what Lucene's sampling says of the scores of the index's words
 * @param grades the judgements
 */
record StudyQuery(
    String text,
    double density,
    QueryTraits traits,
    List<String> documents,
    Map<Leg, Side> legs,
    Parameters calibration,
    Map<String, Integer> grades) {
  /** The length of the lists that are fused. */
  static final int DEPTH = 100;

  /** What one leg says. Its arrays are read only. */
  static final class Side {
    private final float[] list;
    private final double[] scores;
    private final double[] deep;
    private final double deepest;
    private final double[] standard;
    private final boolean restIsZero;

    private Side(float[] list, double[] scores, double[] deep, double deepest, boolean restIsZero) {
      this.list = list;
      this.scores = scores;
      this.deep = deep;
      this.deepest = deepest;
      this.standard = standardised(list, scores, restIsZero);
      this.restIsZero = restIsZero;
    }

    /** Its scores, best first. */
    float[] list() {
      return list;
    }

    /** For each document of the union its score, NaN if it is not in the list. */
    double[] scores() {
      return scores;
    }

    /** The same from the whole run, which is longer than the list. */
    double[] deep() {
      return deep;
    }

    /** The last score of the whole run, NaN if that is empty. */
    double deepest() {
      return deepest;
    }

    /**
     * The standard scores of the documents over {@link #DEPTH}, shorter lists of words filled up
     * with zeros; NaN if it is not in the list.
     */
    double[] standard() {
      return standard;
    }

    /** Whether all other documents score 0. */
    boolean restIsZero() {
      return restIsZero;
    }
  }

  /** Puts together what is known of a query. */
  static StudyQuery of(
      String text,
      double density,
      QueryTraits traits,
      Map<Leg, List<ScoredId>> runs,
      Parameters calibration,
      Map<String, Integer> grades) {
    Set<String> union = new LinkedHashSet<>();
    runs.values().forEach(run -> run.stream().limit(DEPTH).forEach(hit -> union.add(hit.id())));
    List<String> documents = List.copyOf(union);
    Map<Leg, Side> legs = new EnumMap<>(Leg.class);
    runs.forEach((leg, run) -> legs.put(leg, side(leg, run, documents)));
    return new StudyQuery(text, density, traits, documents, legs, calibration, grades);
  }

  private static Side side(Leg leg, List<ScoredId> run, List<String> documents) {
    Map<String, Integer> ranks = new HashMap<>();
    for (int i = 0; i < run.size(); i++) {
      ranks.put(run.get(i).id(), i);
    }
    float[] list = new float[Math.min(DEPTH, run.size())];
    for (int i = 0; i < list.length; i++) {
      list[i] = (float) run.get(i).score();
    }
    double[] scores = new double[documents.size()];
    double[] deep = new double[documents.size()];
    for (int d = 0; d < scores.length; d++) {
      int rank = ranks.getOrDefault(documents.get(d), Integer.MAX_VALUE);
      deep[d] = rank < run.size() ? run.get(rank).score() : Double.NaN;
      scores[d] = rank < list.length ? deep[d] : Double.NaN;
    }
    double deepest = run.isEmpty() ? Double.NaN : run.get(run.size() - 1).score();
    boolean restIsZero = leg != Leg.DENSE && run.size() < DEPTH;
    return new Side(list, scores, deep, deepest, restIsZero);
  }

  private static double[] standardised(float[] list, double[] scores, boolean restIsZero) {
    double[] seen = new double[restIsZero ? DEPTH : list.length];
    for (int i = 0; i < list.length; i++) {
      seen[i] = list[i];
    }
    double mean = Arrays.stream(seen).average().orElse(0);
    double deviation =
        Math.sqrt(Arrays.stream(seen).map(x -> (x - mean) * (x - mean)).average().orElse(0));
    return Arrays.stream(scores)
        .map(score -> deviation > 0 ? (score - mean) / deviation : score * 0)
        .toArray();
  }

  /** nDCG@10 if the documents are ranked by these scores, ties in the order of the union. */
  double ndcg(double[] fused) {
    List<ScoredId> best = new ArrayList<>(10);
    double[] left = fused.clone();
    while (best.size() < Math.min(10, left.length)) {
      int first = 0;
      for (int d = 1; d < left.length; d++) {
        first = left[d] > left[first] ? d : first;
      }
      best.add(new ScoredId(documents.get(first), fused[first]));
      left[first] = Double.NEGATIVE_INFINITY;
    }
    return Metric.NDCG_10.of(best, grades);
  }
}
