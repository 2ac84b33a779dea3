package io.luciole.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import com.google.inject.Inject;
import io.luciole.EmbeddingEngine;
import io.luciole.lucene.Arrangement;
import io.luciole.lucene.Fusion;
import io.luciole.lucene.Highlight;
import io.luciole.lucene.Highlighter;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.LegScore;
import io.luciole.lucene.MetadataSort;
import io.luciole.lucene.PassageScorer;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.WordBoosts;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** Searches the index. */
final class SearchApi implements Api {
  private static final int MAX_TOP = 1000;
  private static final int MAX_DEPTH = 10_000;

  private final Indexes indexes;
  private final ServedModels models;

  @Inject
  SearchApi(Indexes indexes, ServedModels models) {
    this.indexes = indexes;
    this.models = models;
  }

  @Override
  public List<Route> routes() {
    return IndexesApi.BASES.stream()
        .map(base ->
            Route.post(base + "/search", Problems.Format.OPENAI, indexes.ofIndex(this::search))
                .withAccess(Route.Access.SEARCH)
                .withQuery(BodyFields.strict()))
        .toList();
  }

  private void search(Exchange x) throws Exception {
    SearchIndex index = indexes.of(x);
    ObjectNode body = body(x);
    Callable<ObjectNode> answer =
        () -> index.live().<ObjectNode, Exception>search(s -> answer(x, body, s, index.model()));
    boolean heavy = body.path("top").asInt() > HeavyWork.MANY_HITS;
    x.ok(heavy ? x.heavily(answer) : answer.call());
  }

  private static ObjectNode body(Exchange x) {
    ObjectNode body = x.json();
    JsonBodies.requireKnown(
        body,
        "query",
        "top",
        "offset",
        "legs",
        "weights",
        "boosts",
        "depth",
        "fusion",
        "filter",
        "sort",
        "collapse",
        "facets",
        "rerank",
        "view",
        "timeout_ms",
        "explain",
        "highlight");
    return body;
  }

  private ObjectNode answer(Exchange x, ObjectNode body, HybridSearcher searcher, ServedModel model)
      throws TimeoutException, IOException {
    EmbeddingEngine engine = model.engine();
    HybridQuery query = query(x, body, searcher, engine);
    SearchResult result = searcher.search(query);
    if (result.tokens() > 0) {
      model.readiness().recordSuccess();
      x.count(1, result.tokens());
    }
    boolean explain = JsonBodies.flag(body, "explain", false);
    ObjectNode root = JsonBodies.object();
    try (@Nullable Highlighter highlighter =
        query.matchedTokens() ? new Highlighter(searcher, engine, query, result) : null) {
      var hits = root.putArray("hits");
      for (Hit hit : result.hits()) {
        ObjectNode each = hits.addObject();
        write(hit, each);
        if (highlighter != null) {
          write(highlighter.highlights(hit), each.putArray("highlights"));
        }
        if (explain) {
          each.put("explain", hit.explain().toString());
        }
      }
    }
    root.put("found", result.fused().size());
    Arranging.write(result, root);
    ObjectNode legs = root.putObject("legs");
    result.legs().forEach((leg, list) -> legs.put(leg.id(), list.size()));
    root.put("took_ms", result.took().toNanos() / 1e6);
    root.put("embedding_ms", result.embedding().toNanos() / 1e6);
    root.put("tokens", result.tokens());
    root.put("partial", result.partial());
    result.incomplete().forEach(leg -> root.withArray("incomplete").add(leg.id()));
    root.put("view", result.view());
    return root;
  }

