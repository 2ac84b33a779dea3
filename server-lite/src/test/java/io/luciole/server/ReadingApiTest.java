package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.LucioleConfig;
import io.luciole.lucene.IndexDescription;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Documents that are read back, listed, counted and exported, their bounds and their commits. */
@Timeout(180)
class ReadingApiTest {
  private static final int DOCUMENTS = 57;

  @TempDir Path folder;

  private Server open(Path index) {
    ServerConfig typed =
        ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.metadata", "n=long")));
    return Server.fake(new FakeBackend(), folder, c -> c.indexes(typed.indexes().index(index)));
  }

  private static JsonNode ok(Server.Answer answer) throws IOException {
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
    return answer.json();
  }

  private static void fill(Server server) throws IOException {
    String lines =
        IntStream.range(0, DOCUMENTS)
            .mapToObj(n ->
                "{\"id\":\"d/"
                    + n
                    + "\",\"title\":\"T"
                    + n
                    + "\",\"text\":\"w1 w2\",\"n\":"
                    + n
                    + ",\"a\":{\"b\":[1.50,true,\"é\"]}}\n")
            .collect(Collectors.joining());
    assertThat(server.post("/v1/documents/bulk?commit=true", lines).body())
        .contains("\"failed\":0,\"committed\":true");
  }

