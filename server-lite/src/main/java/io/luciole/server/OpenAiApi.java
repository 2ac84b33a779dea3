package io.luciole.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import com.google.inject.Inject;
import io.helidon.http.Method;
import io.luciole.EmbeddingEngine;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * OpenAI's API for embeddings and models, with the fields that Voyage and Jina add to it. The same
 * is there without {@code /v1}, as Infinity and text-embeddings-inference have it.
 */
final class OpenAiApi implements Api {
  /** OpenAI's, and what Voyage, Jina and Infinity add. */
  private static final BodyFields FIELDS =
      BodyFields.strict(
              "input",
              "model",
              "encoding_format",
              "dimensions",
              "input_type",
              "output_dtype",
              "output_dimension",
              "truncation",
              "truncate",
              "task",
              "embedding_type")
          .ignoring("user")
          .fixing(
              Map.of(
                  "normalized", BooleanNode.TRUE,
                  "late_chunking", BooleanNode.FALSE,
                  "return_multivector", BooleanNode.FALSE,
                  "modality", TextNode.valueOf("text")));

  private final Embedder embedder;
  private final ServedModels models;
  private final ServerConfig.Compatibility compatibility;
  private final long created = Instant.now().getEpochSecond();

  @Inject
  OpenAiApi(Embedder embedder, ServedModels models, ServerConfig config) {
    this.embedder = embedder;
    this.models = models;
    this.compatibility = config.compatibility();
  }

  @Override
  public List<Route> routes() {
    return Stream.of("", "/v1")
        .flatMap(prefix ->
            Stream.of(
                Route.post(prefix + "/embeddings", Problems.Format.OPENAI, this::embeddings),
                reading(prefix + "/models", this::models),
                reading(prefix + "/models/{+id}", this::model)))
        .toList();
  }

  private static Route reading(String path, Route.Handling handling) {
    return Route.of(Method.GET, path, handling)
        .withAccess(Route.Access.KEY)
        .withQuery(BodyFields.ANY);
  }

  private void embeddings(Exchange x) throws Exception {
    ObjectNode body = x.json();
    FIELDS.check(body);
    ServedModel model = models.named(JsonBodies.stringOr(body, "model"));
    VectorFormat format = format(body);
    String dimensions = body.has("output_dimension") ? "output_dimension" : "dimensions";
    String truncate = body.has("truncation") ? "truncation" : "truncate";
    DenseRequest request =
        new DenseRequest(
            model,
            EmbeddingInput.parse(body.path("input"), "input", compatibility.tokenIds()),
            "input",
            RequestOptions.role(x, body, body.has("task") ? "task" : "input_type"),
            LongTexts.truncate(JsonBodies.flag(body, truncate, compatibility.autoTruncate())),
            DenseRequest.dimensions(model, body, dimensions));
    DenseRequest.DenseVectors vectors = request.embed(x, embedder);
    x.okVectors(
        JsonBodies.bytes(out -> {
          out.writeStartObject();
          out.writeStringField("object", "list");
          out.writeArrayFieldStart("data");
          for (int i = 0; i < vectors.size(); i++) {
            out.writeStartObject();
            out.writeStringField("object", "embedding");
            out.writeNumberField("index", i);
            out.writeFieldName("embedding");
            format.write(out, vectors.get(i));
            out.writeEndObject();
          }
          out.writeEndArray();
          out.writeStringField("model", model.name());
          out.writeStringField("id", "luciole-" + UUID.randomUUID());
          out.writeNumberField("created", Instant.now().getEpochSecond());
          out.writeObjectFieldStart("usage");
          out.writeNumberField("prompt_tokens", vectors.tokens());
          out.writeNumberField("total_tokens", vectors.tokens());
          out.writeEndObject();
          out.writeEndObject();
        }));
  }

  /**
   * OpenAI names the format as {@code encoding_format}, float or base64; Voyage names a type of
   * numbers as {@code output_dtype} beside it, and Jina both as {@code embedding_type}.
   */
  private static VectorFormat format(ObjectNode body) {
    VectorFormat encoding = format(body, "encoding_format");
    VectorFormat type = format(body, body.has("output_dtype") ? "output_dtype" : "embedding_type");
    if (encoding == VectorFormat.BASE64 && type != VectorFormat.FLOAT && type != encoding) {
      throw Problem.invalid(
          "encoding_format", "Vectors of " + type.id() + " are written as numbers, not as base64.");
    }
    return type == VectorFormat.FLOAT ? encoding : type;
  }

  private static VectorFormat format(ObjectNode body, String field) {
    return VectorFormat.of(JsonBodies.string(body, field, VectorFormat.FLOAT.id()), field);
  }

  private void models(Exchange x) {
    ObjectNode root = JsonBodies.object().put("object", "list");
    ArrayNode data = root.putArray("data");
    models.running().forEach(model -> data.add(describe(model)));
    x.ok(root);
  }

  private void model(Exchange x) {
    x.ok(describe(models.any(x.variable("id"))));
  }

  private ObjectNode describe(ServedModel model) {
    EmbeddingEngine engine = model.engine();
    ObjectNode description =
        JsonBodies.object()
            .put("id", model.name())
            .put("object", "model")
            .put("created", created)
            .put("owned_by", "luciole")
            .put("backend", engine.backend().backend())
            .put("max_tokens", engine.description().maxTokens())
            .put("precision", engine.backend().precision().toLowerCase(Locale.ROOT));
    if (models.all().contains(model)) {
      description.put("dimensions", engine.backend().dimension());
    }
    engine.backend().outputs().stream()
        .sorted()
        .forEach(output -> description.withArray("outputs").add(output.id()));
    ArrayNode capabilities = description.putArray("capabilities");
    if (models.all().contains(model)) {
      capabilities.add("embed");
    }
    capabilities.add("rerank");
    description
        .putObject("stats")
        .put(
            "queue_absolute", engine.stats().interactive().texts() + engine.stats().bulk().texts());
    return description;
  }
}
