package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Scores;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;

/**
 * Reranks texts by the model's scores, with text-embeddings-inference's request ({@code query},
 * {@code texts}), and with Cohere's, Jina's, Voyage's and Infinity's ({@code query}, {@code
 * documents}, {@code top_n} or {@code top_k}).
 */
final class RerankApi implements Api {
  private static final BodyFields TEXTS =
      BodyFields.lenient(
              "query", "texts", "truncate", "truncation_direction", "return_text", "weights")
          .ignoring("raw_scores");

  /** Infinity's, which ignores others. */
  private static final BodyFields INFINITY = documentFields(true);

  /** Cohere's, Jina's and Voyage's, which refuse others. */
  private static final BodyFields DOCUMENTS = documentFields(false);

  private final Embedder embedder;
  private final ServedModels models;
  private final ServerConfig.Compatibility compatibility;

  private static BodyFields documentFields(boolean lenient) {
    return new BodyFields(
        List.of(
            "query",
            "documents",
            "model",
            "top_n",
            "top_k",
            "return_documents",
            "truncation",
            "weights"),
        List.of(
            "raw_scores",
            "priority",
            "max_chunks_per_doc",
            "max_tokens_per_doc",
            "max_doc_length",
            "max_query_length"),
        Map.of(
            "rank_fields", JsonBodies.array().add("text"), "return_embeddings", BooleanNode.FALSE),
        lenient);
  }

  private record Ranked(int index, float score) {}

  @Inject
  RerankApi(Embedder embedder, ServedModels models, ServerConfig config) {
    this.embedder = embedder;
    this.models = models;
    this.compatibility = config.compatibility();
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.post("/rerank", Problems.Format.TEI, x -> either(x, x.json())),
        Route.post("/v1/rerank", Problems.Format.COHERE, x -> documents(x, x.json(), false)),
        Route.post("/v2/rerank", Problems.Format.COHERE, x -> documents(x, x.json(), false)));
  }

  /** Answers a request in either shape. */
  void either(Exchange x, ObjectNode body) throws Exception {
    if (body.has("documents")) {
      documents(x, body, true);
    } else {
      texts(x, body);
    }
  }

  private void texts(Exchange x, ObjectNode body) throws Exception {
    TEXTS.check(body);
    List<String> texts = JsonBodies.strings(body.path("texts"), "texts");
    boolean returnText = JsonBodies.flag(body, "return_text", false);
    LongTexts longTexts = TeiApi.longTexts(body, compatibility);
    Scored scored = score(x, models.standard(), body, texts, "texts", longTexts);
    ArrayNode root = JsonBodies.array();
    for (Ranked ranked : scored.ranking) {
      ObjectNode each = root.addObject().put("index", ranked.index).put("score", ranked.score);
      if (returnText) {
        each.put("text", texts.get(ranked.index));
      }
    }
    x.ok(root);
  }

  /**
   * Answers Cohere's, Jina's, Voyage's and Infinity's requests. Cohere and Jina return a document
   * as {@code {"text": …}}, Infinity as the text itself, and Voyage, too, but under {@code data}.
   * All truncate texts that are too long, unless told otherwise.
   */
  private void documents(Exchange x, ObjectNode body, boolean infinity) throws Exception {
    (infinity ? INFINITY : DOCUMENTS).check(body);
    ServedModel model = models.named(JsonBodies.stringOr(body, "model"));
    List<String> texts = documentTexts(body.path("documents"));
    String most = body.has("top_k") ? "top_k" : "top_n";
    int topN = JsonBodies.integer(body, most, texts.size(), 1, Integer.MAX_VALUE);
    boolean returnDocuments = JsonBodies.flag(body, "return_documents", false);
    LongTexts longTexts = LongTexts.truncate(JsonBodies.flag(body, "truncation", true));
    Scored scored = score(x, model, body, texts, "documents", longTexts);
    ObjectNode root =
        JsonBodies.object()
            .put("object", "rerank")
            .put("id", UUID.randomUUID().toString())
            .put("model", model.name())
            .put("created", Instant.now().getEpochSecond());
    ArrayNode results = root.putArray("results");
    ArrayNode data = root.putArray("data");
    for (Ranked ranked : scored.ranking.subList(0, Math.min(topN, scored.ranking.size()))) {
      ObjectNode each =
          results.addObject().put("index", ranked.index).put("relevance_score", ranked.score);
      ObjectNode voyages =
          data.addObject().put("index", ranked.index).put("relevance_score", ranked.score);
      if (returnDocuments) {
        voyages.put("document", texts.get(ranked.index));
      }
      if (returnDocuments && infinity) {
        each.put("document", texts.get(ranked.index));
      } else if (returnDocuments) {
        each.putObject("document").put("text", texts.get(ranked.index));
      }
    }
    root.putObject("usage").put("prompt_tokens", scored.tokens).put("total_tokens", scored.tokens);
    root.putObject("meta").putObject("billed_units").put("search_units", 1);
    x.ok(root);
  }

  private static List<String> documentTexts(JsonNode documents) {
    if (!documents.isArray()) {
      throw JsonBodies.wrong("documents", "an array of texts", documents);
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < documents.size(); i++) {
      JsonNode each = documents.get(i);
      if (!each.isTextual() && !each.path("text").isTextual()) {
        throw JsonBodies.wrong("documents[" + i + ']', "a text or {\"text\": …}", each);
      }
      texts.add(each.isTextual() ? each.textValue() : each.path("text").textValue());
    }
    return texts;
  }

  private record Scored(List<Ranked> ranking, int tokens) {}

  /** Scores texts against the query, which is embedded in the query's role. */
  private Scored score(
      Exchange x,
      ServedModel model,
      ObjectNode body,
      List<String> texts,
      String where,
      LongTexts longTexts)
      throws Exception {
    EmbeddingEngine engine = model.engine();
    EmbeddingInput query = new EmbeddingInput.Text(JsonBodies.string(body, "query"));
    if (texts.isEmpty()) {
      throw Problem.empty(where);
    }
    Scores.Weights weights = RequestOptions.weights(engine, body.path("weights"));
    Set<Output> outputs = weights.outputs();
    Embedding asked =
        embedder
            .embed(
                x, model, List.of(query), "query", EmbedOptions.query().outputs(outputs), longTexts)
            .get(0);
    List<Embedding> passages =
        embedder.embed(
            x,
            model,
            EmbeddingInput.texts(texts),
            where,
            EmbedOptions.passage().outputs(outputs),
            longTexts);
    List<Ranked> ranking = new ArrayList<>(passages.size());
    for (int i = 0; i < passages.size(); i++) {
      ranking.add(new Ranked(i, Scores.weighted(asked, passages.get(i), weights)));
    }
    ranking.sort(Comparator.comparingDouble(Ranked::score).reversed());
    return new Scored(ranking, asked.tokenCount() + Vectors.tokens(passages));
  }
}
