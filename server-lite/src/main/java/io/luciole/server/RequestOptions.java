package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataFilterException;
import io.luciole.lucene.MetadataFilters;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;

/** Reads the options that several families of APIs share: model, role, outputs, weights. */
final class RequestOptions {
  private RequestOptions() {}

  /**
   * The options of the role that a field of the body names, or else the URL's {@code role}, or else
   * a passage's. Clients call roles {@code query}, {@code passage} or {@code document}, by Cohere's
   * names {@code search_query} and {@code search_document}, or by Jina's {@code retrieval.query}
   * and {@code retrieval.passage}; tasks that are no search are a passage's.
   */
  static EmbedOptions role(Exchange x, JsonNode body, String field) {
    String inBody = JsonBodies.stringOr(body, field);
    String where = inBody == null ? "role" : field;
    String name = inBody == null ? x.query("role") : inBody;
    return name == null ? EmbedOptions.passage() : role(name, where);
  }

  private static EmbedOptions role(String name, String where) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "query", "search_query", "retrieval.query" -> EmbedOptions.query();
      case "passage",
          "document",
          "search_document",
          "retrieval.passage",
          "classification",
          "clustering",
          "separation",
          "text-matching" ->
          EmbedOptions.passage();
      default ->
          throw Problem.invalid(
              where, "Expected query or passage as \"" + where + "\", found \"" + name + '"');
    };
  }

  /** A filter by metadata, as {@link MetadataFilters#parse(String)} documents it. */
  static Query filter(JsonNode filter, HybridSchema schema) {
    if (!(filter instanceof ObjectNode object)) {
      throw JsonBodies.wrong("filter", "an object such as {\"lang\": \"en\"}", filter);
    }
    try {
      return MetadataFilters.of(schema).parse(JsonBodies.plain(object), "filter");
    } catch (MetadataFilterException e) {
      throw Problem.invalid(e.where(), e.problem());
    }
  }

  /** Reads names of outputs; refuses those that the model does not give. */
  static Set<Output> outputs(EmbeddingEngine engine, JsonNode names, String where) {
    if (names.isMissingNode() || names.isNull()) {
      return engine.outputs();
    }
    EnumSet<Output> outputs = EnumSet.noneOf(Output.class);
    for (String name : JsonBodies.strings(names, where)) {
      outputs.add(JsonBodies.choice(name, where, Arrays.asList(Output.values())));
    }
    if (outputs.isEmpty()) {
      throw JsonBodies.wrong(where, "at least one output", names);
    }
    requireOutputs(engine, outputs, where);
    return outputs;
  }

  static void requireOutputs(EmbeddingEngine engine, Set<Output> outputs, @Nullable String where) {
    Set<Output> missing = new TreeSet<>(outputs);
    missing.removeAll(engine.backend().outputs());
    if (!missing.isEmpty()) {
      throw new Problem(
          400,
          "wrong_model",
          "The model "
              + engine.modelName()
              + " gives "
              + ids(engine.backend().outputs())
              + ", not "
              + ids(missing)
              + ". BAAI/bge-m3 gives all three.",
          where,
          0);
    }
  }

  static String ids(Set<Output> outputs) {
    return outputs.stream().sorted().map(Output::id).collect(Collectors.joining(", "));
  }

  /**
   * The weight of each kind of score: as requested, or else the weights of the BGE-M3 paper (dense
   * 1, sparse 0.3, colbert 1) for the outputs that the model gives.
   */
  static Scores.Weights weights(EmbeddingEngine engine, JsonNode weights) {
    Set<Output> has = engine.backend().outputs();
    if (weights.isMissingNode() || weights.isNull()) {
      return new Scores.Weights(
          has.contains(Output.DENSE) ? 1 : 0,
          has.contains(Output.SPARSE) ? 0.3 : 0,
          has.contains(Output.COLBERT) ? 1 : 0);
    }
    if (!weights.isObject()) {
      throw JsonBodies.wrong(
          "weights", "an object such as {\"dense\": 1, \"sparse\": 0.3}", weights);
    }
    EnumMap<Output, Double> values = new EnumMap<>(Output.class);
    weights
        .properties()
        .forEach(entry -> {
          Output output =
              JsonBodies.choice(entry.getKey(), "weights", Arrays.asList(Output.values()));
          double weight = JsonBodies.weight(entry.getValue(), "weights." + entry.getKey());
          if (weight > 0) {
            values.put(output, weight);
          }
        });
    requireOutputs(engine, values.keySet(), "weights");
    if (values.isEmpty()) {
      throw JsonBodies.wrong("weights", "at least one weight above 0", weights);
    }
    return new Scores.Weights(
        values.getOrDefault(Output.DENSE, 0.0),
        values.getOrDefault(Output.SPARSE, 0.0),
        values.getOrDefault(Output.COLBERT, 0.0));
  }
}
