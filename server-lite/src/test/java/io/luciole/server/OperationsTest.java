package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.lucene.Fusion;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Keys, TLS, CORS, health, meters, overload, hang-ups, shutdown. */
@Timeout(120)
class OperationsTest {
  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();

  private static ServerConfig with(Map<String, String> properties) {
    return ServerConfig.of(LucioleConfig.of(properties)).at("127.0.0.1", 0);
  }

  /** Keeps the device busy until told, for 20 seconds at most. */
  private static Fault holding(CountDownLatch held) {
    return new Fault() {
      @Override
      public void before(TokenBatch batch) {
        try {
          boolean unused = held.await(20, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      }
    };
  }

  private static String sha256(String key) throws Exception {
    return HexFormat.of()
        .formatHex(
            MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8)));
  }

  @Test
  void keys_areAskedForAndCompared() throws Exception {
    ServerConfig config =
        with(
            Map.of(
                "luciole.server.api-keys",
                sha256("first") + "," + sha256("second"),
                "luciole.server.cors-origins",
                "https://a.example"));
    try (Server server = Server.fake(backend, folder, c -> config)) {
      String body = "{\"input\":\"w1\"}";
      assertThat(server.post("/v1/embeddings", body).status()).isEqualTo(401);
      assertThat(server.post("/v1/embeddings", body, "Authorization", "Bearer third").status())
          .isEqualTo(401);
      assertThat(server.post("/v1/embeddings", body, "Authorization", "Bearer second").status())
          .isEqualTo(200);
      assertThat(server.post("/v1/embeddings", body, "X-API-Key", "first").status()).isEqualTo(200);
      for (String open : List.of("/", "/health/live", "/health/ready", "/openapi.json")) {
        assertThat(server.get(open).status()).as(open).isEqualTo(200);
      }
      for (String closed : List.of("/metrics", "/v1/stats", "/v1/models", "/info")) {
        assertThat(server.get(closed).status()).as(closed).isEqualTo(401);
      }
      Server.Answer allowed = server.get("/health/live", "Origin", "https://a.example");
      assertThat(allowed.response().headers().firstValue("Access-Control-Allow-Origin"))
          .hasValue("https://a.example");
      Server.Answer other = server.get("/health/live", "Origin", "https://b.example");
      assertThat(other.response().headers().firstValue("Access-Control-Allow-Origin")).isEmpty();
    }
  }

  @Test
  void pagesOfOthers_changeNothingUnlessNamed() {
    ServerConfig config = with(Map.of("luciole.server.cors-origins", "https://a.example"));
    try (Server server = Server.fake(backend, folder, c -> config)) {
      String own = server.at("/").toString().replaceAll("/$", "");
      Map<List<String>, Integer> statuses =
          Map.ofEntries(
              Map.entry(List.of("Origin", own), 200),
              Map.entry(List.of("Origin", own, "Sec-Fetch-Site", "same-origin"), 200),
              Map.entry(List.of("Sec-Fetch-Site", "none"), 200),
              Map.entry(List.of("Origin", "https://a.example"), 200),
              Map.entry(
                  List.of("Origin", "https://a.example", "Sec-Fetch-Site", "cross-site"), 200),
              Map.entry(List.of("Origin", "https://b.example"), 403),
              Map.entry(List.of("Origin", "null"), 403),
              Map.entry(List.of("Origin", "http://localhost:1"), 403),
              // Behind a proxy the host is another, and the browser knows better.
              Map.entry(
                  List.of("Origin", "https://b.example", "Sec-Fetch-Site", "same-origin"), 200),
              Map.entry(List.of("Sec-Fetch-Site", "cross-site"), 403),
              Map.entry(List.of("Sec-Fetch-Site", "same-site"), 403));
      statuses.forEach((headers, status) -> {
        Server.Answer answer =
            server.post("/v1/embeddings", "{\"input\":\"w1\"}", headers.toArray(String[]::new));
        assertThat(answer.status()).as(headers.toString()).isEqualTo(status);
      });
      assertThat(server.get("/v1/models", "Origin", "https://b.example").status()).isEqualTo(200);
    }
  }

