package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import java.io.IOException;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/** Cohere's API for embeddings, in both versions. */
final class CohereApi implements Api {
  private static final BodyFields FIELDS =
      BodyFields.strict(
              "model",
              "texts",
              "inputs",
              "input_type",
              "embedding_types",
              "output_dimension",
              "truncate")
          .ignoring("priority")
          .fixing(Map.of("images", JsonBodies.array()));

  private final Embedder embedder;
  private final ServedModels models;

  @Inject
  CohereApi(Embedder embedder, ServedModels models) {
    this.embedder = embedder;
    this.models = models;
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/v1/embed", Problems.Format.COHERE, x -> embed(x, x.json(), 1)),
        Route.post("/v2/embed", Problems.Format.COHERE, x -> embed(x, x.json(), 2)));
  }

  /**
   * Answers a request of the first or second version. The first gives plain arrays of numbers
   * unless the request names types, the second always names them.
   */
  void embed(Exchange x, ObjectNode body, int version) throws Exception {
    FIELDS.check(body);
    ServedModel model = models.named(JsonBodies.stringOr(body, "model"));
    boolean parts = body.path("inputs").isArray();
    List<String> texts =
        parts ? contents(body.path("inputs")) : JsonBodies.strings(body.path("texts"), "texts");
    boolean plain = version == 1 && body.path("embedding_types").isEmpty();
    Set<VectorFormat> types = types(body.path("embedding_types"));
    DenseRequest request =
        new DenseRequest(
            model,
            EmbeddingInput.written(texts, parts ? "inputs" : "texts"),
            parts ? "inputs" : "texts",
            RequestOptions.role(x, body, "input_type"),
            longTexts(body),
            DenseRequest.dimensions(model, body, "output_dimension"));
    DenseRequest.DenseVectors vectors = request.embed(x, embedder);
    x.okVectors(
        JsonBodies.bytes(out -> {
          out.writeStartObject();
          out.writeStringField("id", UUID.randomUUID().toString());
          out.writeArrayFieldStart("texts");
          for (String text : texts) {
            out.writeString(text);
          }
          out.writeEndArray();
          out.writeFieldName("embeddings");
          if (plain) {
            vectors.write(out, VectorFormat.FLOAT);
          } else {
            writeByType(out, vectors, types);
          }
          out.writeObjectFieldStart("meta");
          out.writeObjectFieldStart("api_version");
          out.writeStringField("version", Integer.toString(version));
          out.writeEndObject();
          out.writeObjectFieldStart("billed_units");
          out.writeNumberField("input_tokens", vectors.tokens());
          out.writeEndObject();
          out.writeEndObject();
          out.writeStringField("response_type", plain ? "embeddings_floats" : "embeddings_by_type");
          out.writeEndObject();
        }));
  }

  private static void writeByType(
      JsonGenerator out, DenseRequest.DenseVectors vectors, Set<VectorFormat> types)
      throws IOException {
    out.writeStartObject();
    for (VectorFormat type : types) {
      out.writeFieldName(type.id());
      vectors.write(out, type);
    }
    out.writeEndObject();
  }

  private static Set<VectorFormat> types(JsonNode names) {
    EnumSet<VectorFormat> types = EnumSet.noneOf(VectorFormat.class);
    if (!names.isMissingNode() && !names.isNull()) {
      JsonBodies.strings(names, "embedding_types")
          .forEach(name -> types.add(VectorFormat.of(name, "embedding_types")));
    }
    return types.isEmpty() ? EnumSet.of(VectorFormat.FLOAT) : types;
  }

  private static LongTexts longTexts(ObjectNode body) {
    String truncate = JsonBodies.string(body, "truncate", "END");
    return switch (truncate.toUpperCase(Locale.ROOT)) {
      case "END" -> LongTexts.KEEP_START;
      case "START" -> LongTexts.KEEP_END;
      case "NONE" -> LongTexts.REFUSE;
      default ->
          throw Problem.invalid(
              "truncate",
              "Expected END, START or NONE as \"truncate\", found \"" + truncate + "\".");
    };
  }

  /** The texts of inputs that consist of parts; there is no model for images. */
  private static List<String> contents(JsonNode inputs) {
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < inputs.size(); i++) {
      StringBuilder text = new StringBuilder();
      for (JsonNode part : inputs.get(i).path("content")) {
        if (!part.path("text").isTextual()) {
          throw JsonBodies.wrong("inputs[" + i + "].content", "parts of text", part);
        }
        text.append(part.path("text").textValue());
      }
      texts.add(text.toString());
    }
    return texts;
  }
}
