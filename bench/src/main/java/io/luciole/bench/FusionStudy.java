package io.luciole.bench;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.cache.DiskCache;
import io.luciole.lucene.Leg;
import io.luciole.lucene.QueryTraits;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.eval.Significance;
import io.luciole.model.Familiarity;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * Ways to fuse two legs, or three, on several collections: nDCG@10 of each rule of {@link
 * FusionRules} on lists of 100, the distance to the better leg, and what each rule gives if its
 * constants are chosen on the other collections.
 *
 * <pre>FusionStudy WORK-FOLDER MODEL [analyzer=NAME] [third=NAME] COLLECTION… [+ COLLECTION…]</pre>
 *
 * <p>A collection is a folder in BEIR's layout. With {@code third}, words by that analyser stand in
 * for sparse weights. Constants are chosen on the collections before the {@code +}, leaving each
 * out in turn; those behind it are only looked at. The work folder keeps indexes, embeddings and
 * the legs' runs, so that a second run takes seconds.
 */
public final class FusionStudy {
  private static final int ROUNDS = 20_000;
  private static final long SEED = 1;

  private final List<String> names = new ArrayList<>();
  private final List<List<StudyQuery>> collections = new ArrayList<>();
  private final int seen;

  private FusionStudy(List<LegRuns> runs, int seen, Familiarity familiarity) {
    for (LegRuns of : runs) {
      names.add(of.collection());
      collections.add(queries(of, familiarity));
    }
    this.seen = seen;
  }

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    Path work = Path.of(args[0]);
    List<LegRuns> runs = new ArrayList<>();
    String analyzer = "multilingual";
    String third = "";
    int seen = -1;
    Familiarity familiarity;
    try (DiskCache cache = DiskCache.open(work.resolve("embeddings.mv"));
        EmbeddingEngine engine = EmbeddingEngine.builder().model(args[1]).cache(cache).open()) {
      familiarity = engine.description().familiarity();
      for (String arg : Arrays.asList(args).subList(2, args.length)) {
        if (arg.startsWith("analyzer=")) {
          analyzer = arg.substring("analyzer=".length());
        } else if (arg.startsWith("third=")) {
          third = arg.substring("third=".length());
        } else if (arg.equals("+")) {
          seen = runs.size();
        } else {
          runs.add(LegRuns.of(work, Path.of(arg), analyzer, third, engine));
        }
      }
    }
    // A model that does not tell: no query is known better than another.
    Familiarity tells = familiarity == null ? new Familiarity(1, 2) : familiarity;
    new FusionStudy(runs, seen < 0 ? runs.size() : seen, tells).print();
  }

  private static List<StudyQuery> queries(LegRuns runs, Familiarity familiarity) {
    List<StudyQuery> queries = new ArrayList<>();
    runs.texts()
        .forEach((id, text) -> {
          int letters = (int) text.codePoints().filter(c -> !Character.isWhitespace(c)).count();
          int tokens = runs.tokens().getOrDefault(id, 0);
          Map<Leg, List<ScoredId>> lists = new EnumMap<>(Leg.class);
          runs.runs()
              .forEach((leg, run) -> lists.put(leg, run.rankings().getOrDefault(id, List.of())));
          queries.add(
              StudyQuery.of(
                  text,
                  (double) tokens / Math.max(1, letters),
                  new QueryTraits(
                      lists.keySet(),
                      letters == 0
                          ? OptionalDouble.empty()
                          : OptionalDouble.of(familiarity.of(tokens, letters))),
                  lists,
                  runs.calibration(),
                  runs.qrels().grades(id)));
        });
    return queries;
  }

  private void print() {
    System.out.printf("rule\t%s\tmean\tworst\tabove%n", String.join("\t", names));
    Map<Leg, double[]> legs = new EnumMap<>(Leg.class);
    collections.get(0).get(0).legs().keySet().forEach(leg -> legs.put(leg, means(leg(leg))));
    double[] better = new double[names.size()];
    legs.values().forEach(of -> Arrays.setAll(better, c -> Math.max(better[c], of[c])));
    legs.forEach((leg, of) -> row(leg.id(), of, better));
    for (FusionRules.Family family : FusionRules.all()) {
      Map<String, double[]> figures = new TreeMap<>();
      family.rules().forEach((constants, rule) -> figures.put(constants, means(rule)));
      String usual = family.usual();
      if (usual != null) {
        double[] shown = requireNonNull(figures.get(usual), usual);
        row((family.name() + " " + usual).strip(), shown, better);
      }
      if (figures.size() > 1) {
        leaveOneOut(family.name(), figures, better, seen);
        if (seen < names.size()) {
          leaveOneOut(family.name(), figures, better, names.size());
        }
      }
    }
    densities();
    significance(legs, better);
  }

  private static FusionRules.Rule leg(Leg leg) {
    return query -> {
      StudyQuery.Side side = query.legs().get(leg);
      return side == null
          ? new double[query.documents().size()]
          : Arrays.stream(side.scores()).map(s -> Double.isNaN(s) ? -1e9 : s).toArray();
    };
  }

  private double[] means(FusionRules.Rule rule) {
    return collections.stream()
        .mapToDouble(queries -> Arrays.stream(figures(queries, rule)).average().orElse(0))
        .toArray();
  }

  private static double[] figures(List<StudyQuery> queries, FusionRules.Rule rule) {
    return queries.parallelStream().mapToDouble(query -> query.ndcg(rule.score(query))).toArray();
  }

  /**
   * A row of the table: the figures, their mean, the smallest distance to the better leg and the
   * number of collections in which it is above both, each for the collections before and behind the
   * plus sign.
   */
  private void row(String name, double[] figures, double[] better) {
    StringBuilder line = new StringBuilder(name);
    for (double figure : figures) {
      line.append(String.format(Locale.ROOT, "\t%.4f", figure));
    }
    summary(line, figures, better, 0, seen);
    summary(line, figures, better, seen, figures.length);
    System.out.println(line);
  }

  private static void summary(
      StringBuilder line, double[] figures, double[] better, int from, int to) {
    double sum = 0;
    double worst = Double.POSITIVE_INFINITY;
    int above = 0;
    for (int c = from; c < to; c++) {
      sum += figures[c];
      worst = Math.min(worst, figures[c] - better[c]);
      above += figures[c] > better[c] ? 1 : 0;
    }
    if (to > from) {
      line.append(
          String.format(
              Locale.ROOT, "\t%.4f\t%+.4f\t%d/%d", sum / (to - from), worst, above, to - from));
    }
  }

  /** The figures with the constants that are best in the mean of the other first so many. */
  private void leaveOneOut(String name, Map<String, double[]> figures, double[] better, int first) {
    double[] heldOut = new double[better.length];
    for (int left = 0; left < better.length; left++) {
      double largest = Double.NEGATIVE_INFINITY;
      for (Map.Entry<String, double[]> each : figures.entrySet()) {
        double sum = 0;
        for (int c = 0; c < first; c++) {
          sum += c == left ? 0 : each.getValue()[c];
        }
        if (sum > largest) {
          largest = sum;
          heldOut[left] = each.getValue()[left];
        }
      }
    }
    row(name + ", chosen on the others of " + first, heldOut, better);
  }

  /** The tokens a letter of the queries: the tenth, the median and the ninetieth of a hundred. */
  private void densities() {
    for (int c = 0; c < names.size(); c++) {
      double[] sorted =
          collections.get(c).stream().mapToDouble(StudyQuery::density).sorted().toArray();
      System.out.printf(
          Locale.ROOT,
          "tokens a letter\t%s\t%.2f\t%.2f\t%.2f%n",
          names.get(c),
          sorted[sorted.length / 10],
          sorted[sorted.length / 2],
          sorted[sorted.length * 9 / 10]);
    }
  }

  /** The default against the better leg, the former default and plain soft maximum. */
  private void significance(Map<Leg, double[]> legs, double[] better) {
    Map<String, FusionRules.Rule> rules = new TreeMap<>();
    for (FusionRules.Family family : FusionRules.all()) {
      if (family.rules().size() == 1) {
        family.rules().values().forEach(rule -> rules.put(family.name(), rule));
      }
    }
    for (int c = 0; c < names.size(); c++) {
      double[] usual = figures(collections.get(c), rule(rules, "auto"));
      int at = c;
      FusionRules.Rule best =
          legs.entrySet().stream()
              .filter(leg -> leg.getValue()[at] == better[at])
              .map(leg -> leg(leg.getKey()))
              .findFirst()
              .orElseThrow();
      compare(names.get(c), "the better leg", usual, figures(collections.get(c), best));
      for (String other : List.of("dbsf", "soft")) {
        compare(names.get(c), other, usual, figures(collections.get(c), rule(rules, other)));
      }
    }
  }

  private static FusionRules.Rule rule(Map<String, FusionRules.Rule> rules, String name) {
    return requireNonNull(rules.get(name), name);
  }

  private static void compare(String collection, String other, double[] usual, double[] with) {
    double[] differences = new double[usual.length];
    for (int q = 0; q < usual.length; q++) {
      differences[q] = usual[q] - with[q];
    }
    System.out.printf(
        Locale.ROOT,
        "auto against %s\t%s\t%+.4f\tp = %.4f%n",
        other,
        collection,
        Arrays.stream(differences).average().orElse(0),
        Significance.pValue(differences, ROUNDS, SEED));
  }
}
