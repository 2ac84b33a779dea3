package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.Fusion;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.WriteOptions;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Search and documents over HTTP, on English texts of the demo's corpus with the starter model. */
@Timeout(240)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class SearchApisTest {
  private static final int TEXTS = 60;

  @TempDir static Path folder;
  private Path index;
  private Server server;
  private String lines;

  @BeforeAll
  void open() throws IOException {
    index = folder.resolve("index");
    // A schema with fields that can be ranges; the server leaves it as it is.
    try (EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model("starter").open();
        HybridIndexer indexer =
            HybridIndexer.open(
                index,
                engine,
                WriteOptions.defaults()
                    .schema(
                        HybridSchema.builder(engine)
                            .analyzer("en")
                            .metadata("number", MetadataType.LONG)
                            .build()))) {
      indexer.commit();
    }
    List<String> english = new ArrayList<>();
    for (String line : Files.readAllLines(Path.of("../examples/corpus/corpus.jsonl"))) {
      ObjectNode document = (ObjectNode) Server.MAPPER.readTree(line);
      if (english.size() < TEXTS && document.path("text").asText().matches("\\p{ASCII}+")) {
        document.put("number", english.size());
        english.add(document.toString());
      }
    }
    lines = String.join("\n", english) + "\n";
    server = Server.starter(c -> c.index(index));
  }

  @AfterAll
  void close() {
    server.close();
  }

  private JsonNode search(String body) throws IOException {
    Server.Answer answer = server.post("/v1/search", body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json();
  }

  private static List<String> ids(JsonNode answer) {
    List<String> ids = new ArrayList<>();
    answer.path("hits").forEach(hit -> ids.add(hit.path("id").asText()));
    return ids;
  }

  @Test
  @Order(1)
  void bulk_takesTheCorpusAndAnswersEachLine() throws IOException {
    Server.Answer answer = server.post("/v1/documents/bulk?commit=true", lines);
    List<String> results = answer.body().lines().toList();
    assertThat(results).hasSize(TEXTS + 1);
    assertThat(results.get(TEXTS)).isEqualTo("{\"lines\":60,\"failed\":0,\"committed\":true}");
    JsonNode stats = server.get("/v1/stats").json().path("index");
    assertThat(stats.path("documents").asInt()).isEqualTo(TEXTS);
    assertThat(stats.path("committed_documents").asInt()).isEqualTo(TEXTS);
    assertThat(stats.path("bytes").asLong()).isPositive();
    assertThat(stats.path("bytes_by_field").size()).isPositive();
    assertThat(stats.path("uncommitted").asBoolean()).isFalse();
  }

  @Test
  @Order(2)
  void search_givesWhatTheLibraryGives() throws IOException {
    JsonNode answer =
        search(
            "{\"query\":\"insects that glow\",\"top\":5,\"fusion\":\"rrf:20\","
                + "\"weights\":{\"dense\":1,\"bm25\":0.5},\"explain\":true}");
    try (HybridSearcher searcher = HybridSearcher.open(index, server.engine)) {
      List<Hit> hits =
          searcher
              .search(
                  HybridQuery.of("insects that glow")
                      .top(5)
                      .weight(Leg.BM25, 0.5)
                      .fusion(Fusion.rrf(20)))
              .hits();
      assertThat(ids(answer)).isEqualTo(hits.stream().map(Hit::id).toList());
      for (int i = 0; i < hits.size(); i++) {
        JsonNode hit = answer.path("hits").get(i);
        assertThat(hit.path("score").asDouble()).isEqualTo(hits.get(i).score());
        assertThat(hit.path("text").asText()).isEqualTo(hits.get(i).text());
        assertThat(hit.path("explain").asText()).contains("rrf:20");
        double sum = 0;
        for (JsonNode leg : hit.path("legs")) {
          sum += leg.path("contribution").asDouble();
        }
        // What the legs add is the score.
        assertThat((float) sum).isEqualTo((float) hits.get(i).score());
      }
    }
  }

  @Test
  @Order(2)
  void search_legsWeightsAndPages() throws IOException {
    List<String> words = ids(search("{\"query\":\"river water\",\"legs\":[\"bm25\"]}"));
    List<String> meaning = ids(search("{\"query\":\"river water\",\"legs\":[\"dense\"]}"));
    assertThat(words).isNotEqualTo(meaning);
    JsonNode unweighted = search("{\"query\":\"river water\",\"weights\":{\"dense\":0}}");
    assertThat(ids(unweighted)).isEqualTo(words);
    assertThat(unweighted.path("legs").has("dense")).isFalse();
    List<String> all = ids(search("{\"query\":\"river water\",\"top\":8}"));
    List<String> page = ids(search("{\"query\":\"river water\",\"top\":4,\"offset\":4}"));
    assertThat(page).isEqualTo(all.subList(4, 8));
  }

  @Test
  @Order(2)
  void search_refusesWeightsThatMeanNothing() throws IOException {
    Map<String, String> wrong =
        Map.of(
            "{\"query\":\"x\",\"weights\":{\"sparse\":1}}", "dense, bm25",
            "{\"query\":\"x\",\"legs\":[\"bm25\"],\"weights\":{\"dense\":1}}", "by bm25",
            "{\"query\":\"x\",\"weights\":{\"dense\":0,\"bm25\":0}}", "above 0",
            "{\"query\":\"x\",\"legs\":[\"bm25\"],\"weights\":{\"bm25\":0}}", "above 0");
    for (Map.Entry<String, String> each : wrong.entrySet()) {
      Server.Answer answer = server.post("/v1/search", each.getKey());
      assertThat(answer.status()).as(each.getKey()).isEqualTo(400);
      assertThat(answer.body()).contains("weights").contains(each.getValue());
    }
  }

  @Test
  @Order(2)
  void search_phrasesBeginningsAndBoosts() throws IOException {
    List<String> words = ids(word("river water", "{}"));
    List<String> phrase = ids(word("\\\"river water\\\"", "{}"));
    assertThat(words).containsAll(phrase).hasSizeGreaterThan(phrase.size());
    assertThat(ids(word("riv* wat*", "{}"))).containsAll(words);
    JsonNode boosted = word("river", "{\"text\":2,\"title\":0}");
    JsonNode plain = word("river", "{}");
    assertThat(boosted.at("/hits/0/legs/bm25/score").asDouble())
        .isPositive()
        .isCloseTo(2 * plain.at("/hits/0/legs/bm25/score").asDouble(), within(1e-4));
    for (String wrong :
        List.of("{\"body\":1}", "{\"title\":-1}", "{\"title\":0,\"text\":0}", "2")) {
      Server.Answer answer =
          server.post("/v1/search", "{\"query\":\"x\",\"boosts\":" + wrong + "}");
      assertThat(answer.status()).as(wrong).isEqualTo(400);
      assertThat(answer.body()).as(wrong).contains("boosts");
    }
  }

  private JsonNode word(String query, String boosts) throws IOException {
    return search(
        "{\"query\":\"%s\",\"legs\":[\"bm25\"],\"top\":60,\"boosts\":%s}".formatted(query, boosts));
  }

  @Test
  @Order(2)
  void search_filters() throws IOException {
    JsonNode some =
        search("{\"query\":\"water\",\"filter\":{\"number\":{\"gte\":10,\"lt\":20}},\"top\":50}");
    assertThat(some.path("hits").size()).isBetween(1, 10);
    some.path("hits")
        .forEach(hit ->
            assertThat(hit.at("/metadata/number").asInt())
                .isGreaterThanOrEqualTo(10)
                .isLessThan(20));
    String first = some.path("hits").get(0).path("id").asText();
    String number = some.path("hits").get(0).at("/metadata/number").asText();
    assertThat(ids(search("{\"query\":\"water\",\"filter\":{\"number\":" + number + "}}")))
        .containsExactly(first);
    assertThat(ids(search("{\"query\":\"water\",\"filter\":{\"$id\":[\"" + first + "\"]}}")))
        .containsExactly(first);
    assertThat(
            ids(
                search(
                    "{\"query\":\"water\",\"top\":60,\"filter\":{\"$not\":{\"$id\":\""
                        + first
                        + "\"}}}")))
        .hasSizeGreaterThan(20)
        .doesNotContain(first);
    assertThat(
            ids(
                search(
                    "{\"query\":\"water\",\"filter\":{\"$any\":[{\"number\":[1,2]},{\"number\":3}]}}")))
        .hasSize(3);
  }

  @Test
  @Order(2)
  void search_highlightsTheWordsThatMatched() throws IOException {
    JsonNode answer = search("{\"query\":\"the river\",\"highlight\":true}");
    int marks = 0;
    double most = 0;
    for (JsonNode hit : answer.path("hits")) {
      for (JsonNode span : hit.path("highlights")) {
        String text = hit.path(span.path("field").asText()).asText();
        String marked = text.substring(span.path("start").asInt(), span.path("end").asInt());
        assertThat(marked.toLowerCase(java.util.Locale.ROOT)).startsWith("river");
        assertThat(span.path("weight").asDouble()).isGreaterThan(0).isLessThanOrEqualTo(1);
        most = Math.max(most, span.path("weight").asDouble());
        marks++;
      }
    }
    assertThat(marks).isPositive();
    assertThat(most).isEqualTo(1);
  }

  @Test
  @Order(3)
  void documents_arePutReplacedDeletedAndCommitted() throws IOException {
    Server.Answer created =
        server.put("/v1/documents/new", "{\"text\":\"quokkas smile\",\"lang\":\"en\"}");
    assertThat(created.json().path("result").asText()).isEqualTo("created");
    // Found within about a second, before any commit.
    await()
        .untilAsserted(() ->
            assertThat(ids(search("{\"query\":\"quokkas\",\"legs\":[\"bm25\"]}")))
                .containsExactly("new"));
    assertThat(server.get("/v1/stats").json().at("/index/uncommitted").asBoolean()).isTrue();
    JsonNode two =
        server
            .put(
                "/v1/documents",
                "{\"documents\":[{\"id\":\"new\",\"text\":\"wombats dig\"},"
                    + "{\"_id\":\"new2\",\"title\":\"T\",\"text\":\"wombats sleep\"}]}")
            .json();
    assertThat(two.at("/results/0/result").asText()).isEqualTo("replaced");
    assertThat(two.at("/results/1/result").asText()).isEqualTo("created");
    assertThat(server.post("/v1/commit", "").json().path("documents").asInt()).isEqualTo(TEXTS + 2);
    assertThat(ids(search("{\"query\":\"quokkas\",\"legs\":[\"bm25\"]}"))).isEmpty();
    assertThat(ids(search("{\"query\":\"wombats\",\"legs\":[\"bm25\"]}")))
        .containsExactlyInAnyOrder("new", "new2");
    Server.Answer gone = server.delete("/v1/documents/new?commit=true");
    assertThat(gone.status()).isEqualTo(200);
    assertThat(gone.json().path("result").asText()).isEqualTo("deleted");
    assertThat(ids(search("{\"query\":\"wombats\",\"legs\":[\"bm25\"]}"))).containsExactly("new2");
    Server.Answer deleted =
        server.post("/v1/documents/bulk?commit=true&results=failed", "{\"delete\":\"new2\"}\n");
    assertThat(deleted.body()).isEqualTo("{\"lines\":1,\"failed\":0,\"committed\":true}\n");
    assertThat(server.delete("/v1/documents/new").json().path("result").asText())
        .isEqualTo("not_found");
    assertThat(
            server
                .post(
                    "/v1/documents/bulk",
                    "{\"id\":\"new\",\"text\":\"back\"}\n{\"delete\":\"new\"}\n{\"delete\":\"new\"}\n")
                .body())
        .containsSubsequence("\"created\"", "\"deleted\"", "\"not_found\"");
    assertThat(server.get("/v1/stats").json().at("/index/documents").asInt()).isEqualTo(TEXTS);
  }

  @Test
  @Order(4)
  void sparseAndTokenVectors_searchAndRerank(@TempDir Path other) throws IOException {
    try (Server fake =
        Server.fake(new FakeBackend(), other, c -> c.index(other.resolve("index")))) {
      fake.post(
          "/v1/documents/bulk?commit=true",
          """
          {"id":"a","text":"w1 w2 w3"}
          {"id":"b","text":"w3 w4 w5"}
          {"id":"c","text":"w6 w7"}
          """);
      JsonNode answer =
          fake.post("/v1/search", "{\"query\":\"w3 w4\",\"legs\":[\"sparse\"],\"highlight\":true}")
              .json();
      // Every text shares the special tokens, to which the fake gives weights.
      assertThat(ids(answer)).startsWith("b", "a");
      assertThat(answer.at("/hits/0/tokens").size()).isGreaterThanOrEqualTo(2);
      assertThat(answer.at("/hits/0/highlights").toString())
          .contains("\"start\":0,\"end\":2", "\"by\":\"sparse\"");
    }
  }
}
