package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.lucene.search.Explanation;

/** The legs' lists made one by a {@link Fusion}. Immutable. */
final class FusedList {
  private final Fusion fusion;
  private final double divisor;
  private final List<Entry> entries;
  private final Map<Leg, Double> weights;

  /**
   * A document of the fused list.
   *
   * @param doc its number in the index
   * @param score the fused score
   * @param legs what each leg that found it said
   * @param contributions what each leg contributes before weights, those that did not find it
   *     included
   */
  record Entry(int doc, double score, Map<Leg, LegScore> legs, Map<Leg, Double> contributions) {}

  private FusedList(Fusion fusion, double divisor, List<Entry> entries, Map<Leg, Double> weights) {
    this.fusion = fusion;
    this.divisor = divisor;
    this.entries = entries;
    this.weights = weights;
  }

  /**
   * Fuses the lists step by step: by the first so many of each list, then by more of them, where a
   * document that was ranked before keeps its place and its score.
   *
   * @param steps lengths, ascending, at least one
   */
  static FusedList of(Fusion fusion, List<LegResult> results, List<Integer> steps) {
    FusedList fused = null;
    for (int step : steps) {
      FusedList longer = of(fusion, results.stream().map(result -> result.first(step)).toList());
      fused = fused == null ? longer : fused.followedBy(longer);
    }
    return requireNonNull(fused, "steps");
  }

  private FusedList followedBy(FusedList longer) {
    Set<Integer> ranked = entries.stream().map(Entry::doc).collect(Collectors.toSet());
    List<Entry> all = new ArrayList<>(entries);
    longer.entries.stream().filter(entry -> !ranked.contains(entry.doc())).forEach(all::add);
    return new FusedList(fusion, divisor, all, weights);
  }

  static FusedList of(Fusion fusion, List<LegResult> results) {
    Map<Leg, Double> weights = new EnumMap<>(Leg.class);
    double sumOfWeights = 0;
    for (LegResult result : results) {
      weights.put(result.leg(), result.weight());
      sumOfWeights += result.weight();
    }
    double divisor = fusion.averaged() && sumOfWeights > 0 ? sumOfWeights : 1;
    Map<Integer, Map<Leg, LegScore>> legs = new LinkedHashMap<>();
    Map<Integer, Map<Leg, Double>> contributions = new LinkedHashMap<>();
    Map<Leg, Double> absent = new EnumMap<>(Leg.class);
    for (LegResult result : results) {
      if (result.hits().isEmpty()) {
        continue;
      }
      Leg leg = result.leg();
      float[] scores = result.scores();
      double[] of = contributions(fusion, scores, result.restIsZero());
      absent.put(leg, fusion.absent(scores));
      for (int i = 0; i < scores.length; i++) {
        int doc = result.hits().get(i).doc;
        legs.computeIfAbsent(doc, d -> new EnumMap<>(Leg.class))
            .put(leg, new LegScore(i + 1, scores[i], of[i] * (result.weight() / divisor)));
        contributions.computeIfAbsent(doc, d -> new EnumMap<>(Leg.class)).put(leg, of[i]);
      }
    }
    List<Entry> entries = new ArrayList<>(legs.size());
    contributions.forEach((doc, found) -> {
      absent.forEach(found::putIfAbsent);
      double sum = 0;
      for (Map.Entry<Leg, Double> of : found.entrySet()) {
        sum += weights.getOrDefault(of.getKey(), 0.0) * of.getValue();
      }
      // Rounded to 32 bits, so that sums that differ only by the order of adding tie.
      entries.add(new Entry(doc, (float) (sum / divisor), legs.getOrDefault(doc, Map.of()), found));
    });
    entries.sort(Comparator.comparingDouble(Entry::score).reversed().thenComparingInt(Entry::doc));
    return new FusedList(fusion, divisor, entries, weights);
  }

  private static double[] contributions(Fusion fusion, float[] scores, boolean restIsZero) {
    double[] contributions = fusion.contributions(scores, restIsZero);
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

  /** The documents, best first, step by step; ties in the order of their numbers. */
  List<Entry> entries() {
    return entries;
  }

  /** How an entry's score came about. */
  Explanation explain(Entry entry) {
    List<Explanation> parts = new ArrayList<>();
    weights.forEach((leg, weight) -> {
      LegScore found = entry.legs().get(leg);
      double contribution = entry.contributions().getOrDefault(leg, 0.0);
      List<Explanation> factors = new ArrayList<>();
      factors.add(Explanation.match(weight, "weight"));
      if (found == null) {
        factors.add(Explanation.match(contribution, "contribution of a document not found"));
      } else {
        factors.add(Explanation.match(contribution, "contribution"));
        factors.add(Explanation.match(found.score(), "score of the leg"));
      }
      String what = leg.id() + (found == null ? ", not found:" : ", rank " + found.rank() + ":");
      parts.add(Explanation.match(weight * contribution, what, factors));
    });
    String sum = "fusion " + fusion.name() + ", sum of weight × contribution";
    return Explanation.match(
        entry.score(),
        divisor == 1 ? sum + ":" : sum + ", divided by " + divisor + ", the sum of the weights:",
        parts);
  }
}
