package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingJson;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.model.TokenPooling;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * The API of text-embeddings-inference, except for its reranking and its tokenizer. It has no field
 * for a model: the default one answers.
 */
final class TeiApi implements Api {
  private static final Problems.Format TEI = Problems.Format.TEI;

  private static final BodyFields EMBED =
      BodyFields.lenient("inputs", "truncate", "truncation_direction", "prompt_name")
          .ignoring("normalize", "dimensions");

  private static final BodyFields DENSE =
      BodyFields.lenient(
          "inputs", "truncate", "truncation_direction", "prompt_name", "normalize", "dimensions");

  private static final BodyFields SIMILARITY = BodyFields.lenient("inputs", "parameters");

  private static final BodyFields PARAMETERS =
      BodyFields.lenient("truncate", "truncation_direction", "prompt_name");

  private final Embedder embedder;
  private final CohereApi cohere;
  private final RerankApi rerank;
  private final ServedModel model;
  private final EmbeddingEngine engine;
  private final ServerConfig.Compatibility compatibility;
  private final TokenNames names;

  @Inject
  TeiApi(
      Embedder embedder,
      CohereApi cohere,
      RerankApi rerank,
      ServedModels models,
      ServerConfig config) {
    this.embedder = embedder;
    this.cohere = cohere;
    this.rerank = rerank;
    this.model = models.standard();
    this.engine = model.engine();
    this.compatibility = config.compatibility();
    this.names = new TokenNames(engine);
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/", TEI, this::byShape),
        Route.post("/invocations", TEI, this::byShape),
        Route.post("/embed", TEI, this::embed),
        Route.post("/embed_sparse", TEI, this::embedSparse).withQuery(SparseFormat.QUERY),
        Route.post("/embed_all", TEI, this::embedAll),
        Route.post("/similarity", TEI, x -> similarity(x, x.json())),
        Route.post("/predict", TEI, TeiApi::predict),
        Route.management("/info", Route.Access.KEY, this::info));
  }

  /** What text-embeddings-inference does here depends on the model that it serves. */
  private void byShape(Exchange x) throws Exception {
    ObjectNode body = x.json();
    if (body.has("texts") || body.has("documents")) {
      rerank.either(x, body);
    } else if (body.path("inputs").isObject()) {
      similarity(x, body);
    } else {
      dense(x, body);
    }
  }

  /** Cohere's clients that are given this server's root as Cohere's {@code /v1} send texts here. */
  private void embed(Exchange x) throws Exception {
    ObjectNode body = x.json();
    if (body.has("texts") && !body.has("inputs")) {
      cohere.embed(x, body, 1);
    } else {
      dense(x, body);
    }
  }

  private void dense(Exchange x, ObjectNode body) throws Exception {
    DENSE.check(body);
    requireNormalized(body);
    DenseRequest request =
        new DenseRequest(
            model,
            parse(body),
            "inputs",
            RequestOptions.role(x, body, "prompt_name"),
            longTexts(body, compatibility),
            DenseRequest.dimensions(model, body, "dimensions"));
    DenseRequest.DenseVectors vectors = request.embed(x, embedder);
    x.okVectors(JsonBodies.bytes(out -> vectors.write(out, VectorFormat.FLOAT)));
  }

  private List<EmbeddingInput> parse(ObjectNode body) {
    return EmbeddingInput.parse(body.path("inputs"), "inputs", compatibility.tokenIds());
  }

  private void requireNormalized(ObjectNode body) {
    if (!JsonBodies.flag(body, "normalize", true) && engine.description().normalize()) {
      throw Problem.invalid(
          "normalize", "The model's vectors are normalised; \"normalize\": false is not offered.");
    }
  }

  /** What a request says of texts that are too long, with {@code truncate} and its direction. */
  static LongTexts longTexts(JsonNode body, ServerConfig.Compatibility compatibility) {
    String direction = JsonBodies.string(body, "truncation_direction", "right");
    boolean left = direction.equalsIgnoreCase("left");
    if (!left && !direction.equalsIgnoreCase("right")) {
      throw Problem.invalid(
          "truncation_direction",
          "Expected left or right as \"truncation_direction\", found \"" + direction + "\".");
    }
    boolean truncate = JsonBodies.flag(body, "truncate", compatibility.autoTruncate());
    return truncate && left ? LongTexts.KEEP_END : LongTexts.truncate(truncate);
  }

  private List<Embedding> embed(Exchange x, ObjectNode body, Output output) throws Exception {
    EMBED.check(body);
    RequestOptions.requireOutputs(engine, Set.of(output), "inputs");
    EmbedOptions options = RequestOptions.role(x, body, "prompt_name").outputs(output);
    return embedder.embed(x, model, parse(body), "inputs", options, longTexts(body, compatibility));
  }

  private void embedSparse(Exchange x) throws Exception {
    SparseFormat format = SparseFormat.of(x);
    SparseFormat.Tokens tokens = format.tokens(x);
    x.ok(format.write(names, embed(x, x.json(), Output.SPARSE), tokens));
  }

  private void embedAll(Exchange x) throws Exception {
    List<Embedding> embeddings = embed(x, x.json(), Output.COLBERT);
    x.okVectors(
        JsonBodies.bytes(out -> {
          out.writeStartArray();
          for (Embedding embedding : embeddings) {
            EmbeddingJson.writeTokenVectors(out, embedding.colbert());
          }
          out.writeEndArray();
        }));
  }

  private void similarity(Exchange x, ObjectNode body) throws Exception {
    SIMILARITY.check(body);
    PARAMETERS.check(body.path("parameters"));
    JsonNode inputs = body.path("inputs");
    if (!inputs.isObject()) {
      throw JsonBodies.wrong("inputs", "{\"source_sentence\": …, \"sentences\": […]}", inputs);
    }
    List<String> texts = new ArrayList<>();
    texts.add(JsonBodies.string(inputs, "source_sentence"));
    texts.addAll(JsonBodies.strings(inputs.path("sentences"), "sentences"));
    if (texts.size() < 2) {
      throw Problem.empty("sentences");
    }
    JsonNode parameters = body.path("parameters");
    EmbedOptions options = RequestOptions.role(x, parameters, "prompt_name").outputs(Output.DENSE);
    List<Embedding> embeddings =
        embedder.embed(
            x,
            model,
            EmbeddingInput.written(texts, "sentences"),
            "sentences",
            options,
            longTexts(parameters, compatibility));
    ArrayNode scores = JsonBodies.array();
    for (Embedding embedding : embeddings.subList(1, embeddings.size())) {
      scores.add(Scores.dense(embeddings.get(0), embedding));
    }
    x.ok(scores);
  }

  private static void predict(Exchange x) {
    throw new Problem(
        400,
        "wrong_model",
        "Expected a classifier for /predict, found a model of embeddings. /embed gives vectors,"
            + " /similarity and /rerank compare texts.");
  }

  private void info(Exchange x) {
    ObjectNode root = JsonBodies.object();
    root.put("model_id", engine.modelName());
    root.put("model_sha", engine.fingerprint().weightsDigest());
    root.put("model_dtype", dtype(engine.backend().precision()));
    root.put("served_model_name", model.name());
    TokenPooling pooling = engine.description().pooling();
    root.putObject("model_type")
        .putObject("embedding")
        .put("pooling", pooling == null ? "cls" : pooling.toString());
    root.put("max_concurrent_requests", x.limits().maxRequests());
    root.put("max_input_length", engine.description().maxTokens());
    root.put("max_batch_tokens", engine.tokenBudget());
    root.putNull("max_batch_requests");
    root.put("max_client_batch_size", x.limits().maxTexts());
    root.put("auto_truncate", compatibility.autoTruncate());
    root.put("tokenization_workers", Runtime.getRuntime().availableProcessors());
    root.put("version", "luciole");
    root.putNull("sha");
    root.putNull("docker_label");
    root.put("backend", engine.backend().backend());
    root.put("device", engine.backend().device().toString());
    x.ok(root);
  }

  /** The name that text-embeddings-inference has for a precision, or ours. */
  private static String dtype(String precision) {
    return switch (precision.toLowerCase(Locale.ROOT)) {
      case "fp32" -> "float32";
      case "fp16" -> "float16";
      case "bf16" -> "bfloat16";
      default -> precision;
    };
  }
}
