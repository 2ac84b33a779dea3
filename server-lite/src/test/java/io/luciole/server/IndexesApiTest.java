package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.IndexException;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** Indexes that are made, named, described and deleted over HTTP, and one that fails. */
@Timeout(180)
class IndexesApiTest {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  @TempDir Path folder;

  private Server open() {
    return Server.fake(
        new FakeBackend(),
        folder,
        c -> c.indexes(c.indexes().folder(folder.resolve("indexes")).commits(PATIENCE, 1000)));
  }

  private static JsonNode ok(Server.Answer answer) throws IOException {
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json();
  }

  @Test
  void namedIndexes_areMadeWithTheirFields_searchedApart_andThereAfterARestart()
      throws IOException {
    String spec =
        "{\"analyzer\":\"en\",\"passages\":{\"tokens\":16},\"quantization\":\"8bit\","
            + "\"sparse_form\":\"features\",\"colbert\":\"int8\",\"bm25\":{\"k1\":0.9},"
            + "\"metadata\":{\"year\":\"long\"}}";
    try (Server server = open()) {
      assertThat(server.get("/v1/index").status()).isEqualTo(404);
      assertThat(server.post("/v1/search", "{\"query\":\"w1\"}").body()).contains("no_index");
      JsonNode made = ok(server.put("/v1/indexes/books", spec));
      assertThat(made.path("result").asText()).isEqualTo("created");
      assertThat(made.path("schema").toString())
          .isEqualTo(
              "{\"analyzer\":\"en\",\"bm25\":{\"k1\":0.9,\"b\":0.75},\"passages\":{\"tokens\":16,"
                  + "\"overlap\":2},\"quantization\":\"8bit\",\"sparse_form\":\"features\","
                  + "\"sparse_weights\":\"exact\","
                  + "\"colbert\":\"int8\",\"metadata\":{\"year\":\"long\"}}");
      // What the answer says makes the same index again.
      assertThat(ok(server.put("/v1/indexes/books", made.path("schema").toString())).toString())
          .contains("\"result\":\"exists\"");
      assertThat(ok(server.put("/v1/indexes/books", "{}")).path("result").asText())
          .isEqualTo("exists");
      ok(server.put("/v1/index", ""));
      ok(
          server.put(
              "/v1/indexes/books/documents/a?commit=true",
              "{\"text\":\"" + "w1 w2. ".repeat(40) + "w9.\",\"year\":1990}"));
      ok(server.put("/v1/documents/b?commit=true", "{\"text\":\"w1\"}"));
      JsonNode hit =
          ok(server.post("/v1/indexes/books/search", "{\"query\":\"w9\",\"legs\":[\"bm25\"]}"));
      assertThat(hit.at("/hits/0/id").asText()).isEqualTo("a");
      assertThat(hit.at("/hits/0/passage/text").asText()).contains("w9");
      assertThat(ok(server.post("/v1/search", "{\"query\":\"w9\"}")).findValuesAsText("id"))
          .containsExactly("b");
      assertThat(ok(server.get("/v1/indexes/default")).path("documents").asInt()).isEqualTo(1);
      assertThat(ok(server.get("/v1/indexes/books")).path("passages").asInt()).isGreaterThan(5);
    }
    try (Server server = open()) {
      assertThat(ok(server.get("/v1/indexes")).findValuesAsText("name"))
          .containsExactly("books", "default");
      assertThat(ok(server.get("/v1/indexes/books")).at("/schema/metadata/year").asText())
          .isEqualTo("long");
      assertThat(server.get("/metrics").body())
          .contains("luciole_index_failures_total{index=\"books\"} 0.0");
      ok(server.delete("/v1/indexes/books"));
      assertThat(folder.resolve("indexes/books")).doesNotExist();
      assertThat(server.get("/v1/indexes/books").status()).isEqualTo(404);
      assertThat(server.delete("/v1/indexes/books").status()).isEqualTo(404);
      assertThat(server.put("/v1/indexes/books/documents/a", "{\"text\":\"w1\"}").body())
          .contains("PUT /v1/indexes/books makes one");
    }
  }

