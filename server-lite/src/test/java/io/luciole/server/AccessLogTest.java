package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.luciole.testkit.Fault;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The line of each request, and the ids that a request is known by. */
@Timeout(60)
class AccessLogTest {
  private static final String KEY = "very-secret";
  private static final String TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
  private static final String SPAN = "00f067aa0ba902b7";
  private static final String LOGGER = "io.luciole.server.access - ";

  @TempDir Path folder;
  private final PrintStream usual = System.err;
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();
  private Server server;

  @BeforeEach
  void open() throws Exception {
    String digest =
        java.util.HexFormat.of()
            .formatHex(
                java.security.MessageDigest.getInstance("SHA-256")
                    .digest(KEY.getBytes(StandardCharsets.UTF_8)));
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.api-keys", digest)))
            .at("127.0.0.1", 0);
    FakeBackend backend =
        new FakeBackend().faults(Fault.throwing(Fault.holding(FakeModel.FIRST_WORD + 666)));
    server = Server.fake(backend, folder, c -> config);
    // Where slf4j-simple writes.
    System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void close() {
    System.setErr(usual);
    server.close();
  }

  /** The lines of requests so far, when there are as many as expected. */
  private List<JsonNode> lines(int expected) throws IOException {
    await().until(() -> text().split(LOGGER, -1).length - 1 >= expected && text().endsWith("\n"));
    List<JsonNode> lines = new ArrayList<>();
    for (String line : text().lines().toList()) {
      if (line.contains(LOGGER)) {
        lines.add(Server.MAPPER.readTree(line.substring(line.indexOf(LOGGER) + LOGGER.length())));
      }
    }
    assertThat(lines).hasSize(expected);
    return lines;
  }

  private String text() {
    return logged.toString(StandardCharsets.UTF_8);
  }

  private Server.Answer embed(String body, String id, String traceparent) {
    return server.post(
        "/v1/embeddings?role=query",
        body,
        "Authorization",
        "Bearer " + KEY,
        "X-Request-Id",
        id,
        "traceparent",
        traceparent);
  }

  private static String id(Server.Answer answer) {
    return answer.response().headers().firstValue("X-Request-Id").orElse("");
  }

  @Test
  void request_isOneLine_withItsIdsAndItsWork() throws IOException {
    String body = "{\"input\":[\"w1 w2\",\"w3\"]}";
    Server.Answer answer = embed(body, "job-7", "00-" + TRACE + "-" + SPAN + "-01");
    assertThat(answer.status()).isEqualTo(200);
    assertThat(id(answer)).isEqualTo("job-7");
    JsonNode line = lines(1).get(0);
    assertThat(line.path("method").asText()).isEqualTo("POST");
    assertThat(line.path("path").asText()).isEqualTo("/v1/embeddings");
    assertThat(line.path("status").asInt()).isEqualTo(200);
    assertThat(line.path("ms").isNumber()).isTrue();
    assertThat(line.path("bytes_in").asInt()).isEqualTo(body.length());
    assertThat(line.path("bytes_out").asInt()).isEqualTo(answer.body().length());
    assertThat(line.path("texts").asInt()).isEqualTo(2);
    assertThat(line.path("tokens").asInt()).isEqualTo(7);
    assertThat(line.path("caller").asText()).isEqualTo("key-1");
    assertThat(line.path("request_id").asText()).isEqualTo("job-7");
    assertThat(line.path("trace_id").asText()).isEqualTo(TRACE);
    assertThat(line.path("parent_id").asText()).isEqualTo(SPAN);
    assertThat(text()).doesNotContain(KEY);
  }

  @Test
  void errors_haveTheIdInTheAnswerAndInTheLog() throws IOException {
    String none = "no trace at all";
    assertThat(id(embed("{\"input\":", "bad-1", none))).isEqualTo("bad-1");
    assertThat(id(embed("{\"input\":\"w666\"}", "bad-2", none))).isEqualTo("bad-2");
    Server.Answer unknown =
        server.post("/v1/embeddings", "{\"input\":\"w1\"}", "X-Request-Id", "bad-3");
    assertThat(id(unknown)).isEqualTo("bad-3");
    assertThat(id(server.get("/nothing", "X-Request-Id", "bad-4"))).isEqualTo("bad-4");
    assertThat(lines(4))
        .extracting(l -> l.path("request_id").asText() + " " + l.path("status").asInt())
        .containsExactlyInAnyOrder("bad-1 400", "bad-2 500", "bad-3 401", "bad-4 404");
    assertThat(lines(4)).noneMatch(l -> l.has("trace_id"));
  }

  @Test
  void requestId_isTheClientsIfSensible() {
    assertThat(id(server.get("/health/live", "X-Request-Id", "abc-1"))).isEqualTo("abc-1");
    assertThat(id(server.get("/health/live", "X-Request-Id", "a b"))).hasSize(36);
    assertThat(id(server.get("/health/live", "X-Request-Id", "a".repeat(200)))).hasSize(36);
    assertThat(id(server.get("/health/live"))).hasSize(36);
  }

  @Test
  void traceparent_isReadAsW3cWritesIt() {
    String parent = "00-" + TRACE + "-" + SPAN + "-01";
    assertThat(TraceContext.of(null, parent).traceId()).isEqualTo(TRACE);
    assertThat(TraceContext.of(null, parent).spanId()).isEqualTo(SPAN);
    assertThat(TraceContext.of(null, "cc" + parent.substring(2) + "-what-is-new").traceId())
        .isEqualTo(TRACE);
    for (String bad :
        List.of(
            "",
            parent.replace('4', '-'),
            parent.substring(1),
            parent + "-more",
            "ff" + parent.substring(2),
            parent.toUpperCase(java.util.Locale.ROOT),
            "00-" + "0".repeat(32) + "-" + SPAN + "-01",
            "00-" + TRACE + "-" + "0".repeat(16) + "-01")) {
      assertThat(TraceContext.of(null, bad).traceId()).as(bad).isNull();
    }
  }
}
