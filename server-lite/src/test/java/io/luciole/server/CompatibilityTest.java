package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.Scores;
import io.luciole.model.TextToken;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What clients of other servers send by default, and what they expect back. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CompatibilityTest {
  private static final String TEXT = "Fireflies glow at night.";
  private static final String LONG = "firefly ".repeat(600) + "moon";
  private static final String BODY = "{\"inputs\":\"" + TEXT + "\"}";

  @TempDir static Path folder;
  private Server starter;
  private Server fake;

  @BeforeAll
  void open() {
    starter = Server.starter(c -> c);
    fake = Server.fake(new FakeBackend(), folder, c -> c);
  }

  @AfterAll
  void close() {
    starter.close();
    fake.close();
  }

  private float[] dense(String text, EmbedOptions options) {
    return starter.engine.embed(text, options).join().dense();
  }

  /** In another batch sums come in another order, magnified where bytes round. */
  private static void assertAlike(JsonNode found, float[] expected) {
    assertThat(found.size()).isEqualTo(expected.length);
    double dot = 0;
    double length = 0;
    for (int i = 0; i < expected.length; i++) {
      dot += found.get(i).doubleValue() * expected[i];
      length += found.get(i).doubleValue() * found.get(i).doubleValue();
    }
    assertThat(dot / Math.sqrt(length)).isCloseTo(1, within(1e-4));
  }

  private JsonNode ok(Server server, String path, String body) throws IOException {
    Server.Answer answer = server.post(path, body);
    assertThat(answer.status()).as(path + ' ' + answer.body()).isEqualTo(200);
    return answer.json();
  }

  @Test
  void root_embedsComparesOrReranks_byItsFields() throws IOException {
    for (String path : List.of("/", "/invocations")) {
      assertAlike(ok(starter, path, BODY).get(0), dense(TEXT, EmbedOptions.passage()));
      JsonNode scores =
          ok(
              starter,
              path,
              "{\"inputs\":{\"source_sentence\":\"bees\",\"sentences\":[\"bees\",\"stars\"]}}");
      assertThat(scores.get(0).doubleValue()).isCloseTo(1, within(1e-4));
      assertThat(scores.get(1).doubleValue()).isLessThan(0.99);
      JsonNode ranks =
          ok(
              starter,
              path,
              "{\"query\":\"insects that glow\",\"texts\":[\"Stocks fell.\",\"" + TEXT + "\"]}");
      assertThat(ranks.at("/0/index").asInt()).isEqualTo(1);
    }
    assertThat(starter.get("/").body()).contains("<html");
  }

  @Test
  void pathsWithoutVersion_areThoseOfOpenAi() throws IOException {
    JsonNode answer = ok(starter, "/embeddings", "{\"input\":\"" + TEXT + "\"}");
    assertAlike(answer.at("/data/0/embedding"), dense(TEXT, EmbedOptions.passage()));
    assertThat(answer.path("id").asText()).isNotBlank();
    assertThat(answer.path("created").asLong()).isPositive();
    assertThat(starter.get("/models").json().at("/data/0/id").asText()).isEqualTo("starter");
    assertThat(starter.get("/models/starter").status()).isEqualTo(200);
    assertThat(starter.get("/ping").status()).isEqualTo(200);
  }

  @Test
  void predict_isRefusedWithWhatThereIs() throws IOException {
    Server.Answer answer = starter.post("/predict", BODY);
    assertThat(answer.status()).isEqualTo(424);
    assertThat(answer.json().path("error_type").asText()).isEqualTo("backend");
    assertThat(answer.json().path("error").asText()).contains("/embed", "/rerank");
  }

  @Test
  void tokenIds_areRefusedWithTheRemedy() throws IOException {
    // What LangChain's OpenAIEmbeddings sends by default: ids of OpenAI's cl100k_base.
    String ids = "[[37,3433,81,552,37066,520,3814,13]]";
    Server.Answer openAi =
        starter.post(
            "/v1/embeddings",
            "{\"input\":" + ids + ",\"model\":\"starter\",\"encoding_format\":\"base64\"}");
    assertThat(openAi.status()).isEqualTo(400);
    assertThat(openAi.json().at("/error/code").asText()).isEqualTo("token_ids_refused");
    assertThat(openAi.json().at("/error/message").asText())
        .contains("check_embedding_ctx_length=False", "luciole.server.token-ids");
    assertThat(starter.post("/v1/embeddings", "{\"input\":[1,2,3]}").status()).isEqualTo(400);
    assertThat(starter.post("/v1/m3/embeddings", "{\"input\":[[1]]}").status()).isEqualTo(400);
    assertThat(starter.post("/embed", "{\"inputs\":" + ids + "}").status()).isEqualTo(422);
  }

  @Test
  void longTexts_areTruncatedUnlessTheRequestSaysOtherwise() throws IOException {
    float[] start = dense(LONG, EmbedOptions.passage());
    assertAlike(ok(starter, "/embed", "{\"inputs\":\"" + LONG + "\"}").get(0), start);
    Server.Answer refused =
        starter.post("/embed", "{\"inputs\":\"" + LONG + "\",\"truncate\":false}");
    assertThat(refused.status()).isEqualTo(422);
    assertThat(refused.json().path("error_type").asText()).isEqualTo("validation");
    assertThat(refused.json().path("error").asText()).contains("512", "1203", "truncate");
    JsonNode end =
        ok(starter, "/embed", "{\"inputs\":\"" + LONG + "\",\"truncation_direction\":\"Left\"}");
    List<TextToken> tokens = starter.engine.tokens(LONG, Role.PASSAGE);
    int[] last =
        tokens.subList(tokens.size() - 511, tokens.size() - 1).stream()
            .mapToInt(TextToken::id)
            .toArray();
    assertAlike(end.get(0), starter.engine.embed(last, EmbedOptions.passage()).join().dense());
    assertThat(starter.get("/info").json().path("auto_truncate").asBoolean()).isTrue();
    Server.Answer voyage =
        starter.post("/v1/embeddings", "{\"input\":\"" + LONG + "\",\"truncation\":false}");
    assertThat(voyage.status()).isEqualTo(400);
    assertThat(voyage.json().at("/error/code").asText()).isEqualTo("text_too_long");
  }

  @Test
  void tei_emptyBatch_isToldAsSuch() throws IOException {
    Server.Answer answer = starter.post("/embed", "{\"inputs\":[]}");
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json().path("error_type").asText()).isEqualTo("empty");
  }

  @Test
  void tokenize_isWhole_andDecodeGivesItBack() throws IOException {
    String text = "Ein Glühwürmchen 🐝 " + LONG;
    JsonNode tokens = ok(starter, "/tokenize", "{\"inputs\":\"" + text + "\"}").get(0);
    assertThat(tokens.size()).isEqualTo(starter.engine.tokens(text, Role.PASSAGE).size());
    assertThat(tokens.size()).isGreaterThan(1200);
    assertThat(tokens.get(0).path("text").asText()).isEqualTo("[CLS]");
    assertThat(tokens.get(0).path("start").isNull()).isTrue();
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    List<Integer> ids = new ArrayList<>();
    for (JsonNode token : tokens) {
      ids.add(token.path("id").asInt());
      if (!token.path("special").asBoolean()) {
        int start = token.path("start").asInt();
        String piece =
            new String(bytes, start, token.path("stop").asInt() - start, StandardCharsets.UTF_8);
        assertThat(token.path("text").asText()).isEqualTo(piece);
      }
    }
    JsonNode plain =
        ok(starter, "/tokenize", "{\"inputs\":[\"moon\"],\"add_special_tokens\":false}").get(0);
    assertThat(plain.size()).isEqualTo(1);
    JsonNode decoded = ok(starter, "/decode", "{\"ids\":[" + ids + "]}");
    assertThat(decoded.get(0).asText()).startsWith("ein gluhwurmchen").endsWith("firefly moon");
    Server.Answer outside = starter.post("/decode", "{\"ids\":[99999999]}");
    assertThat(outside.status()).isEqualTo(422);
    assertThat(outside.body()).contains("0 to 30521");
  }

  @Test
  void computeHeaders_tellWhatAnAnswerCost() {
    for (String path : List.of("/embed", "/v1/embeddings")) {
      var headers =
          starter
              .post(path, path.equals("/embed") ? BODY : "{\"input\":\"" + TEXT + "\"}")
              .response()
              .headers();
      assertThat(headers.firstValue("x-compute-characters")).hasValue("" + TEXT.length());
      assertThat(headers.firstValueAsLong("x-compute-tokens").orElse(0)).isGreaterThan(4);
      assertThat(headers.firstValue("x-compute-type")).hasValue("cpu");
      assertThat(headers.firstValueAsLong("x-compute-time")).isPresent();
      assertThat(headers.firstValueAsLong("x-total-time")).isPresent();
    }
  }

  @Test
  void cohere_embedsInBothVersions() throws IOException {
    float[] expected = dense(TEXT, EmbedOptions.query());
    String texts = "\"texts\":[\"" + TEXT + "\"],\"input_type\":\"search_query\"";
    for (String path : List.of("/v1/embed", "/embed")) {
      JsonNode plain = ok(starter, path, "{" + texts + "}");
      assertThat(plain.path("response_type").asText()).isEqualTo("embeddings_floats");
      assertAlike(plain.at("/embeddings/0"), expected);
    }
    JsonNode typed =
        ok(
            starter,
            "/v2/embed",
            "{"
                + texts
                + ",\"embedding_types\":[\"float\",\"int8\",\"uint8\",\"binary\",\"ubinary\"]}");
    assertThat(typed.path("response_type").asText()).isEqualTo("embeddings_by_type");
    assertThat(typed.at("/texts/0").asText()).isEqualTo(TEXT);
    assertThat(typed.at("/meta/billed_units/input_tokens").asInt()).isGreaterThan(4);
    JsonNode by = typed.path("embeddings");
    assertAlike(by.at("/float/0"), expected);
    for (int i = 0; i < expected.length; i++) {
      int eight = by.at("/int8/0").get(i).asInt();
      assertThat(eight).isBetween(-127, 127);
      assertThat(by.at("/uint8/0").get(i).asInt()).isEqualTo(eight + 128);
      int bits = by.at("/ubinary/0").get(i / 8).asInt();
      assertThat((bits >> (7 - i % 8)) & 1).isEqualTo(expected[i] > 0 ? 1 : 0);
      assertThat(by.at("/binary/0").get(i / 8).asInt()).isEqualTo(bits - 128);
    }
    JsonNode parts =
        ok(
            starter,
            "/v2/embed",
            "{\"inputs\":[{\"content\":[{\"type\":\"text\",\"text\":\""
                + TEXT
                + "\"}]}],\"input_type\":\"search_query\"}");
    assertAlike(parts.at("/embeddings/float/0"), expected);
    Server.Answer none =
        starter.post("/v2/embed", "{\"texts\":[\"" + LONG + "\"],\"truncate\":\"NONE\"}");
    assertThat(none.status()).isEqualTo(400);
    assertThat(none.json().path("message").asText()).contains("512");
    assertThat(starter.post("/v1/embed", "{\"texts\":[]}").status()).isEqualTo(400);
  }

  @Test
  void voyageAndJina_embedWithTheirFields() throws IOException {
    JsonNode voyage =
        ok(
            starter,
            "/v1/embeddings",
            "{\"input\":[\""
                + TEXT
                + "\"],\"input_type\":\"query\",\"truncation\":true,\"output_dimension\":64,"
                + "\"output_dtype\":\"int8\"}");
    assertThat(voyage.at("/data/0/embedding").size()).isEqualTo(64);
    assertThat(voyage.at("/data/0/embedding/0").isInt()).isTrue();
    JsonNode jina =
        ok(
            starter,
            "/v1/embeddings",
            "{\"input\":[{\"text\":\"" + TEXT + "\"}],\"task\":\"retrieval.query\"}");
    assertAlike(jina.at("/data/0/embedding"), dense(TEXT, EmbedOptions.query()));
  }

  @Test
  void rerank_answersVoyagesAndJinasClients() throws IOException {
    JsonNode answer =
        ok(
            starter,
            "/v1/rerank",
            "{\"query\":\"insects that glow\",\"documents\":[\"Stocks fell.\",\""
                + TEXT
                + "\"],\"top_k\":1,\"return_documents\":true,\"truncation\":true}");
    assertThat(answer.path("data").size()).isEqualTo(1);
    assertThat(answer.at("/data/0/index").asInt()).isEqualTo(1);
    assertThat(answer.at("/data/0/document").asText()).isEqualTo(TEXT);
    assertThat(answer.at("/results/0/document/text").asText()).isEqualTo(TEXT);
    assertThat(answer.at("/results/0/relevance_score"))
        .isEqualTo(answer.at("/data/0/relevance_score"));
    Embedding query = starter.engine.embed("insects that glow", EmbedOptions.query()).join();
    Embedding best = starter.engine.embed(TEXT, EmbedOptions.passage()).join();
    assertThat(answer.at("/data/0/relevance_score").floatValue())
        .isCloseTo(Scores.dense(query, best), within(1e-3f));
  }

  @Test
  void weaviate_getsVectorsAndSignsOfLife() throws IOException {
    JsonNode one =
        ok(starter, "/vectors", "{\"text\":\"" + TEXT + "\",\"config\":{\"task_type\":\"query\"}}");
    assertAlike(one.path("vector"), dense(TEXT, EmbedOptions.query()));
    assertThat(one.path("dims").asInt()).isEqualTo(384);
    assertThat(one.path("text").asText()).isEqualTo(TEXT);
    JsonNode several = ok(starter, "/vectors", "{\"texts\":[\"a\",\"" + TEXT + "\"]}");
    assertAlike(several.at("/vectors/1"), dense(TEXT, EmbedOptions.passage()));
    assertThat(starter.get("/meta").json().path("model_name").asText()).isEqualTo("starter");
    assertThat(starter.get("/.well-known/live").status()).isEqualTo(204);
    assertThat(starter.get("/.well-known/ready").status()).isEqualTo(204);
  }

  @Test
  void sparse_asMapsAndObjects_hasTheEnginesWeights() throws IOException {
    String body = "{\"inputs\":[\"w1 w2 w1\",\"w3\"]}";
    Embedding expected =
        fake.engine.embed("w1 w2 w1", EmbedOptions.query().outputs(Output.SPARSE)).join();
    JsonNode maps = ok(fake, "/embed_sparse?format=map&role=query", body);
    assertThat(maps.size()).isEqualTo(2);
    assertThat(maps.get(0).size()).isEqualTo(expected.sparse().size());
    for (int i = 0; i < expected.sparse().size(); i++) {
      int id = expected.sparse().id(i);
      float weight = expected.sparse().weight(i);
      assertThat(maps.get(0).path("" + id).floatValue()).isEqualTo(weight);
      String token = fake.engine.decodeToken(id);
      assertThat(
              ok(fake, "/embed_sparse?format=map&tokens=text&role=query", body)
                  .get(0)
                  .path(token)
                  .floatValue())
          .isEqualTo(weight);
      JsonNode object = ok(fake, "/embed_sparse?format=object&role=query", body);
      assertThat(object.at("/data/0/sparse/" + i + "/token").asText()).isEqualTo("" + id);
      assertThat(object.at("/data/0/sparse/" + i + "/weight").floatValue()).isEqualTo(weight);
    }
    Server.Answer unknown = fake.post("/embed_sparse?format=csv", body);
    assertThat(unknown.status()).isEqualTo(422);
    assertThat(unknown.body()).contains("list, map, object");
    Server.Answer role = fake.post("/embed_sparse?role=author", body);
    assertThat(role.status()).isEqualTo(422);
    assertThat(role.body()).contains("\\\"role\\\"");
  }

  @Test
  void meters_areThereUnderTheOthersNames_unlessSwitchedOff() {
    starter.post("/embed", BODY);
    starter.post("/embed", "{\"inputs\":[\"a\",\"b\"]}");
    starter.post("/embed", "{}");
    assertThat(starter.get("/metrics").body())
        .containsPattern("te_request_count\\{method=\"single\"} [1-9]")
        .containsPattern("te_request_count\\{method=\"batch\"} [1-9]")
        .containsPattern("te_request_success\\{method=\"batch\"} [1-9]")
        .containsPattern("te_request_failure\\{err=\"validation\"} [1-9]")
        .containsPattern("te_embed_success [1-9]")
        .contains("te_queue_size 0.0")
        .contains(
            "te_request_duration_bucket{le=",
            "te_request_inference_duration_bucket{le=",
            "te_request_queue_duration_bucket{le=",
            "te_embed_duration_bucket{le=",
            "te_batch_next_size_bucket{le=\"1.0\"}",
            "te_batch_next_tokens_bucket{le=",
            "te_request_input_length_bucket{le=")
        .contains("http_requests_total{handler=\"/embed\",method=\"POST\",status=\"2xx\"}")
        .contains("http_request_duration_seconds_bucket{handler=\"/embed\",method=\"POST\",le=");
    try (Server other =
        Server.fake(
            new FakeBackend(),
            folder,
            c -> c.compatibility(new ServerConfig.Compatibility(true, false, false)))) {
      other.post("/embed", "{\"inputs\":\"w1\"}");
      assertThat(other.get("/metrics").body()).doesNotContain("te_", "http_requests_total{handler");
    }
  }

  @Test
  void browsers_maySendTheHeadersOfOpenAisClient() {
    String origin = "https://a.example";
    ServerConfig base = ServerConfig.of(Server.settings("luciole.server.cors-origins", origin));
    try (Server server = Server.fake(new FakeBackend(), folder, c -> base.at("127.0.0.1", 0))) {
      String asked =
          "authorization,content-type,traceparent,x-stainless-arch,x-stainless-lang,"
              + "x-stainless-os,x-stainless-retry-count,x-stainless-runtime,x-stainless-timeout";
      Server.Answer preflight = preflight(server, origin, asked);
      assertThat(preflight.status()).isEqualTo(204);
      var headers = preflight.response().headers();
      assertThat(headers.firstValue("Access-Control-Allow-Origin")).hasValue(origin);
      assertThat(headers.firstValue("Access-Control-Allow-Headers")).hasValue(asked);
      assertThat(headers.firstValue("Access-Control-Allow-Methods").orElse("")).contains("POST");
      Server.Answer other = preflight(server, "https://b.example", asked);
      assertThat(other.response().headers().firstValue("Access-Control-Allow-Headers")).isEmpty();
      Server.Answer answer = server.post("/v1/embeddings", "{\"input\":\"w1\"}", "Origin", origin);
      assertThat(answer.response().headers().firstValue("Access-Control-Expose-Headers").orElse(""))
          .contains("X-Request-Id", "Retry-After");
    }
  }

  private static Server.Answer preflight(Server server, String origin, String headers) {
    return server.send(
        server
            .request(
                "/v1/embeddings",
                "Origin",
                origin,
                "Access-Control-Request-Method",
                "POST",
                "Access-Control-Request-Headers",
                headers)
            .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
  }
}
