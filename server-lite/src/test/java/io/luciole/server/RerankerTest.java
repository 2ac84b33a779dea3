package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.PairScore;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeReranker;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server with a model that embeds and a reranker. */
@Timeout(120)
class RerankerTest {
  private static final List<String> TEXTS =
      IntStream.range(1, 9).mapToObj(i -> "w" + i + " w1").toList();

  @TempDir Path folder;
  private CrossEncoder reranker;
  private Server server;

  @BeforeEach
  void start() throws IOException {
    reranker =
        CrossEncoder.open(
            EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
                .model(FakeReranker.write(Files.createDirectory(folder.resolve("pairs")), 64))
                .backend(new FakeBackend()));
    Path model = Files.createDirectory(folder.resolve("model"));
    ServerConfig.Models names =
        new ServerConfig.Models(
            new LinkedHashMap<>(), new LinkedHashMap<>(), Map.of("rerank-v3.5", "pairs"), false);
    server =
        Server.of(
            Server.fakeEngine(new FakeBackend(), model),
            Map.of("pairs", reranker),
            c -> c.index(folder.resolve("index")).models(names));
  }

  @AfterEach
  void stop() {
    server.close();
    reranker.close();
  }

  private static String request(String texts, String more) {
    String list = TEXTS.stream().map(Server::quoted).collect(Collectors.joining(","));
    return "{\"query\":\"w1\",\"" + texts + "\":[" + list + "]" + more + "}";
  }

  /** That each answer has its text's score, and that they are in descending order. */
  private void assertScores(JsonNode ranking, String field, boolean raw) {
    List<PairScore> scores = reranker.scoreAll("w1", TEXTS);
    double before = Double.POSITIVE_INFINITY;
    assertThat(ranking.size()).isEqualTo(TEXTS.size());
    for (JsonNode each : ranking) {
      PairScore score = scores.get(each.path("index").asInt());
      double found = each.path(field).asDouble();
      assertThat(found).isEqualTo(raw ? score.value() : score.probability(), within(1e-6));
      assertThat(found).isLessThanOrEqualTo(before);
      before = found;
    }
  }

  @Test
  void rerank_isTheRerankers_inTeisShape() throws IOException {
    assertScores(server.post("/rerank", request("texts", "")).json(), "score", false);
    assertScores(
        server.post("/rerank", request("texts", ",\"raw_scores\":true")).json(), "score", true);
  }

  @Test
  void rerank_isTheRerankers_inTheOthersShapes_byAnyOfItsNames() throws IOException {
    for (String path : List.of("/rerank", "/v1/rerank", "/v2/rerank")) {
      for (String model : List.of("", ",\"model\":\"Pairs\"", ",\"model\":\"rerank-v3.5\"")) {
        JsonNode answer = server.post(path, request("documents", model)).json();
        assertScores(answer.path("results"), "relevance_score", false);
        assertThat(answer.path("model").asText()).isEqualTo("pairs");
        assertThat(answer.at("/usage/total_tokens").asInt()).isEqualTo(TEXTS.size() * 7);
      }
    }
  }

  @Test
  void modelThatEmbeds_andWeights_rankByVectors() throws IOException {
    String name = server.engine.modelName();
    JsonNode byName =
        server.post("/v1/rerank", request("documents", ",\"model\":" + Server.quoted(name))).json();
    assertThat(byName.path("model").asText()).isEqualTo(name);
    JsonNode byWeights =
        server.post("/v1/rerank", request("documents", ",\"weights\":{\"dense\":1}")).json();
    assertThat(byWeights.path("model").asText()).isEqualTo(name);
    Server.Answer both =
        server.post(
            "/v1/rerank", request("documents", ",\"model\":\"pairs\",\"weights\":{\"dense\":1}"));
    assertThat(both.status()).isEqualTo(400);
    assertThat(both.body()).contains("Weights are those of vectors");
  }