  private static void write(Hit hit, ObjectNode each) {
    each.put("rank", hit.rank()).put("id", hit.id()).put("score", hit.score());
    each.put("title", hit.title()).put("text", hit.text());
    each.putRawValue("metadata", new RawValue(hit.metadata().toJson()));
    hit.passage()
        .ifPresent(passage ->
            each.putObject("passage")
                .put("start", passage.start())
                .put("end", passage.end())
                .put("text", passage.text()));
    ObjectNode legs = each.putObject("legs");
    for (Map.Entry<Leg, LegScore> leg : hit.legs().entrySet()) {
      legs.putObject(leg.getKey().id())
          .put("rank", leg.getValue().rank())
          .put("score", leg.getValue().score())
          .put("contribution", leg.getValue().contribution());
    }
    if (!hit.tokens().isEmpty()) {
      var tokens = each.putArray("tokens");
      hit.tokens()
          .forEach(t ->
              tokens
                  .addObject()
                  .put("id", t.tokenId())
                  .put("token", t.token())
                  .put("query_weight", t.queryWeight())
                  .put("document_weight", t.documentWeight()));
    }
  }

  /** Ranges are in UTF-16 units, weights are rounded to three decimals. */
  private static void write(List<Highlight> highlights, ArrayNode spans) {
    for (Highlight highlight : highlights) {
      spans
          .addObject()
          .put("field", highlight.field().id())
          .put("start", highlight.start())
          .put("end", highlight.end())
          .put("weight", Math.round(highlight.weight() * 1000) / 1000.0)
          .put("by", highlight.leg().id());
    }
  }

  private HybridQuery query(
      Exchange x, ObjectNode body, HybridSearcher searcher, EmbeddingEngine engine)
      throws TimeoutException {
    Arrangement arrangement = Arranging.read(body);
    if (!body.hasNonNull("query") && !body.hasNonNull("filter") && arrangement.sort().isEmpty()) {
      throw Problem.invalid(
          "query",
          "Expected \"query\", or \"filter\" or \"sort\" for a list without one, found none.");
    }
    String text = JsonBodies.string(body, "query", "");
    if (!body.hasNonNull("query") && arrangement.sort().isEmpty()) {
      arrangement = arrangement.sort(MetadataSort.ascending(MetadataSort.ID));
    }
    if (text.length() > x.limits().maxCharacters()) {
      throw Problem.tooLarge(
          "query", "A query may have " + x.limits().maxCharacters() + " characters.");
    }
    int top = JsonBodies.integer(body, "top", 10, 0, MAX_TOP);
    int offset = JsonBodies.integer(body, "offset", 0, 0, MAX_DEPTH);
    HybridQuery query =
        HybridQuery.of(text)
            .top(top)
            .offset(offset)
            .arrange(arrangement)
            .matchedTokens(JsonBodies.flag(body, "highlight", false));
    if (body.hasNonNull("depth")) {
      query = query.depth(JsonBodies.integer(body, "depth", 1, 1, MAX_DEPTH));
    }
    Set<Leg> legs = searcher.legs();
    if (body.hasNonNull("legs")) {
      legs = legs(body.get("legs"), searcher);
      query = query.legs(legs);
    }
    if (body.hasNonNull("weights")) {
      query = weighted(query, body.get("weights"), legs);
    }
    if (body.hasNonNull("boosts")) {
      query = query.wordBoosts(boosts(body.get("boosts")));
    }
    String fusion = JsonBodies.stringOr(body, "fusion");
    if (fusion != null) {
      try {
        query = query.fusion(Fusion.parse(fusion));
      } catch (IllegalArgumentException e) {
        throw Problem.invalid("fusion", JsonBodies.sentence(e));
      }
    }
    if (body.hasNonNull("filter")) {
      query = query.filter(RequestOptions.filter(body.get("filter"), searcher.schema()));
    }
    if (body.hasNonNull("rerank")) {
      query = reranked(query, body.get("rerank"), engine);
    }
    if (body.hasNonNull("view")) {
      query = query.view(JsonBodies.integer(body, "view", 0, 0, Integer.MAX_VALUE));
    }
    int limit = (int) Math.min(Integer.MAX_VALUE, x.remaining().toMillis() + 1);
    return query.timeout(
        Duration.ofMillis(JsonBodies.integer(body, "timeout_ms", limit, 1, limit)));
  }

