package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.DenseQuantization;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.SparseForm;
import io.luciole.lucene.SparseWeights;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What an index keeps, as requests, settings and answers say it:
 *
 * <pre>
 * {"analyzer": "en", "bm25": {"k1": 1.2, "b": 0.75}, "passages": {"tokens": 256, "overlap": 32},
 *  "quantization": "8bit", "sparse_form": "impacts", "sparse_weights": "10bit", "colbert": "int8",
 *  "metadata": {"year": "long"}}
 * </pre>
 *
 * What a request leaves out is as an index that is there has it, as the settings say, or else the
 * usual. {@code "passages": null} and {@code "colbert": null} ask for none.
 */
final class IndexSpec {
  private static final String[] MEMBERS = {
    "model",
    "analyzer",
    "bm25",
    "passages",
    "quantization",
    "sparse_form",
    "sparse_weights",
    "colbert",
    "metadata"
  };

  /** What documents have that is no metadata. */
  private static final Set<String> DOCUMENT = Set.of("id", "_id", "title", "text");

  private IndexSpec() {}

  /** The schema that the settings ask for; empty if they leave it to the model. */
  static Optional<HybridSchema> ofSettings(IndexSettings.Fields fields, EmbeddingEngine engine) {
    boolean usual =
        fields.sparseForm().isEmpty()
            && fields.sparseWeights().isEmpty()
            && fields.metadata().isEmpty()
            && fields.analyzer().isEmpty()
            && fields.passageTokens().isEmpty()
            && fields.quantization().isEmpty()
            && fields.colbert().isEmpty();
    if (usual) {
      return Optional.empty();
    }
    try {
      return Optional.of(schema(JsonBodies.object(), fields, engine));
    } catch (Problem e) {
      throw new ConfigException(
          "The settings of new indexes, \"" + e.param() + "\" of luciole.server.*: " + e.text(), e);
    }
  }

  /**
   * The schema that a request asks for.
   *
   * @throws Problem if something in it is wrong, or the model does not give it
   */
  static HybridSchema schema(ObjectNode body, IndexSettings.Fields fields, EmbeddingEngine engine) {
    JsonBodies.requireKnown(body, MEMBERS);
    SchemaBuilder schema = HybridSchema.builder(engine);
    set(body, "analyzer", fields.analyzer(), Function.identity(), schema::analyzer);
    set(
        body,
        "quantization",
        fields.quantization(),
        DenseQuantization::parse,
        quantization -> schema.quantization(quantization).build());
    set(
        body,
        "sparse_form",
        fields.sparseForm(),
        SparseForm::parse,
        form -> {
          RequestOptions.requireOutputs(engine, Set.of(Output.SPARSE), "sparse_form");
          schema.sparseForm(form);
        });
    set(
        body,
        "sparse_weights",
        fields.sparseWeights(),
        SparseWeights::parse,
        weights -> {
          RequestOptions.requireOutputs(engine, Set.of(Output.SPARSE), "sparse_weights");
          schema.sparseWeights(weights).build();
        });
    set(
        body,
        "colbert",
        fields.colbert(),
        MultiVectorForm::parse,
        form -> {
          RequestOptions.requireOutputs(engine, Set.of(Output.COLBERT), "colbert");
          schema.multiVectors(form);
        });
    readPassages(body, fields, engine, schema);
    readWords(body, schema);
    readMetadata(body, fields, schema);
    return checked("colbert", schema::build);
  }

  /** Sets a part that a request says in a word, or else the settings. */
  private static <T> void set(
      ObjectNode body,
      String member,
      Optional<T> otherwise,
      Function<String, T> parse,
      Consumer<T> setting) {
    String asked = JsonBodies.stringOr(body, member);
    Optional<T> value =
        asked == null
            ? body.has(member) ? Optional.empty() : otherwise
            : Optional.of(checked(member, () -> parse.apply(asked)));
    value.ifPresent(v -> {
      boolean unused =
          checked(
              member,
              () -> {
                setting.accept(v);
                return true;
              });
    });
  }

  private static <T> T checked(String member, java.util.function.Supplier<T> reading) {
    try {
      return reading.get();
    } catch (IllegalArgumentException e) {
      throw Problem.invalid(member, JsonBodies.sentence(e));
    }
  }

  private static void readPassages(
      ObjectNode body, IndexSettings.Fields fields, EmbeddingEngine engine, SchemaBuilder schema) {
    JsonNode asked = body.path("passages");
    Optional<Integer> tokens = fields.passageTokens();
    Optional<Integer> overlap = fields.passageOverlap();
    if (asked instanceof ObjectNode object) {
      JsonBodies.requireKnown(object, "tokens", "overlap");
      tokens = Optional.of(JsonBodies.integer(object, "tokens", 0, 1, Integer.MAX_VALUE));
      overlap =
          object.hasNonNull("overlap")
              ? Optional.of(JsonBodies.integer(object, "overlap", 0, 0, Integer.MAX_VALUE))
              : Optional.empty();
    } else if (asked.isNull()) {
      tokens = Optional.empty();
    } else if (!asked.isMissingNode()) {
      throw JsonBodies.wrong("passages", "an object such as {\"tokens\": 256}", asked);
    }
    if (tokens.isPresent()) {
      int size = tokens.get();
      int shared = overlap.orElse(size / 8);
      Object unused =
          checked(
              "passages",
              () -> {
                schema.chunks(size, shared);
                return engine.chunker(size, shared);
              });
    }
  }

