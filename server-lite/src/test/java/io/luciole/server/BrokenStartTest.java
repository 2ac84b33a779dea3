package io.luciole.server;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.LucioleConfig;
import io.luciole.lucene.IndexMismatchException;
import io.luciole.testkit.FakeBackend;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.Lock;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server that starts while one of its indexes cannot be opened. */
@Timeout(180)
class BrokenStartTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @TempDir Path folder;

  private Server open() {
    return Server.fake(
        new FakeBackend(), folder, c -> c.indexes(c.indexes().folder(folder.resolve("indexes"))));
  }

  private Path index(String name) {
    return folder.resolve("indexes").resolve(name);
  }

  private static void assertOk(Server.Answer answer) {
    assertThat(answer.status()).as(answer.body()).isEqualTo(200);
  }

  @BeforeEach
  void makeIndexes() {
    try (Server server = open()) {
      for (String name : new String[] {"good", "bad"}) {
        assertOk(server.put("/v1/indexes/" + name, "{}"));
        assertOk(server.put("/v1/indexes/" + name + "/documents/a", "{\"text\":\"w1\"}"));
      }
    }
  }

  private Path commit() throws IOException {
    return commit("bad");
  }

  private Path commit(String name) throws IOException {
    try (Stream<Path> files = Files.list(index(name))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("segments_"))
          .findFirst()
          .orElseThrow();
    }
  }

  private void assertToldOfBad(Server server, String reason) throws IOException {
    Server.Answer refused =
        server.post("/v1/indexes/bad/search", "{\"query\":\"w1\",\"legs\":[\"bm25\"]}");
    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.body()).contains("index_unavailable").contains(reason);
    assertThat(refused.response().headers().firstValue("Retry-After")).isPresent();
    assertThat(server.put("/v1/indexes/bad/documents/b", "{\"text\":\"w1\"}").status())
        .isEqualTo(503);
    assertThat(server.put("/v1/indexes/bad", "{}").status()).isEqualTo(503);
    assertThat(server.get("/v1/indexes/bad").status()).isEqualTo(503);
    Server.Answer ready = server.get("/health/ready");
    assertThat(ready.status()).isEqualTo(503);
    assertThat(ready.body()).contains("index \\\"bad\\\"").contains(reason);
    JsonNode listed = server.get("/v1/indexes").json().path("indexes").get(0);
    assertThat(listed.path("state").asText()).isEqualTo("failed");
    assertThat(listed.path("problem").asText()).contains(reason);
    for (String told : List.of(refused.body(), ready.body(), listed.toString())) {
      assertThat(told).as("clients are not told where files are").doesNotContain("" + folder);
    }
    assertThat(server.get("/metrics").body())
        .contains("luciole_index_failures_total{index=\"bad\"} 1.0")
        .contains("luciole_index_writable{index=\"bad\"} 0.0")
        .contains("luciole_index_writable{index=\"good\"} 1.0");
    assertOk(server.post("/v1/indexes/good/search", "{\"query\":\"w1\"}"));
    assertOk(server.put("/v1/indexes/good/documents/b", "{\"text\":\"w1\"}"));
  }

  private static void assertBack(Server server) {
    await().atMost(PATIENCE).until(() -> server.get("/health/ready").status() == 200);
    assertOk(server.put("/v1/indexes/bad/documents/b?commit=true", "{\"text\":\"w1\"}"));
    assertThat(server.get("/v1/indexes/bad/documents").body()).contains("\"a\"").contains("\"b\"");
    assertThat(server.get("/metrics").body())
        .contains("luciole_index_writable{index=\"bad\"} 1.0")
        .contains("luciole_index_documents{index=\"bad\"} 2.0");
  }

  @Test
  void damagedIndex_isToldAlone_andOpenedOnceItIsRestored() throws IOException {
    Path commit = commit();
    byte[] whole = Files.readAllBytes(commit);
    Files.write(commit, Arrays.copyOf(whole, whole.length / 2));
    try (Server server = open()) {
      assertToldOfBad(server, "is damaged");
      Files.write(commit, whole);
      assertBack(server);
    }
  }

  @Test
  void lockedIndex_isToldAlone_andOpenedOnceItIsFree() throws IOException {
    try (FSDirectory directory = FSDirectory.open(index("bad"))) {
      Lock lock = directory.obtainLock(IndexWriter.WRITE_LOCK_NAME);
      try (Server server = open()) {
        assertToldOfBad(server, "writes to the index");
        assertThat(server.delete("/v1/indexes/bad").body()).contains("writes to the index");
        lock.close();
        assertBack(server);
      }
    }
  }

  @Test
  void damagedIndex_canBeDeleted_andMadeAnew() throws IOException {
    Files.write(commit(), new byte[7]);
    try (Server server = open()) {
      assertOk(server.delete("/v1/indexes/bad"));
      assertThat(index("bad")).doesNotExist();
      assertOk(server.get("/health/ready"));
      assertThat(server.get("/v1/indexes/bad").status()).isEqualTo(404);
      assertThat(server.get("/metrics").body()).doesNotContain("index=\"bad\"");
      assertOk(server.put("/v1/indexes/bad", "{}"));
      assertOk(server.put("/v1/indexes/bad/documents/b", "{\"text\":\"w1\"}"));
    }
  }

  @Test
  void allIndexesThatFailed_areNamed_andEachIsOneLineOfTheLog() throws IOException {
    for (String name : new String[] {"good", "bad"}) {
      Files.write(commit(name), new byte[7]);
    }
    PrintStream usual = System.err;
    ByteArrayOutputStream logged = new ByteArrayOutputStream();
    // Where slf4j-simple writes.
    System.setErr(new PrintStream(logged, true, UTF_8));
    try (Server server = open()) {
      assertThat(logged.toString(UTF_8))
          .contains("The index \"bad\" cannot be opened")
          .contains("The index \"good\" cannot be opened")
          .contains("Format version is not supported")
          .doesNotContain("\tat ");
      assertThat(server.get("/health/ready").body())
          .contains("the index \\\"bad\\\"")
          .contains("the index \\\"good\\\"");
      assertThat(server.get("/v1/indexes/other").body()).contains("this server has bad, good.");
    } finally {
      System.setErr(usual);
    }
  }

  @Test
  void damagedDefaultIndex_isOpenedOnceItIsRestored_asTheSettingsSay() throws IOException {
    Path commit = commit();
    byte[] whole = Files.readAllBytes(commit);
    Files.write(commit, new byte[7]);
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c.index(index("bad")))) {
      assertThat(server.get("/v1/index").status()).isEqualTo(503);
      assertThat(server.get("/v1/stats").json().path("index").isNull()).isTrue();
      Files.write(commit, whole);
      await().atMost(PATIENCE).until(() -> server.get("/health/ready").status() == 200);
      assertOk(server.get("/v1/documents/a"));
    }
  }

  /** What no time can mend is told at once. */
  @Test
  void wrongSettings_endTheStart() {
    ServerConfig config =
        ServerConfig.of(
                LucioleConfig.of(
                    Map.of(
                        "luciole.server.index",
                        index("bad").toString(),
                        "luciole.server.metadata",
                        "year=long")))
            .at("127.0.0.1", 0);
    assertThatThrownBy(() -> Server.fake(new FakeBackend(), folder, c -> config).close())
        .isInstanceOf(IndexMismatchException.class)
        .hasMessageContaining("has the schema");
    assertThatThrownBy(() -> Server.starter(c -> c.index(index("bad"))).close())
        .isInstanceOf(IndexMismatchException.class)
        .hasMessageContaining("holds vectors of the model");
  }

  @Test
  void documents_areRefusedWhileTheDiskHasHardlyAnyRoom_andTheRestGoesOn() throws IOException {
    try (Server server =
        Server.fake(
            new FakeBackend(),
            folder,
            c -> c.indexes(c.indexes().index(index("good")).minDisk(Long.MAX_VALUE)))) {
      Server.Answer refused = server.put("/v1/documents/b", "{\"text\":\"w1\"}");
      assertThat(refused.status()).isEqualTo(507);
      assertThat(refused.body()).contains("disk_full").contains("luciole.server.min-disk");
      Server.Answer several =
          server.put("/v1/documents", "{\"documents\":[{\"id\":\"b\",\"text\":\"w1\"}]}");
      assertThat(several.status()).as(several.body()).isEqualTo(507);
      Server.Answer bulk =
          server.post(
              "/v1/documents/bulk?commit=true",
              "{\"id\":\"b\",\"text\":\"w1\"}\n{\"delete\":\"c\"}\n");
      assertOk(bulk);
      assertThat(bulk.body())
          .contains("\"id\":\"b\",\"status\":507")
          .contains("\"id\":\"c\",\"status\":200,\"result\":\"not_found\"")
          .endsWith("\"failed\":1,\"committed\":true}\n");
      assertThat(server.get("/health/ready").body()).contains("nearly full");
      assertThat(server.get("/metrics").body())
          .contains("luciole_index_writable{index=\"default\"} 0.0");
      assertThat(server.get("/v1/index").json().path("state").asText()).isEqualTo("full");
      assertOk(server.post("/v1/search", "{\"query\":\"w1\"}"));
      assertOk(server.delete("/v1/documents/a"));
      assertOk(server.post("/v1/commit", ""));
    }
  }
}
