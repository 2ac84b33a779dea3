package io.luciole.cli;

import io.luciole.lucene.Fusion;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.Leg;
import io.luciole.lucene.PassageScorer;
import io.luciole.lucene.WordBoosts;
import java.time.Duration;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;

/** The flags for legs, their weights, fusion and reranking of a search. */
final class FusionOptions {
  /** How many hits a reranker scores. */
  private static final int USUAL_DEPTH = 50;

  @Option(
      names = "--fusion",
      paramLabel = "NAME",
      converter = FusionConverter.class,
      completionCandidates = FusionNames.class,
      description =
          "How the legs become one list: ${COMPLETION-CANDIDATES}, or rrf:K with a whole number K;"
              + " auto by default.")
  private @Nullable Fusion fusion;

  @Option(
      names = "--weight",
      paramLabel = "LEG=W",
      converter = {LegConverter.class, WeightConverter.class},
      description =
          "What a leg counts in the fusion, 1 by default; with 0 it is not searched. May be"
              + " repeated.")
  private Map<Leg, Double> weights = new LinkedHashMap<>();

  @Option(
      names = "--depth",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description =
          "How many documents each leg finds. By default 100 decide the first hits, and 1000 or"
              + " 10000 are found for pages behind them.")
  private @Nullable Integer depth;

  @Option(
      names = "--title-boost",
      paramLabel = "W",
      converter = WeightConverter.class,
      description = {
        "What a word of the title counts, on top of what it counts as one of the text; 0 by"
            + " default."
      })
  private double titleBoost;

  @Option(
      names = "--text-boost",
      paramLabel = "W",
      converter = WeightConverter.class,
      description = "What a word of title or text counts; 1 by default, 0 for titles alone.")
  private double textBoost = 1;

  @Option(
      names = "--rerank",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description =
          "Rerank the best N by their token vectors, if the index keeps such, or by --rerank-model,"
              + " and then 50 by default.")
  private @Nullable Integer rerank;

  @Option(
      names = "--timeout",
      paramLabel = "MS",
      converter = Choice.Positive.class,
      description = "Answer with what was found after so many milliseconds.")
  private @Nullable Integer timeout;

  /**
   * The query with the flags applied.
   *
   * @param reranker scores hits together with the query; null where vectors do
   */
  HybridQuery apply(HybridQuery query, @Nullable PassageScorer reranker) {
    HybridQuery changed = query.wordBoosts(new WordBoosts(textBoost, titleBoost));
    if (depth != null) {
      changed = changed.depth(depth);
    }
    if (fusion != null) {
      changed = changed.fusion(fusion);
    }
    for (Map.Entry<Leg, Double> weight : weights.entrySet()) {
      changed = changed.weight(weight.getKey(), weight.getValue());
    }
    if (reranker != null) {
      changed = changed.rerank(reranker, rerank == null ? USUAL_DEPTH : rerank);
    } else if (rerank != null) {
      changed = changed.rerank(rerank);
    }
    return timeout == null ? changed : changed.timeout(Duration.ofMillis(timeout));
  }

  /** Reads a fusion. */
  static final class FusionConverter implements ITypeConverter<Fusion> {
    @Override
    public Fusion convert(String value) {
      return Choice.checked(() -> Fusion.parse(value));
    }
  }

  /** The names of the fusions that have no number. */
  static final class FusionNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return Fusion.names().stream().filter(name -> name.indexOf(':') < 0).iterator();
    }
  }

  /** Reads a leg. */
  static final class LegConverter implements ITypeConverter<Leg> {
    @Override
    public Leg convert(String value) {
      return Choice.of(Leg.values(), Leg::id, value);
    }
  }

  /** Reads a weight. */
  static final class WeightConverter implements ITypeConverter<Double> {
    @Override
    public Double convert(String value) {
      return Choice.checked(() -> new HybridQuery.LegOptions(1, number(value), null).weight());
    }

    private static double number(String value) {
      try {
        return Double.parseDouble(value);
      } catch (NumberFormatException e) {
        throw new IllegalArgumentException("expected a number, got \"" + value + '"', e);
      }
    }
  }
}
