package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingJson;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.Scores;
import io.luciole.SparseVector;
import io.luciole.model.Pooling;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The API of text-embeddings-inference, except for its reranking. */
final class TeiApi implements Api {
  private static final Problems.Format TEI = Problems.Format.TEI;

  private final Embedder embedder;
  private final EmbeddingEngine engine;

  @Inject
  TeiApi(Embedder embedder) {
    this.embedder = embedder;
    this.engine = embedder.engine();
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/embed", TEI, this::embed),
        Route.post("/embed_sparse", TEI, this::embedSparse),
        Route.post("/embed_all", TEI, this::embedAll),
        Route.post("/similarity", TEI, this::similarity),
        Route.post("/tokenize", TEI, this::tokenize),
        Route.management("/info", Route.Access.KEY, this::info));
  }

  private List<Embedding> inputs(Exchange x, ObjectNode body, Output output) throws Exception {
    if (!JsonBodies.flag(body, "normalize", true) && engine.description().normalize()) {
      throw Problem.invalid(
          "normalize", "The model's vectors are normalised; \"normalize\": false is not offered.");
    }
    EmbedOptions options =
        RequestOptions.role(JsonBodies.stringOr(body, "prompt_name"), Role.PASSAGE, "prompt_name");
    RequestOptions.requireRight(body);
    RequestOptions.requireOutputs(engine, Set.of(output), null);
    List<EmbeddingInput> inputs = EmbeddingInput.parse(body.path("inputs"), "inputs");
    List<Embedding> embeddings = embedder.embed(x, inputs, "inputs", options.outputs(output));
    RequestOptions.requireWhole(
        engine, embeddings, "inputs", JsonBodies.flag(body, "truncate", false));
    return embeddings;
  }

  private void embed(Exchange x) throws Exception {
    ObjectNode body = x.json();
    int dimension = engine.backend().dimension();
    int dimensions = JsonBodies.integer(body, "dimensions", dimension, 1, dimension);
    List<Embedding> embeddings = inputs(x, body, Output.DENSE);
    x.ok(
        JsonBodies.bytes(out -> {
          out.writeStartArray();
          for (Embedding embedding : embeddings) {
            EmbeddingJson.writeDense(
                out,
                Vectors.shortened(embedding.dense(), dimensions),
                EmbeddingJson.DenseEncoding.FLOAT);
          }
          out.writeEndArray();
        }));
  }

  private void embedSparse(Exchange x) throws Exception {
    List<Embedding> embeddings = inputs(x, x.json(), Output.SPARSE);
    x.ok(
        JsonBodies.bytes(out -> {
          out.writeStartArray();
          for (Embedding embedding : embeddings) {
            SparseVector sparse = embedding.sparse();
            out.writeStartArray();
            for (int i = 0; i < sparse.size(); i++) {
              out.writeStartObject();
              out.writeNumberField("index", sparse.id(i));
              out.writeNumberField("value", sparse.weight(i));
              out.writeEndObject();
            }
            out.writeEndArray();
          }
          out.writeEndArray();
        }));
  }

  private void embedAll(Exchange x) throws Exception {
    List<Embedding> embeddings = inputs(x, x.json(), Output.COLBERT);
    x.ok(
        JsonBodies.bytes(out -> {
          out.writeStartArray();
          for (Embedding embedding : embeddings) {
            EmbeddingJson.writeTokenVectors(out, embedding.colbert());
          }
          out.writeEndArray();
        }));
  }

  private void similarity(Exchange x) throws Exception {
    ObjectNode body = x.json();
    JsonNode inputs = body.path("inputs");
    if (!inputs.isObject()) {
      throw JsonBodies.wrong("inputs", "{\"source_sentence\": …, \"sentences\": […]}", inputs);
    }
    List<EmbeddingInput> texts = new ArrayList<>();
    texts.add(new EmbeddingInput.Text(JsonBodies.string(inputs, "source_sentence")));
    JsonBodies.strings(inputs.path("sentences"), "sentences")
        .forEach(s -> texts.add(new EmbeddingInput.Text(s)));
    if (texts.size() < 2) {
      throw JsonBodies.wrong("sentences", "at least one sentence", inputs.path("sentences"));
    }
    JsonNode parameters = body.path("parameters");
    RequestOptions.requireRight(parameters);
    EmbedOptions options =
        RequestOptions.role(
                JsonBodies.stringOr(parameters, "prompt_name"), Role.PASSAGE, "prompt_name")
            .outputs(Output.DENSE);
    List<Embedding> embeddings = embedder.embed(x, texts, "sentences", options);
    RequestOptions.requireWhole(
        engine, embeddings, "sentences", JsonBodies.flag(parameters, "truncate", false));
    ArrayNode scores = JsonBodies.array();
    for (Embedding embedding : embeddings.subList(1, embeddings.size())) {
      scores.add(Scores.dense(embeddings.get(0), embedding));
    }
    x.ok(scores);
  }

  private void tokenize(Exchange x) throws Exception {
    ObjectNode body = x.json();
    boolean special = JsonBodies.flag(body, "add_special_tokens", true);
    Role role =
        RequestOptions.role(JsonBodies.stringOr(body, "prompt_name"), Role.PASSAGE, "prompt_name")
            .role();
    List<EmbeddingInput> inputs = EmbeddingInput.parse(body.path("inputs"), "inputs");
    List<int[]> all = new ArrayList<>();
    byte[] answer;
    RequestLimiter.Reservation waiting = embedder.admit(x, inputs, "inputs");
    try {
      for (EmbeddingInput input : inputs) {
        if (!(input instanceof EmbeddingInput.Text text)) {
          throw Problem.invalid("inputs", "Expected texts to tokenise, found token ids.");
        }
        x.requireTime();
        all.add(engine.tokenize(text.text(), role).ids());
      }
      answer = JsonBodies.bytes(out -> writeTokens(out, all, special));
    } finally {
      waiting.release();
    }
    x.ok(answer);
  }

  private void writeTokens(JsonGenerator out, List<int[]> all, boolean special) throws IOException {
    int[] frame = engine.tokenize("", Role.PASSAGE).ids();
    out.writeStartArray();
    for (int[] ids : all) {
      out.writeStartArray();
      for (int id : ids) {
        boolean isSpecial = Arrays.stream(frame).anyMatch(f -> f == id);
        if (special || !isSpecial) {
          out.writeStartObject();
          out.writeNumberField("id", id);
          out.writeStringField("text", engine.decodeToken(id));
          out.writeBooleanField("special", isSpecial);
          out.writeNullField("start");
          out.writeNullField("stop");
          out.writeEndObject();
        }
      }
      out.writeEndArray();
    }
    out.writeEndArray();
  }

  private void info(Exchange x) {
    ObjectNode root = JsonBodies.object();
    root.put("model_id", engine.modelName());
    root.put("model_sha", engine.fingerprint().weightsDigest());
    root.put("model_dtype", engine.backend().precision());
    Pooling pooling = engine.description().pooling();
    root.putObject("model_type")
        .putObject("embedding")
        .put("pooling", pooling == null ? "cls" : pooling.name().toLowerCase(Locale.ROOT));
    root.put("max_concurrent_requests", x.limits().maxRequests());
    root.put("max_input_length", engine.description().maxTokens());
    root.put("max_batch_tokens", engine.tokenBudget());
    root.putNull("max_batch_requests");
    root.put("max_client_batch_size", x.limits().maxTexts());
    root.put("auto_truncate", false);
    root.put("tokenization_workers", Runtime.getRuntime().availableProcessors());
    root.put("version", "luciole");
    root.put("backend", engine.backend().backend());
    root.put("device", engine.backend().device().toString());
    x.ok(root);
  }
}
