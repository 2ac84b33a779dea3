package io.luciole.bench;

import io.luciole.lucene.Fusion;
import io.luciole.lucene.Leg;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** The rules that {@link FusionStudy} compares, each with the constants that it is tried with. */
final class FusionRules {
  /** Scores the documents of a query. */
  interface Rule {
    double[] score(StudyQuery query);
  }

  /**
   * Rules that differ by their constants only.
   *
   * @param name the name
   * @param rules each rule, by its constants
   * @param usual the constants that the table shows; null to show only those that are chosen
   */
  record Family(String name, Map<String, Rule> rules, @Nullable String usual) {}

  private static final double[] ALPHAS = {0.5, 0.6, 0.7, 0.8, 0.9, 0.95};
  private static final double[] EXPONENTS = {0.25, 0.35, 0.45, 0.6, 1};
  private static final double[] WEIGHTS = {0.25, 0.5, 1, 2};

  private FusionRules() {}

  static List<Family> all() {
    List<Family> families = new ArrayList<>();
    for (String name : List.of("rrf:60", "minmax", "zscore", "dbsf", "soft", "auto")) {
      families.add(new Family(name, Map.of("", of(Fusion.parse(name))), ""));
    }
    families.add(new Family("zscore, zeros", Map.of("", FusionRules::standardScores), ""));
    families.add(family("convex, bounds", ALPHAS, 0.8, a -> query -> convex(query, a, false)));
    families.add(family("convex, computed", ALPHAS, 0.9, a -> query -> convex(query, a, true)));
    families.add(new Family("log-odds, sampled", Map.of("", FusionRules::calibrated), ""));
    families.add(new Family("log-odds, by list", Map.of("", FusionRules::logOdds), ""));
    families.add(family("Σ exp(a·z)", EXPONENTS, 0.45, a -> query -> soft(query, a, 1)));
    families.add(byDensity());
    families.add(signal("by words of the query", q -> q.text().split("\\s+").length, 2, 5, 8, 12));
    families.add(signal("by overlap of the lists", FusionRules::overlap, 1, 2, 3, 5));
    families.add(signal("by the words' best in dense", FusionRules::agreement, 0, 1.5, 3, 4.5));
    families.add(signal("by who stands out", FusionRules::lead, -3, -1.5, 0, 1.5));
    families.add(signal("by tokens a letter", StudyQuery::density, 0.28, 0.35, 0.45, 0.6));
    return families;
  }

  private interface WithConstant {
    Rule rule(double constant);
  }

  private static Family family(String name, double[] constants, double usual, WithConstant maker) {
    Map<String, Rule> rules = new HashMap<>();
    for (double constant : constants) {
      rules.put(String.valueOf(constant), maker.rule(constant));
    }
    return new Family(name, rules, String.valueOf(usual));
  }

  /** Weights of the dense leg between two, by the tokens a letter; {@link Fusion#auto} is one. */
  private static Family byDensity() {
    Map<String, Rule> rules = new HashMap<>();
    for (double exponent : EXPONENTS) {
      for (double known : new double[] {1, 2, 4}) {
        for (double foreign : new double[] {1, 0.5, 0.25, 0.1}) {
          rules.put(
              exponent + " " + known + " " + foreign,
              query -> {
                double familiar = query.traits().familiarity().orElse(0.5);
                return soft(query, exponent, foreign * Math.pow(known / foreign, familiar));
              });
        }
      }
    }
    return new Family("Σ w·exp(a·z), w by tokens a letter", rules, "0.45 2.0 0.25");
  }

  /** The dense leg has one weight where a signal is below a threshold, and another where not. */
  private static Family signal(
      String name, ToDoubleFunction<StudyQuery> signal, double... thresholds) {
    Map<String, Rule> rules = new HashMap<>();
    for (double threshold : thresholds) {
      for (double below : WEIGHTS) {
        for (double above : WEIGHTS) {
          rules.put(
              threshold + " " + below + " " + above,
              query -> soft(query, 0.45, signal.applyAsDouble(query) < threshold ? below : above));
        }
      }
    }
    return new Family("soft, dense " + name, rules, null);
  }

  /** A fusion of the library. */
  private static Rule of(Fusion fusion) {
    return query ->
        sum(
            query,
            (leg, side) -> {
              double[] contributions = fusion.contributions(side.list(), side.restIsZero());
              Map<Float, Double> byScore = new HashMap<>();
              for (int i = contributions.length - 1; i >= 0; i--) {
                byScore.put(side.list()[i], contributions[i]);
              }
              double factor = fusion.factor(leg, query.traits());
              double absent = fusion.absent(side.list());
              return Arrays.stream(side.scores())
                  .map(score ->
                      factor
                          * (Double.isNaN(score)
                              ? absent
                              : byScore.getOrDefault((float) score, absent)))
                  .toArray();
            });
  }

  private interface Part {
    double[] of(Leg leg, StudyQuery.Side side);
  }

  /** The sum over the legs that found something. */
  private static double[] sum(StudyQuery query, Part part) {
    double[] sum = new double[query.documents().size()];
    query
        .legs()
        .forEach((leg, side) -> {
          if (side.list().length > 0) {
            double[] of = part.of(leg, side);
            for (int d = 0; d < sum.length; d++) {
              sum[d] += of[d];
            }
          }
        });
    return sum;
  }

