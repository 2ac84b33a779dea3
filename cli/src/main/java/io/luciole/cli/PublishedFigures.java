package io.luciole.cli;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.Scores;
import io.luciole.Scores.Weights;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  /** The resources, by their models' names. */
  private static final Map<String, String> KNOWN = Map.of("BAAI/bge-m3", "figures/bge-m3.json");

  /** The figures that come with Luciole for a model of the hub, if there are some. */
  static Optional<PublishedFigures> of(String model) {
    String resource = KNOWN.get(model);
    if (resource == null) {
      return Optional.empty();
    }
    try (InputStream in = PublishedFigures.class.getResourceAsStream(resource)) {
      return Optional.of(JSON.readValue(in, PublishedFigures.class));
    } catch (IOException e) {
      throw new UncheckedIOException(resource, e);
    }
  }

  /**
   * Reads figures of the user's.
   *
   * @throws CliException if the file cannot be read, or has another form
   */
  static PublishedFigures read(Path file) {
    try {
      return JSON.readValue(Files.readAllBytes(file), PublishedFigures.class);
    } catch (JsonProcessingException e) {
      throw new CliException(
          "Expected figures in the form of docs/verify.md in "
              + file
              + ", found: "
              + e.getOriginalMessage(),
          e);
    } catch (IOException e) {
      throw new CliException("Cannot read " + file + ": " + Failures.message(e), e);
    }
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
      if (table.size() != queries.size()
          || table.stream().anyMatch(row -> row.size() != passages.size())) {
        throw new CliException(
            "Expected a row of "
                + name
                + " for each query of "
                + model
                + ", with a number for each passage");
      }
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