  @Test
  void listeningElsewhereWithoutAKey_isRefusedUnlessInsecure() {
    try (EmbeddingEngine engine = Server.fakeEngine(backend, folder)) {
      ServerConfig everywhere = ServerConfig.defaults().at("0.0.0.0", 0);
      assertThatThrownBy(() -> LucioleServer.start(everywhere, engine))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("--insecure")
          .hasMessageContaining("api-keys");
      try (LucioleServer server = LucioleServer.start(everywhere.insecure(true), engine)) {
        assertThat(server.port()).isPositive();
        assertThatThrownBy(() ->
                LucioleServer.start(
                    ServerConfig.defaults().at("0.0.0.0", server.port()).insecure(true), engine))
            .isInstanceOf(LucioleException.class)
            .hasMessageContaining(Integer.toString(server.port()));
      }
    }
  }

  @Test
  void configuration_namesTheSlip() {
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.server.prot", "1")))
        .hasMessageContaining("luciole.server.port");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.server.port", "99999")))
        .hasMessageContaining("0 to 65535");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.server.api-keys", "secret")))
        .hasMessageContaining("sha256sum")
        .hasMessageNotContaining("secret");
    assertThatThrownBy(() -> with(Map.of("luciole.server.tls-key", "x")))
        .hasMessageContaining("tls-certificate");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.server.timeout", "0s")))
        .hasMessageContaining("above 0");
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.server.cors-origins", "a.example")))
        .hasMessageContaining("https://app.example");
    assertThat(with(Map.of("luciole.server.max-body", "2m")).limits().maxBody()).isEqualTo(2 << 20);
  }

  @Test
  void ready_onlyWhenAnInferenceSucceeds() throws IOException {
    AtomicBoolean broken = new AtomicBoolean(true);
    backend.faults(Fault.throwing(batch -> broken.get()));
    ServerConfig config = with(Map.of("luciole.server.ready-within", "1ms"));
    try (Server server = Server.fake(backend, folder, c -> config)) {
      assertThat(server.get("/health/live").status()).isEqualTo(200);
      Server.Answer not = server.get("/health/ready");
      assertThat(not.status()).isEqualTo(503);
      assertThat(not.json().path("reason").asText()).contains("model failed");
      broken.set(false);
      // The device was given up, and is opened again after a second.
      await().untilAsserted(() -> assertThat(server.get("/health/ready").status()).isEqualTo(200));
      broken.set(true);
      await().untilAsserted(() -> assertThat(server.get("/health/ready").status()).isEqualTo(503));
    }
  }