  @Test
  void longPair_isRefused_orCut() {
    String query = "{\"query\":\"w1\",\"texts\":[" + Server.quoted("w2 ".repeat(100)) + "]";
    Server.Answer refused = server.post("/rerank", query + ",\"truncate\":false}");
    assertThat(refused.status()).isEqualTo(422);
    assertThat(refused.body()).contains("64");
    assertThat(server.post("/rerank", query + ",\"truncate\":true}").status()).isEqualTo(200);
  }

  @Test
  void reranker_isListedAmongTheModels_asWhatItIs() throws IOException {
    JsonNode models = server.get("/v1/models").json().path("data");
    JsonNode last = models.get(models.size() - 1);
    assertThat(last.path("capabilities").toString()).isEqualTo("[\"rerank\"]");
    assertThat(last.has("dimensions")).isFalse();
    String name = last.path("id").asText();
    assertThat(server.get("/v1/models/" + name).json().path("id").asText()).isEqualTo(name);
    assertThat(models.get(0).path("capabilities").toString()).contains("embed");
  }

  @Test
  void reranker_embedsNothing_andIsInReadinessAndMeters() {
    Server.Answer refused = server.post("/v1/embeddings", "{\"model\":\"pairs\",\"input\":\"w1\"}");
    assertThat(refused.status()).isEqualTo(400);
    assertThat(refused.body()).contains("is a reranker");
    assertThat(server.post("/v1/rerank", request("documents", ",\"model\":\"x\"")).status())
        .isEqualTo(404);
    server.post("/rerank", request("texts", ""));
    assertThat(server.get("/metrics").body())
        .contains("luciole_texts_embedded_total{model=\"pairs\"} 8.0");
    assertThat(server.get("/health/ready").status()).isEqualTo(200);
    reranker.close();
    assertThat(server.get("/health/ready").body()).contains("pairs", "CLOSED");
  }

  @Test
  void search_ranksByTheReranker() throws IOException {
    String lines =
        IntStream.range(0, TEXTS.size())
            .mapToObj(i -> "{\"id\":\"d" + i + "\",\"text\":" + Server.quoted(TEXTS.get(i)) + "}\n")
            .collect(Collectors.joining());
    assertThat(server.post("/v1/documents/bulk?commit=true", lines).status()).isEqualTo(200);
    List<PairScore> scores = reranker.scoreAll("w1", TEXTS);
    for (String how : List.of("{}", "{\"model\":\"pairs\",\"depth\":20}")) {
      JsonNode hits =
          server
              .post("/v1/search", "{\"query\":\"w1\",\"rerank\":" + how + "}")
              .json()
              .path("hits");
      assertThat(hits.size()).isEqualTo(TEXTS.size());
      double before = Double.POSITIVE_INFINITY;
      for (JsonNode hit : hits) {
        int of = Integer.parseInt(hit.path("id").asText().substring(1));
        double score = hit.path("score").asDouble();
        assertThat(score).isEqualTo(scores.get(of).value(), within(1e-5));
        assertThat(score).isLessThanOrEqualTo(before);
        before = score;
      }
    }
    String name = Server.quoted(server.engine.modelName());
    Server.Answer unknown =
        server.post("/v1/search", "{\"query\":\"w1\",\"rerank\":{\"model\":" + name + "}}");
    assertThat(unknown.status()).isEqualTo(400);
    assertThat(unknown.body()).contains("no reranker", "pairs");
  }

  @Test
  void searchByARerankerThatIsNotServed_saysHowToServeOne(@TempDir Path folder) {
    try (Server server =
        Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("i")))) {
      Server.Answer unknown =
          server.post("/v1/search", "{\"query\":\"w1\",\"rerank\":{\"model\":\"nope\"}}");
      assertThat(unknown.status()).as(unknown.body()).isEqualTo(404);
      assertThat(unknown.body())
          .contains("\"model_not_found\"", "rerank.model", "no reranker", "--rerank-model");
    }
  }
}
