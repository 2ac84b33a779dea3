package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import java.util.List;

/** The API of the inference container of Weaviate's module {@code text2vec-transformers}. */
final class WeaviateApi implements Api {
  private static final BodyFields FIELDS =
      BodyFields.lenient("text", "texts", "config").ignoring("dims", "vector", "error");

  private static final BodyFields CONFIG =
      BodyFields.lenient("task_type", "dimensions").ignoring("pooling_strategy");

  private final Embedder embedder;
  private final ServedModel model;
  private final Readiness readiness;

  @Inject
  WeaviateApi(Embedder embedder, ServedModels models, Readiness readiness) {
    this.embedder = embedder;
    this.model = models.standard();
    this.readiness = readiness;
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/vectors", Problems.Format.TEI, this::vectors),
        Route.management("/meta", Route.Access.KEY, this::meta),
        Route.management("/.well-known/live", Route.Access.OPEN, WeaviateApi::nothing),
        Route.management("/.well-known/ready", Route.Access.OPEN, this::ready));
  }

  private void vectors(Exchange x) throws Exception {
    ObjectNode body = x.json();
    boolean several = body.path("texts").isArray();
    List<String> texts =
        several
            ? JsonBodies.strings(body.path("texts"), "texts")
            : List.of(JsonBodies.string(body, "text"));
    JsonNode config = body.path("config");
    FIELDS.check(body);
    CONFIG.check(config);
    DenseRequest request =
        new DenseRequest(
            model,
            EmbeddingInput.texts(texts),
            several ? "texts" : "text",
            RequestOptions.role(x, config, "task_type"),
            LongTexts.KEEP_START,
            DenseRequest.dimensions(model, config, "dimensions"));
    DenseRequest.DenseVectors vectors = request.embed(x, embedder);
    x.okVectors(
        JsonBodies.bytes(out -> {
          out.writeStartObject();
          if (several) {
            out.writeFieldName("vectors");
            vectors.write(out, VectorFormat.FLOAT);
          } else {
            out.writeStringField("text", texts.get(0));
            out.writeFieldName("vector");
            VectorFormat.FLOAT.write(out, vectors.get(0));
          }
          out.writeNumberField("dims", vectors.dimensions());
          out.writeEndObject();
        }));
  }

  private void meta(Exchange x) {
    x.ok(
        JsonBodies.object()
            .put("model_name", model.name())
            .put("model_type", "text2vec")
            .put("dims", model.engine().backend().dimension())
            .put("max_tokens", model.engine().description().maxTokens()));
  }

  private void ready(Exchange x) {
    String reason = readiness.reasonNotReady();
    if (reason != null) {
      throw new Problem(503, "not_ready", "Not ready: " + reason + '.', null, 1);
    }
    nothing(x);
  }

  private static void nothing(Exchange x) {
    x.send(204, "text/plain", new byte[0]);
  }
}
