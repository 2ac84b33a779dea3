package io.luciole.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.Scores;
import io.luciole.Scores.Weights;
import io.luciole.internal.EnumNames;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;
import org.jspecify.annotations.Nullable;

/**
 * Figures that a model's authors publish, for a model to be held against.
 *
 * @param model the model's name on the hub
 * @param source who says so
 * @param tolerance how far figures may be off that are computed in fp32
 * @param weights the weights of the combined scores
 * @param queries texts that are embedded as queries
 * @param passages texts that are embedded as passages
 * @param scores by {@code dense}, {@code sparse}, {@code colbert}, {@code sparse+dense} and {@code
 *     colbert+sparse+dense}: a row a query, a column a passage. Those that the model does not give
 *     are left out of the comparison
 * @param tokens for each query the weights of its tokens, by their strings; may be empty
 */
record PublishedFigures(
    @JsonProperty(required = true) String model,
    @JsonProperty(required = true) String source,
    @JsonProperty(required = true) double tolerance,
    @JsonProperty(required = true) Weights weights,
    @JsonProperty(required = true) List<String> queries,
    @JsonProperty(required = true) List<String> passages,
    @JsonProperty(required = true) Map<String, List<List<Double>>> scores,
    @Nullable List<Map<String, Double>> tokens) {
  PublishedFigures {
    Figures.require(
        model != null && source != null && weights != null && scores != null,
        "null as model, source, weights or scores");
    Figures.requireTolerance(tolerance);
    Figures.requireAll(queries, "queries");
    Figures.requireAll(passages, "passages");
    Figures.require(!scores.isEmpty(), "no scores, of which there must be one at least");
    for (Map.Entry<String, List<List<Double>>> table : scores.entrySet()) {
      requireTable(table.getKey(), table.getValue(), queries.size(), passages.size());
    }
    requireTokens(tokens, queries.size());
  }

  private static void requireTable(
      String name, @Nullable List<List<Double>> rows, int queries, int passages) {
    boolean known =
        Arrays.stream(name.split("\\+", -1))
            .allMatch(part -> EnumNames.find(Output.values(), Output::id, part).isPresent());
    Figures.require(
        known,
        "the score \"" + name + "\", where dense, sparse, colbert or several joined by + are");
    Figures.require(
        rows != null
            && rows.size() == queries
            && rows.stream()
                .allMatch(row ->
                    row != null
                        && row.size() == passages
                        && row.stream().allMatch(PublishedFigures::isNumber)),
        "scores of "
            + name
            + " that are not a row for each of "
            + queries
            + " queries with a number for each of "
            + passages
            + " passages");
  }

  private static void requireTokens(@Nullable List<Map<String, Double>> tokens, int queries) {
    Figures.require(
        tokens == null
            || (tokens.size() == queries
                && tokens.stream()
                    .allMatch(of ->
                        of != null && of.values().stream().allMatch(PublishedFigures::isNumber))),
        "tokens that are not an object of tokens and weights for each of " + queries + " queries");
  }

  private static boolean isNumber(@Nullable Double value) {
    return value != null && Double.isFinite(value);
  }

  /**
   * Compares a model with the figures.
   *
   * @param slack what its arithmetic adds to the tolerance
   */
  List<Check> compare(EmbeddingEngine engine, double slack) {
    Set<Output> outputs = EnumSet.copyOf(engine.outputs());
    List<Embedding> q = engine.embedAll(queries, EmbedOptions.query().outputs(outputs));
    List<Embedding> p = engine.embedAll(passages, EmbedOptions.passage().outputs(outputs));
    List<Check> checks = new ArrayList<>();
    scores.forEach((name, table) -> {
      if (!outputs.containsAll(outputs(name))) {
        return;
      }
      ToDoubleBiFunction<Embedding, Embedding> score = score(name);
      for (int i = 0; i < table.size(); i++) {
        for (int j = 0; j < table.get(i).size(); j++) {
          checks.add(
              new Check(
                  name + ", query " + (i + 1) + " and passage " + (j + 1),
                  score.applyAsDouble(q.get(i), p.get(j)),
                  table.get(i).get(j),
                  tolerance + slack));
        }
      }
    });
    if (checks.isEmpty()) {
      throw new CliException(
          "Expected figures of "
              + outputs
              + ", which the model gives, found those of "
              + scores.keySet()
              + " for "
              + model
              + ": nothing was compared.");
    }
    if (tokens != null && outputs.contains(Output.SPARSE)) {
      for (int i = 0; i < tokens.size(); i++) {
        checks.addAll(weights(engine, queries.get(i), q.get(i), tokens.get(i), slack));
      }
    }
    return checks;
  }

  private List<Check> weights(
      EmbeddingEngine engine,
      String query,
      Embedding embedding,
      Map<String, Double> expected,
      double slack) {
    List<Check> checks = new ArrayList<>();
    int[] ids = engine.tokenize(query, Role.QUERY).ids();
    expected.forEach((token, weight) -> {
      double found = Double.NaN;
      for (int id : ids) {
        if (engine.decodeToken(id).strip().equals(token)) {
          found = embedding.sparse().weightOf(id);
        }
      }
      checks.add(
          new Check(
              "weight of \"" + token + "\" in \"" + query + '"', found, weight, tolerance + slack));
    });
    return checks;
  }

  private static Set<Output> outputs(String name) {
    Set<Output> needed = EnumSet.noneOf(Output.class);
    for (String part : name.split("\\+", -1)) {
      needed.add(Choice.of(Output.values(), Output::id, part));
    }
    return needed;
  }

  private ToDoubleBiFunction<Embedding, Embedding> score(String name) {
    Set<Output> used = outputs(name);
    boolean alone = used.size() == 1;
    Weights of =
        new Weights(
            used.contains(Output.DENSE) ? alone ? 1 : weights.dense() : 0,
            used.contains(Output.SPARSE) ? alone ? 1 : weights.sparse() : 0,
            used.contains(Output.COLBERT) ? alone ? 1 : weights.colbert() : 0);
    return (query, passage) -> Scores.weighted(query, passage, of);
  }
}