  private static EnumSet<Leg> legs(JsonNode names, HybridSearcher searcher) {
    EnumSet<Leg> legs = EnumSet.noneOf(Leg.class);
    for (String name : JsonBodies.strings(names, "legs")) {
      legs.add(JsonBodies.choice(name, "legs", Arrays.asList(Leg.values())));
    }
    if (legs.isEmpty()) {
      throw JsonBodies.wrong("legs", "at least one leg", names);
    }
    if (!searcher.legs().containsAll(legs)) {
      throw Problem.invalid(
          "legs",
          "This index can be searched by " + ids(searcher.legs()) + ", not by " + ids(legs) + '.');
    }
    return legs;
  }

  private static String ids(Set<Leg> legs) {
    return String.join(", ", legs.stream().map(Leg::id).toList());
  }

  private static HybridQuery weighted(HybridQuery query, JsonNode weights, Set<Leg> legs) {
    if (!weights.isObject()) {
      throw JsonBodies.wrong("weights", "an object such as {\"dense\": 1, \"bm25\": 0.5}", weights);
    }
    HybridQuery changed = query;
    for (Map.Entry<String, JsonNode> entry : weights.properties()) {
      Leg leg = JsonBodies.choice(entry.getKey(), "weights", Arrays.asList(Leg.values()));
      if (!legs.contains(leg)) {
        throw Problem.invalid(
            "weights",
            "This search is by " + ids(legs) + ", so " + leg.id() + " has no weight in it.");
      }
      changed =
          changed.weight(leg, JsonBodies.weight(entry.getValue(), "weights." + entry.getKey()));
    }
    HybridQuery weighted = changed;
    if (legs.stream().allMatch(leg -> weighted.options(leg).weight() == 0)) {
      throw JsonBodies.wrong("weights", "a weight above 0 for one of " + ids(legs), weights);
    }
    return weighted;
  }

  private static WordBoosts boosts(JsonNode boosts) {
    if (!boosts.isObject()) {
      throw JsonBodies.wrong("boosts", "an object such as {\"title\": 2, \"text\": 1}", boosts);
    }
    double text = WordBoosts.NONE.text();
    double title = WordBoosts.NONE.title();
    for (Map.Entry<String, JsonNode> entry : boosts.properties()) {
      double boost = JsonBodies.weight(entry.getValue(), "boosts." + entry.getKey());
      switch (entry.getKey()) {
        case "text" -> text = boost;
        case "title" -> title = boost;
        default ->
            throw Problem.invalid(
                "boosts", "Expected title or text, got \"" + entry.getKey() + "\".");
      }
    }
    if (text == 0 && title == 0) {
      throw JsonBodies.wrong("boosts", "a boost above 0", boosts);
    }
    return new WordBoosts(text, title);
  }

  /** By the reranker that is named, or by the first one unless weights of vectors are given. */
  private HybridQuery reranked(HybridQuery query, JsonNode rerank, EmbeddingEngine engine) {
    if (!(rerank instanceof ObjectNode how)) {
      throw JsonBodies.wrong("rerank", "an object such as {\"depth\": 50}", rerank);
    }
    JsonBodies.requireKnown(how, "depth", "weights", "model");
    int depth = JsonBodies.integer(how, "depth", 50, 1, MAX_TOP);
    String name = JsonBodies.stringOr(how, "model");
    if (name != null && how.has("weights")) {
      throw Problem.invalid("rerank", "Expected \"model\" or \"weights\" to rerank by, found both");
    }
    if (how.has("weights")) {
      return query.rerank(
          new HybridQuery.Rerank(depth, RequestOptions.weights(engine, how.get("weights"))));
    }
    ServedReranker reranker =
        name == null ? models.reranker(null) : models.rerankerOf(name, "rerank.model");
    return reranker == null
        ? query.rerank(depth)
        : query.rerank(PassageScorer.of(reranker.reranker()), depth);
  }
}
