package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.lucene.search.Explanation;
import org.apache.lucene.search.ScoreDoc;

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

  /** Documents in an order of their own, which no leg found. */
  static FusedList listed(ScoreDoc[] docs) {
    return new FusedList(
        Fusion.usual(),
        1,
        Arrays.stream(docs).map(at -> new Entry(at.doc, 0, Map.of(), Map.of())).toList(),
        Map.of());
  }

  private FusedList followedBy(FusedList longer) {
    Set<Integer> ranked = entries.stream().map(Entry::doc).collect(Collectors.toSet());
    List<Entry> all = new ArrayList<>(entries);
    longer.entries.stream().filter(entry -> !ranked.contains(entry.doc())).forEach(all::add);
    return new FusedList(fusion, divisor, all, weights);
  }

  static FusedList of(Fusion fusion, List<LegResult> results) {
    Map<Leg, Double> weights = new EnumMap<>(Leg.class);
    results.forEach(result -> weights.put(result.leg(), result.weight()));
    FusionSums<Integer> sums =
        FusionSums.of(fusion, results.stream().map(LegResult::ranked).toList());
    List<Entry> entries = new ArrayList<>(sums.sums().size());
    for (FusionSums.Sum<Integer> sum : sums.sums()) {
      entries.add(entry(sum, results, sums.divisor()));
    }
    entries.sort(Comparator.comparingDouble(Entry::score).reversed().thenComparingInt(Entry::doc));
    return new FusedList(fusion, sums.divisor(), entries, weights);
  }

  private static Entry entry(FusionSums.Sum<Integer> sum, List<LegResult> results, double divisor) {
    Map<Leg, LegScore> legs = new EnumMap<>(Leg.class);
    Map<Leg, Double> contributions = new EnumMap<>(Leg.class);
    for (int l = 0; l < results.size(); l++) {
      LegResult result = results.get(l);
      int rank = sum.rank(l);
      double contribution = sum.contribution(l);
      contributions.put(result.leg(), contribution);
      if (rank > 0) {
        float score = result.hits().get(rank - 1).score;
        legs.put(
            result.leg(), new LegScore(rank, score, contribution * (result.weight() / divisor)));
      }
    }
    return new Entry(sum.key(), sum.score(), legs, contributions);
  }

  /** The documents, best first, step by step; ties in the order of their numbers. */
  List<Entry> entries() {
    return entries;
  }

  /** How an entry's score came about. */
  Explanation explain(Entry entry) {
    if (entry.legs().isEmpty()) {
      return Explanation.match(entry.score(), "listed by its fields, not searched by words");
    }
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
