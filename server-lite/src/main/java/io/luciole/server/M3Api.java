package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingJson;
import io.luciole.Output;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Dense, sparse and token vectors in one call, as {@link EmbeddingJson} writes them. */
final class M3Api implements Api {
  private final Embedder embedder;
  private final ServedModels models;
  private final ServerConfig.Compatibility compatibility;

  @Inject
  M3Api(Embedder embedder, ServedModels models, ServerConfig config) {
    this.embedder = embedder;
    this.models = models;
    this.compatibility = config.compatibility();
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/v1/m3/embeddings", Problems.Format.OPENAI, this::embeddings)
            .withQuery(BodyFields.strict("role")));
  }

  private void embeddings(Exchange x) throws Exception {
    ObjectNode body = x.json();
    JsonBodies.requireKnown(body, "model", "input", "outputs", "role", "encoding_format");
    ServedModel model = models.named(JsonBodies.stringOr(body, "model"));
    List<EmbeddingInput> inputs =
        EmbeddingInput.parse(body.path("input"), "input", compatibility.tokenIds());
    Set<Output> outputs = RequestOptions.outputs(model.engine(), body.path("outputs"), "outputs");
    EmbeddingJson.DenseEncoding encoding =
        JsonBodies.choice(
            JsonBodies.string(body, "encoding_format", "float"),
            "encoding_format",
            Arrays.asList(EmbeddingJson.DenseEncoding.values()));
    EmbedOptions options = RequestOptions.role(x, body, "role").outputs(outputs);
    List<Embedding> embeddings =
        embedder.embed(
            x, model, inputs, "input", options, LongTexts.truncate(compatibility.autoTruncate()));
    int tokens = Vectors.tokens(embeddings);
    x.okVectors(
        JsonBodies.bytes(out -> {
          out.writeStartObject();
          out.writeStringField("object", "list");
          out.writeStringField("model", model.name());
          out.writeArrayFieldStart("data");
          for (int i = 0; i < embeddings.size(); i++) {
            Embedding embedding = embeddings.get(i);
            out.writeStartObject();
            out.writeNumberField("index", i);
            out.writeNumberField("tokens", embedding.tokenCount());
            out.writeBooleanField("truncated", embedding.truncated());
            EmbeddingJson.writeVectors(out, embedding, outputs, encoding);
            out.writeEndObject();
          }
          out.writeEndArray();
          out.writeObjectFieldStart("usage");
          out.writeNumberField("prompt_tokens", tokens);
          out.writeNumberField("total_tokens", tokens);
          out.writeEndObject();
          out.writeEndObject();
        }));
  }
}