  @Test
  void indexThatDiffers_isRefusedWithTheDifferences_unlessItIsEmpty() throws IOException {
    try (Server server = open()) {
      ok(server.put("/v1/indexes/a", "{\"metadata\":{\"year\":\"long\"}}"));
      ok(server.put("/v1/indexes/a", "{\"metadata\":{\"year\":\"double\"},\"analyzer\":\"de\"}"));
      ok(server.put("/v1/indexes/a/documents/1", "{\"text\":\"w1\",\"year\":1990}"));
      Server.Answer differs =
          server.put(
              "/v1/indexes/a",
              "{\"metadata\":{\"year\":\"long\"},\"analyzer\":\"en\",\"quantization\":\"none\"}");
      assertThat(differs.status()).isEqualTo(409);
      assertThat(differs.body())
          .contains("index_differs")
          .contains("analyzer")
          .contains("de")
          .contains("double")
          .doesNotContain("quantization");
    }
  }

  @Test
  void whatARequestDoesNotName_staysAsTheIndexHasIt() throws IOException {
    SequencedMap<String, EmbeddingEngine> engines = new LinkedHashMap<>();
    engines.put("one", Server.fakeEngine(new FakeBackend(), folder));
    engines.put("two", Server.fakeEngine(new FakeBackend(), folder));
    String kept =
        "\"analyzer\":\"en\",\"bm25\":{\"k1\":0.9,\"b\":0.5},\"passages\":{\"tokens\":16,\"overlap\":4},"
            + "\"quantization\":\"8bit\",\"sparse_form\":\"blocks\","
            + "\"sparse_weights\":\"10bit\",\"colbert\":\"residual2\","
            + "\"metadata\":{\"year\":\"long\"}";
    try (Server server =
        Server.of(engines, c -> c.indexes(c.indexes().folder(folder.resolve("indexes"))))) {
      ok(server.put("/v1/indexes/a", "{" + kept + "}"));
      JsonNode other = ok(server.put("/v1/indexes/a", "{\"model\":\"two\"}"));
      assertThat(other.path("result").asText()).isEqualTo("created");
      assertThat(other.path("model").asText()).isEqualTo("two");
      assertThat(other.path("schema").toString()).isEqualTo("{" + kept + "}");
      JsonNode half = ok(server.put("/v1/indexes/a", "{\"bm25\":{\"k1\":1.1},\"colbert\":null}"));
      assertThat(half.path("model").asText()).isEqualTo("two");
      assertThat(half.path("schema").toString())
          .isEqualTo("{" + kept.replace("0.9", "1.1").replace("\"residual2\"", "null") + "}");
    }
  }

