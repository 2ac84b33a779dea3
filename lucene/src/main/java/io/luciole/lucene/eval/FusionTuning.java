package io.luciole.lucene.eval;

import static java.util.Objects.requireNonNull;

import io.luciole.lucene.Fusion;
import io.luciole.lucene.Leg;
import io.luciole.lucene.LegLists;
import io.luciole.lucene.ScoredId;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * The search for a fusion and its weights on a grid. What it promises is held out: by
 * cross-validation, each query is scored by what was chosen without it.
 *
 * @param best what is best for all queries together
 * @param bestScore its mean on the queries that it was chosen by: too good to be expected of new
 *     ones
 * @param heldOut the mean over all queries, each with the choice that was made without its part:
 *     what to expect of new ones
 * @param folds the choice made without each part
 */
public record FusionTuning(Choice best, double bestScore, double heldOut, List<Choice> folds) {
  /**
   * A fusion and its weights.
   *
   * @param fusion the fusion
   * @param weights what each leg counts
   */
  public record Choice(Fusion fusion, Map<Leg, Double> weights) {
    /** Copies the weights. */
    public Choice {
      requireNonNull(fusion, "fusion");
      weights = Collections.unmodifiableMap(new EnumMap<>(weights));
    }

    @Override
    public String toString() {
      return fusion.name() + " " + weights;
    }
  }

  /** Copies the list. */
  public FusionTuning {
    folds = List.copyOf(folds);
  }

  /**
   * Tries every fusion with every combination of weights.
   *
   * @param legs each leg's run; {@link EvaluationTable#legRuns} has them. Judged queries that none
   *     of them was asked are left out
   * @param qrels the judgements
   * @param metric what is maximized
   * @param fusions the fusions to try
   * @param grid the weights to try for each leg, such as 0, 0.3, 1; the combination of zeros is
   *     left out
   * @param parts the parts of the cross-validation, at least 2 and at most the number of queries
   * @param seed the seed of the division into parts
   * @return the best, and what to expect of it
   * @throws IllegalArgumentException if there is nothing to try, or {@code parts} is out of range
   */
  public static FusionTuning search(
      Map<Leg, RankedRun> legs,
      Qrels qrels,
      Metric metric,
      List<Fusion> fusions,
      List<Double> grid,
      int parts,
      long seed) {
    List<String> queries = new ArrayList<>(RankedRun.judged(legs.values(), qrels));
    if (parts < 2 || parts > queries.size()) {
      throw new IllegalArgumentException(
          "parts must be from 2 to the number of queries, " + queries.size() + ", got " + parts);
    }
    List<Choice> choices = choices(List.copyOf(legs.keySet()), fusions, grid);
    if (choices.isEmpty()) {
      throw new IllegalArgumentException("expected legs, fusions and a weight above 0, got none");
    }
    Collections.shuffle(queries, new Random(seed));
    double[][] scores = new double[choices.size()][queries.size()];
    for (int q = 0; q < queries.size(); q++) {
      String query = queries.get(q);
      Map<Leg, List<ScoredId>> found = new EnumMap<>(Leg.class);
      legs.forEach((leg, run) -> found.put(leg, run.rankings().getOrDefault(query, List.of())));
      LegLists lists = LegLists.of(found);
      for (int c = 0; c < scores.length; c++) {
        List<ScoredId> fused = lists.fuse(choices.get(c).fusion(), choices.get(c).weights());
        scores[c][q] = metric.of(fused, qrels.grades(query));
      }
    }
    double heldOut = 0;
    List<Choice> folds = new ArrayList<>();
    for (int part = 0; part < parts; part++) {
      int chosen = best(scores, parts, part);
      folds.add(choices.get(chosen));
      for (int q = part; q < queries.size(); q += parts) {
        heldOut += scores[chosen][q];
      }
    }
    int overall = best(scores, 1, -1);
    double sum = 0;
    for (double score : scores[overall]) {
      sum += score;
    }
    return new FusionTuning(
        choices.get(overall), sum / queries.size(), heldOut / queries.size(), folds);
  }

  /** The choice with the largest sum over the queries outside a part; the first of equals. */
  private static int best(double[][] scores, int parts, int part) {
    int best = 0;
    double largest = Double.NEGATIVE_INFINITY;
    for (int c = 0; c < scores.length; c++) {
      double sum = 0;
      for (int q = 0; q < scores[c].length; q++) {
        sum += q % parts == part ? 0 : scores[c][q];
      }
      if (sum > largest) {
        largest = sum;
        best = c;
      }
    }
    return best;
  }

  private static List<Choice> choices(List<Leg> legs, List<Fusion> fusions, List<Double> grid) {
    List<Map<Leg, Double>> weights = new ArrayList<>();
    weights.add(Map.of());
    for (Leg leg : legs) {
      List<Map<Leg, Double>> longer = new ArrayList<>();
      for (Map<Leg, Double> begun : weights) {
        for (Double weight : grid) {
          Map<Leg, Double> one = new HashMap<>(begun);
          one.put(leg, weight);
          longer.add(one);
        }
      }
      weights = longer;
    }
    List<Choice> choices = new ArrayList<>();
    for (Fusion fusion : fusions) {
      for (Map<Leg, Double> one : weights) {
        if (one.values().stream().anyMatch(w -> w > 0)) {
          choices.add(new Choice(fusion, one));
        }
      }
    }
    return choices;
  }
}