  private static String encoded(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8);
  }

  @Test
  void document_isReadAsItWasPut_andHeadTellsWhetherItIsThere() throws IOException {
    try (Server server = open(folder.resolve("index"))) {
      String document =
          "{\"title\":\"T\",\"text\":\"w1\",\"n\":7,\"tags\":[\"x\",\"y\"],\"o\":{\"p\":1.50}}";
      ok(server.put("/v1/documents/a?commit=true", document));
      assertThat(server.get("/v1/documents/a").body())
          .isEqualTo(
              "{\"id\":\"a\",\"title\":\"T\",\"text\":\"w1\","
                  + "\"metadata\":{\"n\":7,\"tags\":[\"x\",\"y\"],\"o\":{\"p\":1.50}}}");
      assertThat(server.get("/v1/documents/b").body()).contains("document_not_found");
      for (String id : List.of("a", "b")) {
        HttpRequest.Builder head =
            server
                .request("/v1/documents/" + id)
                .method("HEAD", HttpRequest.BodyPublishers.noBody());
        assertThat(server.send(head).status()).isEqualTo(id.equals("a") ? 200 : 404);
      }
      assertThat(ok(server.delete("/v1/documents/b")).path("result").asText())
          .isEqualTo("not_found");
    }
  }

  @Test
  void list_givesEachDocumentOnce_byCursor_andByFilter() throws IOException {
    try (Server server = open(folder.resolve("index"))) {
      fill(server);
      List<String> seen = new ArrayList<>();
      String cursor = "";
      while (cursor != null) {
        JsonNode page =
            ok(
                server.get(
                    "/v1/documents?limit=10" + (cursor.isEmpty() ? "" : "&cursor=" + cursor)));
        page.path("documents").forEach(document -> seen.add(document.path("id").asText()));
        cursor = page.path("cursor").textValue();
        // Documents that come and go between the pages neither repeat nor hide others.
        ok(
            server.put(
                "/v1/documents?commit=true", "{\"documents\":[{\"id\":\"a\",\"text\":\"\"}]}"));
        ok(server.delete("/v1/documents", "{\"ids\":[\"a\"]}"));
      }
      assertThat(seen)
          .doesNotHaveDuplicates()
          .isSorted()
          .containsAll(IntStream.range(0, DOCUMENTS).mapToObj(n -> "d/" + n).toList());
      String filter = encoded("{\"n\":{\"lt\":5}}");
      JsonNode few = ok(server.get("/v1/documents?limit=100&filter=" + filter));
      assertThat(few.path("documents")).hasSize(5);
      assertThat(few.path("cursor").isNull()).isTrue();
      for (String wrong :
          List.of(
              "limit=0",
              "limit=1001",
              "limit=x",
              "cursor=%25",
              "filter=x",
              "filter=%7B%22n%22:%7B%22$y%22:1%7D%7D")) {
        assertThat(server.get("/v1/documents?" + wrong).status()).as(wrong).isEqualTo(400);
      }
    }
  }

  @Test
  void count_andDeletionByFilter_areExact() throws IOException {
    try (Server server = open(folder.resolve("index"))) {
      fill(server);
      assertThat(ok(server.post("/v1/documents/count", "")).path("count").asInt())
          .isEqualTo(DOCUMENTS);
      String filter = "{\"filter\":{\"n\":{\"gte\":50}}}";
      assertThat(ok(server.post("/v1/documents/count", filter)).path("count").asInt())
          .isEqualTo(DOCUMENTS - 50);
      assertThat(ok(server.delete("/v1/documents?commit=true", filter)).toString())
          .isEqualTo("{\"deleted\":" + (DOCUMENTS - 50) + ",\"committed\":true}");
      assertThat(ok(server.post("/v1/documents/count", "{}")).path("count").asInt()).isEqualTo(50);
      assertThat(server.post("/v1/documents/count", "{\"query\":\"w1\"}").status()).isEqualTo(400);
    }
  }

  @Test
  void export_isWhatABulkIngestionTakes() throws IOException {
    String exported;
    try (Server server = open(folder.resolve("index"))) {
      fill(server);
      Server.Answer answer = server.post("/v1/documents/export", "");
      assertThat(answer.response().headers().firstValue("Content-Type"))
          .contains("application/x-ndjson");
      exported = answer.body();
      assertThat(exported.lines()).hasSize(DOCUMENTS);
      assertThat(server.post("/v1/documents/export", "{\"filter\":{\"n\":3}}").body())
          .isEqualTo(
              "{\"id\":\"d/3\",\"title\":\"T3\",\"text\":\"w1 w2\","
                  + "\"metadata\":{\"n\":3,\"a\":{\"b\":[1.50,true,\"é\"]}}}\n");
    }
    try (Server other = open(folder.resolve("other"))) {
      assertThat(other.post("/v1/documents/bulk?commit=true", exported).body())
          .contains("\"failed\":0");
      assertThat(other.post("/v1/documents/export", "{}").body().lines())
          .containsExactlyInAnyOrderElementsOf(exported.lines().toList());
    }
  }

  @Test
  void searchWithoutAQuery_listsByIds() throws IOException {
    try (Server server = open(folder.resolve("index"))) {
      fill(server);
      JsonNode all = ok(server.post("/v1/search", "{\"top\":3,\"filter\":{\"n\":{\"lt\":20}}}"));
      assertThat(all.path("hits").findValuesAsText("id")).containsExactly("d/0", "d/1", "d/10");
      assertThat(all.at("/matches/value").asInt()).isEqualTo(20);
      assertThat(all.at("/matches/relation").asText()).isEqualTo("exactly");
      assertThat(
              ok(server.post("/v1/search", "{\"top\":1,\"sort\":\"$id:desc\"}"))
                  .path("hits")
                  .findValuesAsText("id"))
          .containsExactly("d/9");
    }
  }

  @Test
  void waitForCommit_isAnsweredWhenTheDocumentIsDurable() throws IOException {
    Path index = folder.resolve("index");
    try (Server server =
        Server.fake(
            new FakeBackend(),
            folder,
            c -> c.indexes(c.indexes().index(index).commits(Duration.ofMillis(300), 1000)))) {
      assertThat(ok(server.put("/v1/documents/a?wait_for=commit", "{\"text\":\"w1\"}")).toString())
          .endsWith("\"committed\":true}");
      assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
      assertThat(
              server
                  .post("/v1/documents/bulk?wait_for=commit", "{\"id\":\"b\",\"text\":\"w1\"}\n")
                  .body())
          .endsWith("\"committed\":true}\n");
      assertThat(IndexDescription.read(index).documents()).isEqualTo(2);
      ok(
          server.put(
              "/v1/documents?wait_for=commit", "{\"documents\":[{\"id\":\"c\",\"text\":\"w\"}]}"));
      assertThat(ok(server.delete("/v1/documents/a?wait_for=commit")).toString())
          .endsWith("\"committed\":true}");
      assertThat(IndexDescription.read(index).documents()).isEqualTo(2);
      ok(server.delete("/v1/documents?wait_for=commit", "{\"ids\":[\"b\",\"c\"]}"));
      assertThat(IndexDescription.read(index).documents()).isZero();
      assertThat(server.put("/v1/documents/d?wait_for=refresh", "{\"text\":\"w1\"}").body())
          .contains("\"param\":\"wait_for\"");
      assertThat(server.put("/v1/documents/d?commit=yes", "{\"text\":\"w1\"}").body())
          .contains("\"param\":\"commit\"");
      assertThat(server.get("/v1/documents/d").status()).isEqualTo(404);
    }
  }

  @Test
  void autoCommit_byNumber() throws IOException {
    Path index = folder.resolve("index");
    try (Server server =
        Server.fake(
            new FakeBackend(),
            folder,
            c -> c.indexes(c.indexes().index(index).commits(Duration.ofHours(1), 2)))) {
      ok(server.put("/v1/documents/a", "{\"text\":\"w1\"}"));
      ok(server.put("/v1/documents/b?wait_for=commit", "{\"text\":\"w1\"}"));
      assertThat(IndexDescription.read(index).documents()).isEqualTo(2);
    }
  }

  @Test
  void documentsBeyondTheirBounds_areRefusedWithTheirNames() throws IOException {
    try (Server server =
        Server.fake(
            new FakeBackend(),
            folder,
            c ->
                c.indexes(
                    c.indexes()
                        .index(folder.resolve("index"))
                        .documents(new IndexSettings.DocumentLimits(10, 4, 100))))) {
      String tooMany = "{\"text\":\"w1\",\"a\":[1,2,3],\"b\":{\"c\":1,\"d\":[2]}}";
      Map<String, String> wrong =
          Map.of(
              "{\"title\":\"01234567890\",\"text\":\"\"}",
              "title",
              tooMany,
              "metadata",
              "{\"text\":\"w1\",\"m\":\"" + "x".repeat(100) + "\"}",
              "metadata");
      wrong.forEach((body, param) -> {
        Server.Answer answer = server.put("/v1/documents/a", body);
        assertThat(answer.status()).as(answer.body()).isEqualTo(413);
        assertThat(answer.body()).contains("\"param\":\"" + param + "\"").contains("may have");
      });
      Server.Answer second =
          server.put(
              "/v1/documents",
              "{\"documents\":[{\"id\":\"a\",\"text\":\"w1\"},{\"id\":\"b\",\"text\":7}]}");
      assertThat(second.status()).isEqualTo(400);
      assertThat(second.body()).contains("\"param\":\"documents[1].text\"");
      assertThat(server.post("/v1/documents/bulk", "{\"id\":\"z\"}\n" + tooMany + "\n").body())
          .contains("{\"line\":1,\"id\":\"z\",\"status\":400")
          .contains("{\"line\":2,\"status\":400");
      // A field of this name is metadata wherever there is more.
      assertThat(
              server
                  .post(
                      "/v1/documents/bulk?commit=true",
                      "{\"delete\":\"o9\",\"text\":\"w1\",\"id\":\"z\"}\n")
                  .body())
          .contains("\"result\":\"created\"");
      assertThat(ok(server.get("/v1/documents/z")).at("/metadata/delete").asText()).isEqualTo("o9");
    }
  }
}
