package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.apache.lucene.search.ScoreDoc;

/**
 * The search for a fusion and its weights on a grid, honest about what it promises: by
 * cross-validation, each query is scored by what was chosen without it.
 *
 * @param best what is best for all queries together
 * @param bestScore its mean, on the queries it was chosen by: too good to be expected of new ones
 * @param heldOut the mean over all queries, each with the choice made without its part: what to
 *     expect
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
   * @param legs each leg's run; {@link EvaluationTable#legRuns} has them
   * @param fusions what to try
   * @param grid the weights to try for each leg, such as 0, 0.3, 1; all 0 is passed over
   * @param parts the parts of the cross-validation, at least 2 and at most the number of queries
   * @param seed of the division into parts
   */
  public static FusionTuning search(
      Map<Leg, RankedRun> legs,
      Qrels qrels,
      Metric metric,
      List<Fusion> fusions,
      List<Double> grid,
      int parts,
      long seed) {
    List<String> queries =
        new ArrayList<>(qrels.queries().stream().filter(qrels::isJudged).toList());
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
      Lists lists = new Lists(legs, queries.get(q));
      for (int c = 0; c < scores.length; c++) {
        scores[c][q] = metric.of(lists.fuse(choices.get(c)), qrels.grades(queries.get(q)));
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

  /** The legs' lists of one query, documents numbered as they come. */
  private static final class Lists {
    private final Map<Leg, List<ScoreDoc>> hits = new EnumMap<>(Leg.class);
    private final Map<String, Integer> numbers = new HashMap<>();
    private final List<String> ids = new ArrayList<>();

    Lists(Map<Leg, RankedRun> legs, String query) {
      legs.forEach((leg, run) -> {
        List<ScoreDoc> list = new ArrayList<>();
        for (ScoredId hit : run.rankings().getOrDefault(query, List.of())) {
          int number = numbers.computeIfAbsent(hit.id(), id -> ids.size());
          if (number == ids.size()) {
            ids.add(hit.id());
          }
          list.add(new ScoreDoc(number, (float) hit.score()));
        }
        hits.put(leg, list);
      });
    }

    List<ScoredId> fuse(Choice choice) {
      List<LegResult> results = new ArrayList<>();
      hits.forEach((leg, list) ->
          results.add(new LegResult(leg, choice.weights().getOrDefault(leg, 0.0), list)));
      List<ScoredId> fused = new ArrayList<>();
      for (FusedList.Entry entry : FusedList.of(choice.fusion(), results).entries()) {
        fused.add(new ScoredId(ids.get(entry.doc()), entry.score()));
      }
      return fused;
    }
  }
}
