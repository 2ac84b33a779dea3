package io.luciole.lucene;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.search.Explanation;

/** Legs' lists made one by a {@link Fusion}. Immutable. */
final class FusedList {
  private final Fusion fusion;
  private final double divisor;
  private final List<Entry> entries;
  private final Map<Leg, Double> weights;

  /** A document of the fused list: its score, and what each leg that found it said. */
  record Entry(int doc, double score, Map<Leg, LegScore> legs, Map<Leg, Double> contributions) {}

  private FusedList(Fusion fusion, double divisor, List<Entry> entries, Map<Leg, Double> weights) {
    this.fusion = fusion;
    this.divisor = divisor;
    this.entries = entries;
    this.weights = weights;
  }

  static FusedList of(Fusion fusion, List<LegResult> results) {
    Map<Integer, Map<Leg, LegScore>> legs = new LinkedHashMap<>();
    Map<Integer, Map<Leg, Double>> contributions = new LinkedHashMap<>();
    Map<Leg, Double> weights = new EnumMap<>(Leg.class);
    Map<Leg, Double> absent = new EnumMap<>(Leg.class);
    double sumOfWeights = 0;
    for (LegResult result : results) {
      weights.put(result.leg(), result.weight());
      sumOfWeights += result.weight();
      if (result.hits().isEmpty()) {
        continue;
      }
      float[] scores = result.scores();
      double[] of = fusion.contributions(scores);
      if (of.length != scores.length) {
        throw new IllegalStateException(
            "expected "
                + scores.length
                + " contributions from "
                + fusion.name()
                + ", got "
                + of.length);
      }
      absent.put(result.leg(), fusion.absent(scores));
      for (int i = 0; i < scores.length; i++) {
        int doc = result.hits().get(i).doc;
        legs.computeIfAbsent(doc, d -> new EnumMap<>(Leg.class))
            .put(result.leg(), new LegScore(i + 1, scores[i]));
        contributions.computeIfAbsent(doc, d -> new EnumMap<>(Leg.class)).put(result.leg(), of[i]);
      }
    }
    double divisor = fusion.averaged() && sumOfWeights > 0 ? sumOfWeights : 1;
    List<Entry> entries = new ArrayList<>(legs.size());
    contributions.forEach((doc, found) -> {
      absent.forEach(found::putIfAbsent);
      double sum = 0;
      for (Map.Entry<Leg, Double> of : found.entrySet()) {
        sum += weights.getOrDefault(of.getKey(), 0.0) * of.getValue();
      }
      // To 32 bits, so that sums that differ by the order of adding tie.
      entries.add(new Entry(doc, (float) (sum / divisor), legs.getOrDefault(doc, Map.of()), found));
    });
    entries.sort(Comparator.comparingDouble(Entry::score).reversed().thenComparingInt(Entry::doc));
    return new FusedList(fusion, divisor, entries, weights);
  }

  /** The documents, best first, ties in the index's order. */
  List<Entry> entries() {
    return entries;
  }

  /** How an entry's score came about. */
  Explanation explain(Entry entry) {
    List<Explanation> parts = new ArrayList<>();
    weights.forEach((leg, weight) -> {
      LegScore said = entry.legs().get(leg);
      double contribution = entry.contributions().getOrDefault(leg, 0.0);
      Explanation of =
          Explanation.match(
              contribution, said == null ? "contribution of a document not found" : "contribution");
      Explanation weighed = Explanation.match(weight, "weight");
      if (said == null) {
        parts.add(Explanation.match(weight * contribution, leg.id() + ", not found:", weighed, of));
      } else {
        parts.add(
            Explanation.match(
                weight * contribution,
                leg.id() + ", rank " + said.rank() + ":",
                weighed,
                of,
                Explanation.match(said.score(), "score of the leg")));
      }
    });
    String sum =
        divisor == 1
            ? "fusion " + fusion.name() + ", sum of weight × contribution:"
            : "fusion "
                + fusion.name()
                + ", sum of weight × contribution, divided by "
                + divisor
                + ", the sum of the weights:";
    return Explanation.match(entry.score(), sum, parts);
  }
}
