package io.luciole.lucene;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** A schema as the JSON that stands in a commit's user data. */
final class SchemaJson {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  /** The version of the layout; schemas of layout 1 have no such member. */
  private static final String LAYOUT = "layout";

  private SchemaJson() {}

  static String write(HybridSchema schema) {
    return tree(schema).toString();
  }

  /** A schema as JSON that is not written yet. */
  static ObjectNode tree(HybridSchema schema) {
    ObjectNode root = MAPPER.createObjectNode();
    schema
        .dense()
        .ifPresent(d ->
            root.putObject("dense")
                .put("dimension", d.dimension())
                .put("normalized", d.normalized())
                .put("quantization", d.quantization().id())
                .put("maxConnections", d.maxConnections())
                .put("beamWidth", d.beamWidth()));
    schema
        .sparse()
        .ifPresent(s ->
            root.putObject("sparse")
                .put("form", s.form().id())
                .put("scale", s.scale())
                .put("exact", s.exact()));
    schema
        .multiVectors()
        .ifPresent(m ->
            root.putObject("multiVectors")
                .put("form", m.form().id())
                .put("dimension", m.dimension()));
    ObjectNode words =
        root.putObject("words")
            .put("analyzer", Analyzers.recorded(schema.words().analyzer()))
            .put("k1", schema.words().k1())
            .put("b", schema.words().b());
    if (schema.words().titles()) {
      words.put("titles", true);
    }
    schema
        .chunks()
        .ifPresent(
            c -> root.putObject("chunks").put("tokens", c.tokens()).put("overlap", c.overlap()));
    if (schema.metadataLayout().version() > MetadataLayout1.VERSION) {
      root.put(LAYOUT, schema.metadataLayout().version());
    }
    ObjectNode metadata = root.putObject("metadata");
    schema.metadata().forEach((field, type) -> metadata.put(field, type.id()));
    return root;
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @throws IllegalArgumentException if the text is no schema
   */
  static HybridSchema read(String json) {
    try {
      return read(MAPPER.readTree(json));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("not a schema: " + json, e);
    }
  }

  private static HybridSchema read(JsonNode root) {
    JsonNode dense = root.path("dense");
    JsonNode sparse = root.path("sparse");
    JsonNode multiVectors = root.path("multiVectors");
    JsonNode words = root.path("words");
    JsonNode chunks = root.path("chunks");
    Map<String, MetadataType> metadata = new TreeMap<>();
    root.path("metadata")
        .properties()
        .forEach(
            e -> metadata.put(e.getKey(), constant(MetadataType.class, e.getValue().asText())));
    VectorFields vectors =
        VectorFields.ofSchema(
            dense.isObject()
                ? new HybridSchema.Dense(
                    dense.path("dimension").asInt(),
                    dense.path("normalized").asBoolean(),
                    DenseQuantization.parse(dense.path("quantization").asText()),
                    dense.path("maxConnections").asInt(),
                    dense.path("beamWidth").asInt())
                : null,
            sparse.isObject()
                ? new HybridSchema.Sparse(
                    constant(SparseForm.class, sparse.path("form").asText()),
                    sparse.path("scale").asInt(),
                    sparse.path("exact").asBoolean())
                : null,
            multiVectors.isObject()
                ? new HybridSchema.MultiVectors(
                    constant(MultiVectorForm.class, multiVectors.path("form").asText()),
                    multiVectors.path("dimension").asInt())
                : null);
    return new HybridSchema(
        vectors,
        new HybridSchema.Words(
            Analyzers.ofRecorded(words.path("analyzer").asText()),
            (float) words.path("k1").asDouble(),
            (float) words.path("b").asDouble(),
            words.path("titles").asBoolean()),
        chunks.isObject()
            ? new HybridSchema.Chunks(chunks.path("tokens").asInt(), chunks.path("overlap").asInt())
            : null,
        MetadataLayout.of(root.path(LAYOUT).asInt(MetadataLayout1.VERSION), metadata));
  }

  private static <E extends Enum<E>> E constant(Class<E> type, String id) {
    return Enum.valueOf(type, id.toUpperCase(Locale.ROOT));
  }
}