  /** The sum of the standard scores; absent documents count as the last. */
  private static double[] standardScores(StudyQuery query) {
    return sum(
        query,
        (leg, side) -> {
          double[] standard = side.standard();
          double last = Arrays.stream(standard).filter(z -> !Double.isNaN(z)).min().orElse(0);
          return Arrays.stream(standard).map(z -> Double.isNaN(z) ? last : z).toArray();
        });
  }

  private static double[] soft(StudyQuery query, double exponent, double denseWeight) {
    return sum(
        query,
        (leg, side) -> {
          double weight = leg == Leg.DENSE ? denseWeight : 1;
          return Arrays.stream(side.standard())
              .map(z -> Double.isNaN(z) ? 0 : weight * Math.exp(exponent * z))
              .toArray();
        });
  }

  /**
   * A convex combination of scores scaled between their theoretical minimum, -1 and 0, and the best
   * of the list (Bruch, Gai and Ingber 2022). Absent documents have the minimum, or what the whole
   * run says of them.
   */
  private static double[] convex(StudyQuery query, double alpha, boolean computed) {
    return sum(
        query,
        (leg, side) -> {
          double least = leg == Leg.DENSE ? -1 : 0;
          double range = side.list()[0] - least;
          double weight = leg == Leg.DENSE ? alpha : (1 - alpha) / (query.legs().size() - 1);
          double absent = computed && leg == Leg.DENSE ? side.deepest() : least;
          return Arrays.stream(computed ? side.deep() : side.scores())
              .map(score -> weight * ((Double.isNaN(score) ? absent : score) - least) / range)
              .toArray();
        });
  }

  /**
   * The sum of log-odds, as Lucene's LogOddsFusionQuery pools them without base rates. Those of the
   * words are from BayesianScoreEstimator, which samples the index; a cosine c is the probability
   * (1 + c) / 2. Absent documents are neutral.
   */
  private static double[] calibrated(StudyQuery query) {
    return sum(
        query,
        (leg, side) ->
            Arrays.stream(side.scores())
                .map(score -> {
                  if (Double.isNaN(score)) {
                    return 0;
                  }
                  return leg == Leg.DENSE
                      ? Math.log((1 + score) / (1 - score))
                      : query.calibration().alpha() * (score - query.calibration().beta());
                })
                .toArray());
  }

  /**
   * The same with log-odds that are calibrated by the list itself: the distance to its median in
   * standard deviations.
   */
  private static double[] logOdds(StudyQuery query) {
    return sum(
        query,
        (leg, side) -> {
          float[] list = side.list();
          double mean =
              IntStream.range(0, list.length).mapToDouble(i -> list[i]).average().orElse(0);
          double deviation =
              Math.sqrt(
                  IntStream.range(0, list.length)
                      .mapToDouble(i -> (list[i] - mean) * (list[i] - mean))
                      .average()
                      .orElse(0));
          double median = list[list.length / 2];
          return Arrays.stream(side.scores())
              .map(
                  score -> Double.isNaN(score) || deviation == 0 ? 0 : (score - median) / deviation)
              .toArray();
        });
  }

  private static StudyQuery.Side side(StudyQuery query, Leg leg) {
    StudyQuery.Side side = query.legs().get(leg);
    if (side == null) {
      throw new IllegalArgumentException("expected a run of " + leg.id());
    }
    return side;
  }

  /** How many documents are among the first ten of both. */
  private static double overlap(StudyQuery query) {
    double[] dense = side(query, Leg.DENSE).scores();
    double[] words = side(query, Leg.BM25).scores();
    return IntStream.range(0, dense.length)
        .filter(d -> isAmongFirst(side(query, Leg.DENSE), dense[d]))
        .filter(d -> isAmongFirst(side(query, Leg.BM25), words[d]))
        .count();
  }

  private static boolean isAmongFirst(StudyQuery.Side side, double score) {
    return side.list().length > 0 && score >= side.list()[Math.min(9, side.list().length - 1)];
  }

  /** The dense leg's standard score of the words' best document; that of the last if absent. */
  private static double agreement(StudyQuery query) {
    double[] standard = side(query, Leg.DENSE).standard();
    double[] words = side(query, Leg.BM25).scores();
    double last = Arrays.stream(standard).filter(z -> !Double.isNaN(z)).min().orElse(0);
    int best =
        IntStream.range(0, words.length)
            .filter(d -> !Double.isNaN(words[d]))
            .reduce((a, b) -> words[a] >= words[b] ? a : b)
            .orElse(-1);
    return best < 0 || Double.isNaN(standard[best]) ? last : standard[best];
  }

  /** By how much the dense leg's best stands out more than the words'. */
  private static double lead(StudyQuery query) {
    return best(side(query, Leg.DENSE)) - best(side(query, Leg.BM25));
  }

  private static double best(StudyQuery.Side side) {
    return Arrays.stream(side.standard()).filter(z -> !Double.isNaN(z)).max().orElse(0);
  }
}
