package io.luciole.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.helidon.http.Method;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingJson;
import io.luciole.Output;
import io.luciole.Role;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** OpenAI's API for embeddings and models. */
final class OpenAiApi implements Api {
  private final Embedder embedder;
  private final ServedModels models;
  private final long created = Instant.now().getEpochSecond();

  @Inject
  OpenAiApi(Embedder embedder, ServedModels models) {
    this.embedder = embedder;
    this.models = models;
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/v1/embeddings", Problems.Format.OPENAI, this::embeddings),
        Route.of(Method.GET, "/v1/models", this::models),
        Route.of(Method.GET, "/v1/models/{+id}", this::model));
  }

  private void embeddings(Exchange x) throws Exception {
    ObjectNode body = x.json();
    ServedModel model = models.named(JsonBodies.stringOr(body, "model"));
    List<EmbeddingInput> inputs = EmbeddingInput.parse(body.path("input"), "input");
    EmbeddingJson.DenseEncoding encoding =
        JsonBodies.choice(
            JsonBodies.string(body, "encoding_format", "float"),
            "encoding_format",
            Arrays.asList(EmbeddingJson.DenseEncoding.values()));
    int dimension = model.engine().backend().dimension();
    int dimensions = JsonBodies.integer(body, "dimensions", dimension, 1, dimension);
    EmbedOptions options =
        RequestOptions.role(JsonBodies.stringOr(body, "input_type"), Role.PASSAGE, "input_type")
            .outputs(Output.DENSE);
    List<Embedding> embeddings = embedder.embed(x, model, inputs, "input", options);
    int tokens = Vectors.tokens(embeddings);
    x.ok(
        JsonBodies.bytes(out -> {
          out.writeStartObject();
          out.writeStringField("object", "list");
          out.writeArrayFieldStart("data");
          for (int i = 0; i < embeddings.size(); i++) {
            out.writeStartObject();
            out.writeStringField("object", "embedding");
            out.writeNumberField("index", i);
            out.writeFieldName("embedding");
            float[] dense = embeddings.get(i).dense();
            EmbeddingJson.writeDense(out, Vectors.shortened(dense, dimensions), encoding);
            out.writeEndObject();
          }
          out.writeEndArray();
          out.writeStringField("model", model.name());
          out.writeObjectFieldStart("usage");
          out.writeNumberField("prompt_tokens", tokens);
          out.writeNumberField("total_tokens", tokens);
          out.writeEndObject();
          out.writeEndObject();
        }));
  }

  private void models(Exchange x) {
    ObjectNode root = JsonBodies.object().put("object", "list");
    ArrayNode data = root.putArray("data");
    models.all().forEach(model -> data.add(describe(model)));
    x.ok(root);
  }

  private void model(Exchange x) {
    x.ok(describe(models.named(x.variable("id"))));
  }

  private ObjectNode describe(ServedModel model) {
    EmbeddingEngine engine = model.engine();
    ObjectNode description =
        JsonBodies.object()
            .put("id", model.name())
            .put("object", "model")
            .put("created", created)
            .put("owned_by", "luciole")
            .put("dimensions", engine.backend().dimension())
            .put("max_tokens", engine.description().maxTokens())
            .put("precision", engine.backend().precision().toLowerCase(Locale.ROOT));
    engine.backend().outputs().stream()
        .sorted()
        .forEach(output -> description.withArray("outputs").add(output.id()));
    return description;
  }
}