  private static void readWords(ObjectNode body, SchemaBuilder schema) {
    JsonNode asked = body.path("bm25");
    if (asked.isMissingNode()) {
      return;
    }
    if (!(asked instanceof ObjectNode object)) {
      throw JsonBodies.wrong("bm25", "an object such as {\"k1\": 1.2, \"b\": 0.75}", asked);
    }
    JsonBodies.requireKnown(object, "k1", "b");
    double k1 = object.has("k1") ? JsonBodies.weight(object.get("k1"), "bm25.k1") : 1.2;
    double b = object.has("b") ? JsonBodies.weight(object.get("b"), "bm25.b") : 0.75;
    schema.bm25((float) k1, (float) b);
  }

  private static void readMetadata(
      ObjectNode body, IndexSettings.Fields fields, SchemaBuilder schema) {
    JsonNode asked = body.path("metadata");
    if (asked.isMissingNode()) {
      fields.metadata().keySet().forEach(name -> requireMetadata(name, "metadata." + name));
      fields.metadata().forEach(schema::metadata);
      return;
    }
    if (!asked.isObject()) {
      throw JsonBodies.wrong("metadata", "an object such as {\"year\": \"long\"}", asked);
    }
    for (Map.Entry<String, JsonNode> field : asked.properties()) {
      String where = "metadata." + field.getKey();
      requireMetadata(field.getKey(), where);
      if (!field.getValue().isTextual()) {
        throw JsonBodies.wrong(where, "a type such as \"long\"", field.getValue());
      }
      SchemaBuilder unused =
          checked(
              where,
              () ->
                  schema.metadata(
                      field.getKey(), MetadataType.parse(field.getValue().textValue())));
    }
  }

  private static void requireMetadata(String name, String where) {
    if (DOCUMENT.contains(name)) {
      throw Problem.invalid(
          where,
          "Expected the name of metadata, found \""
              + name
              + "\", which every document has beside its metadata. Leave it out; filter and sort"
              + " by ids with \"$id\".");
    }
  }

  /**
   * A request for an index that is there: what it does not name stays as it is, as far as the model
   * gives that.
   *
   * @param has what the index keeps
   * @param engine the model that the index is to have
   */
  static ObjectNode completed(ObjectNode body, HybridSchema has, EmbeddingEngine engine) {
    ObjectNode whole = describe(has);
    if (!engine.backend().outputs().contains(Output.SPARSE)) {
      whole.remove("sparse_form");
      whole.remove("sparse_weights");
    }
    if (!engine.backend().outputs().contains(Output.DENSE)) {
      whole.remove("quantization");
    }
    for (Map.Entry<String, JsonNode> asked : body.properties()) {
      if (asked.getKey().equals("bm25") && asked.getValue() instanceof ObjectNode parts) {
        whole.withObject("/bm25").setAll(parts);
      } else {
        whole.set(asked.getKey(), asked.getValue());
      }
    }
    return whole;
  }

  /** Says what an index keeps, in the form of a request that would make another such. */
  static ObjectNode describe(HybridSchema schema) {
    ObjectNode spec = JsonBodies.object().put("analyzer", schema.words().analyzer());
    spec.putObject("bm25").put("k1", schema.words().k1()).put("b", schema.words().b());
    ObjectNode passages =
        schema
            .chunks()
            .map(c -> JsonBodies.object().put("tokens", c.tokens()).put("overlap", c.overlap()))
            .orElse(null);
    spec.set("passages", passages);
    schema.dense().ifPresent(d -> spec.put("quantization", d.quantization().id()));
    schema
        .sparse()
        .ifPresent(s -> {
          spec.put("sparse_form", s.form().id());
          s.weights().ifPresent(weights -> spec.put("sparse_weights", weights.id()));
        });
    spec.put("colbert", schema.multiVectors().map(m -> m.form().id()).orElse(null));
    ObjectNode metadata = spec.putObject("metadata");
    schema.metadata().forEach((name, type) -> metadata.put(name, type.id()));
    return spec;
  }

  /**
   * Says where an index differs from what a request asks for, in the members that it names.
   *
   * @return the differences as half sentences; empty if there are none
   */
  static List<String> differences(HybridSchema has, HybridSchema asked, ObjectNode body) {
    ObjectNode before = describe(has);
    ObjectNode after = describe(asked);
    List<String> differences = new ArrayList<>();
    for (String member : MEMBERS) {
      if (body.has(member) && !before.path(member).equals(after.path(member))) {
        differences.add(
            "\""
                + member
                + "\" is "
                + text(before.get(member))
                + ", asked for was "
                + text(after.get(member)));
      }
    }
    return differences;
  }

  private static String text(@Nullable JsonNode value) {
    return String.valueOf(value);
  }
}