  @Test
  void overload_isAnsweredWith429_andTheRestIsServed() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    backend.faults(holding(held));
    try (Server server =
        Server.fake(backend, folder, c -> c.limits(Server.limits(100, 1000, 20, 30)))) {
      String body = "{\"input\":\"" + "w1 ".repeat(13) + "\"}"; // 9 tokens by the estimate
      List<CompletableFuture<HttpResponse<String>>> sent =
          java.util.stream.IntStream.range(0, 40)
              .mapToObj(i ->
                  server
                      .client()
                      .sendAsync(
                          server
                              .request("/v1/embeddings")
                              .POST(HttpRequest.BodyPublishers.ofString(body))
                              .build(),
                          HttpResponse.BodyHandlers.ofString()))
              .toList();
      await().until(() -> sent.stream().filter(CompletableFuture::isDone).count() >= 38);
      HttpResponse<String> refused =
          sent.stream().filter(CompletableFuture::isDone).findFirst().orElseThrow().join();
      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(refused.headers().firstValueAsLong("Retry-After").orElse(0)).isBetween(1L, 60L);
      assertThat(refused.body()).contains("try again");
      held.countDown();
      List<Integer> statuses = sent.stream().map(f -> f.join().statusCode()).toList();
      assertThat(statuses).containsOnly(200, 429);
      // One caller holds what is as much as is free: 18 of 30 tokens would leave 12 for 27.
      assertThat(statuses.stream().filter(s -> s == 200).count()).isEqualTo(2);
      assertThat(server.post("/v1/embeddings", body).status()).isEqualTo(200);
      assertThat(server.get("/metrics").body()).contains("luciole_http_refused_total 38.0");
    }
  }

  @Test
  void clientThatHangsUp_cancelsItsQueuedTexts() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    backend.faults(holding(held));
    try (Server server = Server.fake(backend, folder, c -> c)) {
      String body = "{\"input\":[" + "\"w1 w2 w3\",".repeat(499) + "\"w4\"]}";
      try (java.net.Socket socket =
          new java.net.Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
        socket
            .getOutputStream()
            .write(
                ("POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body)
                    .getBytes(StandardCharsets.US_ASCII));
        await().until(() -> server.engine.stats().submitted() == 500);
      }
      // The first batch is on the device; what waits goes without having been there.
      await()
          .until(() ->
              server.engine.stats().bulk().texts() == 0
                  && server.engine.stats().failures().values().stream().mapToLong(l -> l).sum()
                      > 400);
      held.countDown();
      assertThat(server.post("/v1/embeddings", "{\"input\":\"w1\"}").status()).isEqualTo(200);
      await().untilAsserted(() -> assertThat(server.get("/metrics").body()).contains("499"));
    }
  }

  @Test
  void connection_keptAliveThroughASlowRequest_losesNothing() throws Exception {
    backend.faults(Fault.delay(Duration.ofMillis(700)));
    try (Server server = Server.fake(backend, folder, c -> c);
        java.net.Socket socket =
            new java.net.Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(30_000);
      String body = "{\"input\":\"w1\"}";
      String request =
          "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
              + body.length()
              + "\r\n\r\n"
              + body;
      // Two at once and one after: what is read ahead while the first is computed is the second.
      socket.getOutputStream().write((request + request).getBytes(StandardCharsets.US_ASCII));
      for (int i = 0; i < 3; i++) {
        if (i == 2) {
          socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
        }
        assertThat(Server.readAnswer(socket)).startsWith("HTTP/1.1 200").contains("\"embedding\"");
      }
    }
  }

  @Test
  void shutdown_finishesWhatIsUnderWay() throws Exception {
    backend.faults(Fault.delay(Duration.ofMillis(1500)));
    Server server = Server.fake(backend, folder, c -> c);
    CompletableFuture<HttpResponse<String>> underWay =
        server
            .client()
            .sendAsync(
                server
                    .request("/v1/embeddings")
                    .POST(HttpRequest.BodyPublishers.ofString("{\"input\":\"w1\"}"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
    await().until(() -> backend.runs() >= 1);
    server.server.close();
    assertThat(underWay.get(10, TimeUnit.SECONDS).statusCode()).isEqualTo(200);
    assertThatThrownBy(() -> server.get("/health/live")).hasRootCauseInstanceOf(IOException.class);
    server.close();
  }

  @Test
  void connection_endsWithTheAnswer_ifEitherSideSaysSo() throws IOException {
    try (Server server = Server.fake(backend, folder, c -> c.limits(Server.limits(9, 99, 9, 99)))) {
      for (String request :
          List.of(
              "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
              // Refused, and what would be the rest of it never comes.
              "POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9999999\r\n\r\nabc")) {
        try (java.net.Socket socket =
            new java.net.Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
          socket.setSoTimeout(30_000);
          socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
          assertThat(Server.readAnswer(socket)).containsIgnoringCase("connection: close");
          assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
      }
      assertThat(server.get("/metrics").body())
          .contains("route=\"/health/live\",status=\"200\"")
          .contains("route=\"/embed\",status=\"413\"");
    }
  }

  @Test
  void answerInPieces_isWholeOnTheLastRequestOfAConnection() throws IOException {
    try (Server server =
            Server.fake(backend, folder, c -> c.index(folder.resolve("last-request")));
        java.net.Socket socket =
            new java.net.Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(30_000);
      String line = "{\"id\":\"a\",\"text\":\"w1\"}\n";
      socket
          .getOutputStream()
          .write(
              ("POST /v1/documents/bulk HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                      + "Content-Length: "
                      + line.length()
                      + "\r\n\r\n"
                      + line)
                  .getBytes(StandardCharsets.US_ASCII));
      String answer = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertThat(answer)
          .containsIgnoringCase("transfer-encoding: chunked")
          .contains("\"lines\":1,\"failed\":0")
          .endsWith("\r\n0\r\n\r\n");
    }
  }

  @Test
  void head_hasTheHeadOfGet_andNoBody() throws IOException {
    try (Server server = Server.fake(backend, folder, c -> c);
        java.net.Socket socket =
            new java.net.Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(30_000);
      for (String path : List.of("/health/ready", "/", "/nothing", "/v1/search")) {
        socket
            .getOutputStream()
            .write(
                ("HEAD " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
                    .getBytes(StandardCharsets.US_ASCII));
      }
      socket
          .getOutputStream()
          .write(
              "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      String[] heads = all.split("\r\n\r\n", -1);
      assertThat(heads).hasSize(6);
      assertThat(heads[0])
          .startsWith("HTTP/1.1 200")
          .containsIgnoringCase("content-length: " + "{\"status\":\"ready\"}".length());
      assertThat(heads[1]).startsWith("HTTP/1.1 200").contains("text/html");
      assertThat(heads[2]).startsWith("HTTP/1.1 404");
      assertThat(heads[3]).startsWith("HTTP/1.1 405").containsIgnoringCase("allow: POST");
      assertThat(heads[5]).isEqualTo("{\"status\":\"live\"}");
    }
  }

  @Test
  void deadline_isKept() {
    CountDownLatch held = new CountDownLatch(1);
    backend.faults(holding(held));
    ServerConfig config = with(Map.of("luciole.server.timeout", "500ms"));
    try (Server server = Server.fake(backend, folder, c -> config)) {
      Server.Answer late = server.post("/v1/embeddings", "{\"input\":[\"w1\",\"w2\"]}");
      assertThat(late.status()).isEqualTo(504);
      held.countDown();
    }
  }

  @Test
  void fusions_areNamedInThePageTheDocumentAndTheContract() throws IOException {
    String page = Files.readString(Path.of("src/main/resources/io/luciole/server/page.html"));
    JsonNode document =
        Server.MAPPER.readTree(
            Path.of("src/main/resources/io/luciole/server/openapi.json").toFile());
    String search = document.at("/paths/~1v1~1search/post").toString();
    String contract = Files.readString(Path.of("../docs/server.md"));
    for (String name : Fusion.names()) {
      assertThat(contract).contains("`" + name + "`");
      assertThat(search).containsPattern("\"description\":\"[^\"]*\\b" + name + "\\b");
      assertThat(page).contains("<option value=\"" + name.replace(":K", "") + "\">");
    }
  }

  @Test
  void metricsAndStats_tellWhatWasDone() throws IOException {
    try (Server server = Server.fake(backend, folder, c -> c)) {
      server.post("/v1/embeddings", "{\"input\":[\"w1\",\"w2\"]}");
      server.post("/v1/embeddings", "{\"input\":[]}");
      String metrics = server.get("/metrics").body();
      String model = "model=\"" + server.engine.modelName() + '"';
      assertThat(metrics)
          .contains("luciole_texts_embedded_total{" + model + "} 2.0")
          .containsPattern(
              "luciole_http_requests_seconds_count\\{method=\"POST\",route=\"/v1/embeddings\","
                  + "status=\"200\"} 1")
          .containsPattern("route=\"/v1/embeddings\",status=\"400\"} 1")
          .contains("jvm_memory_used_bytes")
          .contains("luciole_http_texts_total{route=\"/v1/embeddings\"} 2.0")
          .contains(
              "luciole_embed_seconds_bucket{lane=\"bulk\"," + model + ",outcome=\"embedded\",le=")
          .contains("luciole_device_texts_total{device=\"cpu\",lane=\"bulk\"," + model + "} 2.0")
          .contains("luciole_device_busy_seconds_total{device=\"cpu\"," + model + "}");
      JsonNode stats = server.get("/v1/stats").json();
      assertThat(stats.at("/engine/embedded").asInt()).isEqualTo(2);
      assertThat(stats.path("index").isNull()).isTrue();
      Server.Answer none = server.post("/v1/search", "{\"query\":\"w1\"}");
      assertThat(none.status()).isEqualTo(404);
      assertThat(none.body()).contains("--index");
    }
  }

  @Test
  void metrics_timeSearchesDocumentsAndCommits() throws IOException {
    try (Server server = Server.fake(backend, folder, c -> c.index(folder.resolve("index")))) {
      assertThat(server.put("/v1/documents/a", "{\"text\":\"w1 w2\"}").status()).isLessThan(300);
      assertThat(server.post("/v1/commit", "").status()).isLessThan(300);
      assertThat(server.post("/v1/search", "{\"query\":\"w1\"}").status()).isEqualTo(200);
      assertThat(server.get("/metrics").body())
          .containsPattern(
              "luciole_search_seconds_bucket\\{index=\"default\",partial=\"false\",le=")
          .contains("luciole_index_document_seconds_count{index=\"default\",outcome=\"written\"} 1")
          .containsPattern("luciole_index_commit_seconds_count\\{index=\"default\"\\} 1");
    }
  }

  @Test
  void theTableOfStatuses_isWrittenDown() throws IOException {
    String page = Files.readString(Path.of("../docs/server.md"));
    Map<Throwable, Integer> table =
        Map.ofEntries(
            Map.entry(new java.util.concurrent.TimeoutException(), 504),
            Map.entry(new io.luciole.DeadlineExceededException("x"), 504),
            Map.entry(new io.luciole.EmbeddingInterruptedException("x"), 503),
            Map.entry(new io.luciole.EngineOverloadedException("x"), 429),
            Map.entry(new io.luciole.EngineClosedException("x"), 503),
            Map.entry(
                new io.luciole.spi.BackendOutOfMemoryException("x", new RuntimeException()), 507),
            Map.entry(new io.luciole.spi.BackendException("x"), 500),
            Map.entry(new io.luciole.lucene.ViewGoneException("x"), 410),
            Map.entry(new io.luciole.lucene.IndexException("x"), 500),
            Map.entry(new io.luciole.lucene.IndexUnavailableException("x"), 503),
            Map.entry(new IllegalArgumentException("x"), 400),
            Map.entry(new IllegalStateException("secret"), 500));
    table.forEach((failure, status) -> {
      Problem problem = Problems.of(failure);
      assertThat(problem.status()).as(failure.toString()).isEqualTo(status);
      assertThat(problem.text()).doesNotContain("secret");
      assertThat(page).contains("| " + status + " | `" + problem.code() + "` |");
    });
    for (String code :
        List.of(
            "invalid_api_key",
            "foreign_origin",
            "not_found",
            "model_not_found",
            "method_not_allowed",
            "request_timeout",
            "too_large",
            "overloaded",
            "shutting_down",
            "no_index",
            "index_differs",
            "document_not_found")) {
      assertThat(page).contains("`" + code + "`");
    }
    try (Server server = Server.fake(backend, folder, c -> c)) {
      server
          .server
          .routes()
          .forEach(r ->
              // What stands under /v1 stands for each named index as well.
              assertThat(page)
                  .contains(r.path().replace("{+id}", "{id}").replace("/indexes/{index}/", "/")));
    }
    String settings = Files.readString(Path.of("../docs/settings.md"));
    for (Key<?> key : new ServerKeys().keys()) {
      assertThat(settings).contains("| `" + key.name() + "` |");
    }
  }
}