  @Test
  void wrongSpecs_andNames_areRefusedWithTheMember() throws IOException {
    try (Server server = open()) {
      Map<String, String> wrong =
          Map.ofEntries(
              Map.entry("{\"analyser\":\"en\"}", "Unknown field"),
              Map.entry("{\"analyzer\":\"klingon\"}", "\"param\":\"analyzer\""),
              Map.entry("{\"quantization\":\"3bit\"}", "\"param\":\"quantization\""),
              Map.entry("{\"sparse_form\":\"terms\"}", "\"param\":\"sparse_form\""),
              Map.entry("{\"quantization\":\"8bit-only\"}", "\"param\":\"quantization\""),
              Map.entry("{\"sparse_weights\":\"9bit\"}", "\"param\":\"sparse_weights\""),
              Map.entry(
                  "{\"sparse_form\":\"features\",\"sparse_weights\":\"8bit\"}",
                  "\"param\":\"sparse_weights\""),
              Map.entry("{\"colbert\":\"int4\"}", "\"param\":\"colbert\""),
              Map.entry("{\"metadata\":{\"year\":\"int\"}}", "\"param\":\"metadata.year\""),
              Map.entry("{\"metadata\":{\"year\":1}}", "\"param\":\"metadata.year\""),
              Map.entry("{\"metadata\":{\"id\":\"long\"}}", "\"param\":\"metadata.id\""),
              Map.entry("{\"metadata\":{\"title\":\"keyword\"}}", "beside its metadata"),
              Map.entry("{\"metadata\":[]}", "\"param\":\"metadata\""),
              Map.entry("{\"passages\":256}", "\"param\":\"passages\""),
              Map.entry("{\"passages\":{\"tokens\":8}}", "\"param\":\"passages\""),
              Map.entry("{\"bm25\":{\"b\":2}}", "\"param\":"),
              Map.entry("{\"model\":\"gpt\"}", "\"param\":\"model\""));
      wrong.forEach((body, message) -> {
        Server.Answer answer = server.put("/v1/indexes/a", body);
        assertThat(answer.status()).as(answer.body()).isIn(400, 404);
        assertThat(answer.body()).contains(message);
      });
      for (String name : new String[] {"A", "..", "a.b", "-a", "a".repeat(65)}) {
        assertThat(server.put("/v1/indexes/" + name, "{}").status()).as(name).isIn(400, 404);
      }
      assertThat(ok(server.get("/v1/indexes")).path("indexes")).isEmpty();
    }
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c)) {
      assertThat(server.put("/v1/indexes/a", "{}").body()).contains("luciole.server.indexes");
    }
  }

  @Test
  void settings_holdForNewIndexes() throws IOException {
    ServerConfig config =
        ServerConfig.of(
                LucioleConfig.of(
                    Map.of(
                        "luciole.server.index",
                        folder.resolve("one").toString(),
                        "luciole.server.indexes",
                        folder.resolve("more").toString(),
                        "luciole.server.passage-tokens",
                        "32",
                        "luciole.server.passage-overlap",
                        "0",
                        "luciole.server.analyzer",
                        "standard",
                        "luciole.server.colbert",
                        "float32",
                        "luciole.server.quantization",
                        "4bit")))
            .at("127.0.0.1", 0);
    try (Server server = Server.fake(new FakeBackend(), folder, c -> config)) {
      JsonNode schema = ok(server.get("/v1/index")).path("schema");
      assertThat(schema.at("/passages/tokens").asInt()).isEqualTo(32);
      assertThat(schema.at("/passages/overlap").asInt()).isZero();
      assertThat(schema.path("analyzer").asText()).isEqualTo("standard");
      assertThat(schema.path("colbert").asText()).isEqualTo("float32");
      assertThat(schema.path("quantization").asText()).isEqualTo("4bit");
      JsonNode other = ok(server.put("/v1/indexes/x", "{\"passages\":null,\"colbert\":null}"));
      assertThat(other.at("/schema/passages").isNull()).isTrue();
      assertThat(other.at("/schema/colbert").isNull()).isTrue();
      assertThat(other.at("/schema/analyzer").asText()).isEqualTo("standard");
    }
    ServerConfig wrong =
        ServerConfig.of(
                LucioleConfig.of(
                    Map.of(
                        "luciole.server.index",
                        folder.resolve("two").toString(),
                        "luciole.server.analyzer",
                        "klingon")))
            .at("127.0.0.1", 0);
    assertThatThrownBy(() -> Server.fake(new FakeBackend(), folder, c -> wrong).close())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("analyzer");
  }

  @Test
  void indexInUse_orAFile_isToldAsThat() throws IOException {
    Path index = folder.resolve("index");
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c.index(index))) {
      assertThat(server.get("/v1/index").status()).isEqualTo(200);
      assertThat(server.get("/v1/indexes/books").body())
          .contains("\\\"default\\\" alone", "luciole.server.indexes");
      assertThatThrownBy(() -> Server.fake(new FakeBackend(), folder, c -> c.index(index)).close())
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("writes to the index")
          .hasMessageContaining(index.toString());
    }
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertThatThrownBy(() -> Server.fake(new FakeBackend(), folder, c -> c.index(file)).close())
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("found the file " + file);
  }

  /** A path that ends in "." cannot be removed, as a mount point cannot. */
  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void folderThatCannotBeRemoved_isEmptied_andUsedAgain() throws IOException {
    Path mount = Files.createDirectory(folder.resolve("mount"));
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c.index(mount.resolve(".")))) {
      JsonNode made = ok(server.put("/v1/index", "{\"metadata\":{\"year\":\"long\"}}"));
      assertThat(made.path("result").asText()).isEqualTo("created");
      ok(server.put("/v1/documents/a?commit=true", "{\"text\":\"w1\",\"year\":1990}"));
      ok(server.delete("/v1/index"));
      assertThat(mount).isEmptyDirectory();
      assertThat(server.get("/metrics").body()).doesNotContain("index=\"default\"");
      ok(server.put("/v1/index", ""));
      ok(server.put("/v1/documents/a?commit=true", "{\"text\":\"w1\"}"));
      ok(server.get("/health/ready"));
    }
  }

  @Test
  void indexWhoseFolderIsGone_isDeleted_withItsMeters() throws IOException {
    try (Server server = open()) {
      ok(server.put("/v1/indexes/a", "{}"));
      ok(server.put("/v1/indexes/a/documents/1", "{\"text\":\"w1\"}"));
      Files.move(folder.resolve("indexes/a"), folder.resolve("away"));
      ok(server.delete("/v1/indexes/a"));
      assertThat(server.get("/metrics").body()).doesNotContain("index=\"a\"");
      assertThat(ok(server.get("/v1/indexes")).path("indexes")).isEmpty();
      ok(server.put("/v1/indexes/a", "{}"));
    }
  }

  @Test
  void newIndex_whereSomethingElseIs_isRefused() throws IOException {
    Path indexes = Files.createDirectory(folder.resolve("indexes"));
    Files.writeString(Files.createDirectory(indexes.resolve("bogus")).resolve("notes.txt"), "x");
    Files.writeString(indexes.resolve("file"), "x");
    try (Server server = open()) {
      for (String name : new String[] {"bogus", "file"}) {
        Server.Answer refused = server.put("/v1/indexes/" + name, "{}");
        assertThat(refused.status()).as(refused.body()).isEqualTo(409);
        assertThat(refused.body()).contains("index_differs").contains("Expected").contains("found");
      }
      assertThat(ok(server.get("/v1/indexes")).path("indexes")).isEmpty();
    }
    assertThat(indexes.resolve("bogus/notes.txt")).exists();
    assertThat(indexes.resolve("file")).exists();
  }

  @Test
  void indexThatFails_isNotReady_counted_andComesBack() throws IOException {
    Path index = folder.resolve("index");
    Path away = folder.resolve("away");
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c.index(index))) {
      ok(server.put("/v1/documents/a?commit=true", "{\"text\":\"w1\"}"));
      ok(server.get("/health/ready"));
      ok(server.put("/v1/documents/b", "{\"text\":\"w1\"}"));
      Files.move(index, away);
      Server.Answer broken = server.get("/health/ready");
      assertThat(broken.status()).isEqualTo(503);
      assertThat(broken.body()).contains("index \\\"default\\\"").contains("is gone");
      Server.Answer refused = server.put("/v1/documents/c", "{\"text\":\"w1\"}");
      assertThat(refused.status()).isEqualTo(503);
      assertThat(refused.body()).contains("index_unavailable");
      assertThat(refused.response().headers().firstValue("Retry-After")).isPresent();
      Server.Answer bulk =
          server.post("/v1/documents/bulk", "{\"id\":\"c\",\"text\":\"w1\"}\n{\"delete\":\"a\"}\n");
      assertThat(bulk.body())
          .contains("\"id\":\"c\",\"status\":503")
          .endsWith("\"failed\":2,\"committed\":false}\n");
      // What was seen last is still found.
      assertThat(ok(server.post("/v1/search", "{\"query\":\"w1\"}")).path("hits")).isNotEmpty();
      await()
          .atMost(PATIENCE)
          .until(() ->
              server
                  .get("/metrics")
                  .body()
                  .contains("luciole_index_lost_total{index=\"default\"} 1.0"));
      assertThat(ok(server.get("/v1/index")).toString())
          .contains("\"state\":\"failed\"")
          .contains("\"failures\":1,\"lost\":1")
          .contains("send again");
      Files.move(away, index);
      await().atMost(PATIENCE).until(() -> server.get("/health/ready").status() == 200);
      assertThat(server.get("/metrics").body())
          .contains("luciole_index_failures_total{index=\"default\"} 1.0");
      assertThat(server.get("/v1/documents/b").status()).isEqualTo(404);
      ok(server.put("/v1/documents/c?commit=true", "{\"text\":\"w1\"}"));
      assertThat(ok(server.get("/v1/index")).path("documents").asInt()).isEqualTo(2);
    }
  }
}
