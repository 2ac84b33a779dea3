package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.luciole.testkit.Fault;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Bad input gets the right status and a clear message, and costs nobody else anything. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class BadInputTest {
  private static final int POISON = 666;
  private static final int NAN = 667;

  @TempDir static Path folder;
  private Server server;

  @BeforeAll
  void open() {
    FakeBackend backend =
        new FakeBackend()
            .faults(
                Fault.throwing(Fault.holding(FakeModel.FIRST_WORD + POISON)),
                Fault.nan(FakeModel.FIRST_WORD + NAN));
    server =
        Server.fake(
            backend,
            folder,
            c ->
                c.limits(Server.limits(100, 1000, 1000, 100_000))
                    .index(folder.resolve("index"))
                    .compatibility(new ServerConfig.Compatibility(true, true, false)));
  }

  @AfterAll
  void close() {
    server.close();
  }

  /** Whatever was sent, the next request is served. */
  @AfterEach
  void stillServes() {
    assertThat(server.post("/v1/embeddings", "{\"input\":\"w1 w2\"}").status()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"input\":\"w1\"} {}",
        "{\"input\":NaN}",
        "{\"input\":[\"w1\"",
        "[[[[[",
        "{\"a\":1,,}"
      })
  void messageOfMalformedJson_namesNothingOfTheParser(String body) {
    assertThat(server.post("/v1/embeddings", body).body())
        .contains("invalid_request")
        .doesNotContain("Feature", "Constraints", "[Source", "`");
    String deep = "{\"input\":" + "[".repeat(500);
    assertThat(server.post("/v1/embeddings", deep).body())
        .contains("nested")
        .doesNotContain("Constraints");
  }

  private static Arguments bad(
      String name, String path, String body, int status, String... message) {
    return Arguments.argumentSet(name, path, body, status, message);
  }

  static Stream<Arguments> bodies() {
    String e = "/v1/embeddings";
    List<Arguments> all = new ArrayList<>();
    all.add(bad("empty body", e, "", 400, "empty body"));
    all.add(bad("no JSON", e, "hello", 400, "malformed", "line 1"));
    all.add(bad("half of JSON", e, "{\"input\": \"w1", 400, "malformed"));
    all.add(bad("two values", e, "{\"input\":\"w1\"} {}", 400, "nothing after it"));
    all.add(bad("blanks", e, " \n", 400, "empty body"));
    all.add(bad("a key twice", e, "{\"input\":\"w1\",\"input\":\"w2\"}", 400, "Duplicate"));
    all.add(bad("an array", e, "[1]", 400, "object", "an array"));
    all.add(bad("null", e, "null", 400, "object"));
    all.add(bad("deep nesting", e, "{\"input\":" + "[".repeat(5000), 400, "nested"));
    all.add(bad("no input", e, "{}", 400, "input", "nothing"));
    all.add(bad("input of a wrong type", e, "{\"input\":7}", 400, "input", "7"));
    all.add(bad("input null", e, "{\"input\":null}", 400, "input", "null"));
    all.add(bad("input an object", e, "{\"input\":{}}", 400, "input", "an object"));
    all.add(bad("empty array", e, "{\"input\":[]}", 400, "at least one"));
    all.add(bad("array of empty arrays", e, "{\"input\":[[]]}", 400, "input[0]"));
    all.add(bad("mixed types", e, "{\"input\":[\"w1\",7]}", 400, "input[1]"));
    all.add(bad("tokens that are none", e, "{\"input\":[[3,\"x\"]]}", 400, "input[0][1]"));
    all.add(bad("negative token", e, "{\"input\":[[-3]]}", 400, "input[0][0]", "-3"));
    all.add(bad("token of another model", e, "{\"input\":[[3,99999]]}", 400, "99999"));
    all.add(bad("unknown model", e, "{\"model\":\"x\",\"input\":\"w1\"}", 404, "no model"));
    all.add(bad("model a number", e, "{\"model\":1,\"input\":\"w1\"}", 400, "model"));
    all.add(bad("encoding", e, "{\"input\":\"a\",\"encoding_format\":\"hex\"}", 400, "base64"));
    all.add(bad("no dimensions", e, "{\"input\":\"a\",\"dimensions\":0}", 400, "1 to 8"));
    all.add(bad("many dimensions", e, "{\"input\":\"a\",\"dimensions\":9}", 400, "1 to 8"));
    all.add(bad("half dimensions", e, "{\"input\":\"a\",\"dimensions\":1.5}", 400, "1.5"));
    all.add(bad("huge number", e, "{\"input\":\"a\",\"dimensions\":1e999}", 400, "dimensions"));
    all.add(bad("role", e, "{\"input\":\"a\",\"input_type\":\"z\"}", 400, "query or passage"));
    all.add(
        bad("10,000 texts", e, "{\"input\":[" + "\"w1\",".repeat(9999) + "\"w1\"]}", 413, "100"));
    all.add(bad("a long text", e, "{\"input\":\"" + "w".repeat(1001) + "\"}", 413, "1001"));
    all.add(bad("poison", e, "{\"input\":[\"w1\",\"w666\",\"w2\"]}", 500, "input[1]", "failed"));
    all.add(bad("poison alone", e, "{\"input\":\"w666\"}", 500, "failed"));
    all.add(bad("NaN", e, "{\"input\":[\"w1\",\"w667\"]}", 422, "finite", "input[1]"));
    all.add(bad("m3: unknown field", "/v1/m3/embeddings", "{\"inputs\":\"a\"}", 400, "inputs"));
    all.add(
        bad(
            "m3: output",
            "/v1/m3/embeddings",
            "{\"input\":\"a\",\"outputs\":[\"x\"]}",
            400,
            "sparse"));
    all.add(
        bad(
            "m3: none",
            "/v1/m3/embeddings",
            "{\"input\":\"a\",\"outputs\":[]}",
            400,
            "one output"));
    all.add(bad("tei: no inputs", "/embed", "{}", 422, "inputs"));
    all.add(
        bad(
            "tei: flag",
            "/embed",
            "{\"inputs\":\"a\",\"truncate\":\"yes\"}",
            422,
            "true or false"));
    all.add(
        bad(
            "tei: cut in the middle",
            "/embed",
            "{\"inputs\":\"a\",\"truncation_direction\":\"Middle\"}",
            422,
            "left or right"));
    all.add(bad("similarity: a string", "/similarity", "{\"inputs\":\"a\"}", 422, "sentences"));
    all.add(bad("tokenize: ids", "/tokenize", "{\"inputs\":[[1]]}", 422, "a string"));
    all.add(bad("rerank: no query", "/rerank", "{\"texts\":[\"a\"]}", 422, "query"));
    all.add(
        bad("rerank: no texts", "/rerank", "{\"query\":\"a\",\"texts\":[]}", 400, "at least one"));
    all.add(
        bad(
            "rerank: weights",
            "/v1/rerank",
            "{\"query\":\"a\",\"documents\":[\"b\"],\"weights\":{\"dense\":-1}}",
            400,
            "-1"));
    String s = "/v1/search";
    all.add(bad("search: no query", s, "{}", 400, "query"));
    all.add(bad("search: unknown field", s, "{\"query\":\"a\",\"topp\":3}", 400, "topp", "top"));
    all.add(bad("search: leg", s, "{\"query\":\"a\",\"legs\":[\"magic\"]}", 400, "bm25"));
    all.add(bad("search: no leg", s, "{\"query\":\"a\",\"legs\":[]}", 400, "leg"));
    all.add(
        bad("search: weight", s, "{\"query\":\"a\",\"weights\":{\"bm25\":\"x\"}}", 400, "bm25"));
    all.add(bad("search: fusion", s, "{\"query\":\"a\",\"fusion\":\"magic\"}", 400, "rrf"));
    all.add(bad("search: top", s, "{\"query\":\"a\",\"top\":100000}", 400, "1000"));
    all.add(bad("search: offset", s, "{\"query\":\"a\",\"offset\":-1}", 400, "-1"));
    all.add(bad("search: filter", s, "{\"query\":\"a\",\"filter\":[]}", 400, "filter"));
    all.add(
        bad("search: range", s, "{\"query\":\"a\",\"filter\":{\"y\":{\"gt\":[]}}}", 400, "number"));
    all.add(bad("search: view", s, "{\"query\":\"a\",\"view\":99999}", 410, "view", "first page"));
    all.add(
        bad(
            "search: unknown field of rerank",
            s,
            "{\"query\":\"a\",\"rerank\":{\"dept\":5}}",
            400,
            "dept",
            "depth, weights"));
    all.add(
        bad("bulk: nothing known", "/v1/documents/nowhere", "{}", 405, "DELETE, GET, HEAD, PUT"));
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("bodies")
  void badBody_getsStatusAndMessage(String path, String body, int status, String[] message) {
    Server.Answer answer = server.post(path, body);
    assertThat(answer.status()).as(answer.body()).isEqualTo(status);
    assertThat(answer.body()).contains(message).doesNotContain("Exception").doesNotContain("\tat ");
    assertThat(answer.response().headers().firstValue("Content-Type")).hasValue("application/json");
  }

  @Test
  void poisonAmongOthersTexts_failsItsOwnRequestAlone() {
    List<CompletableFuture<HttpResponse<String>>> sent = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      String text = i % 20 == 7 ? "w666" : "w" + i;
      sent.add(
          server
              .client()
              .sendAsync(
                  server
                      .request("/v1/embeddings")
                      .POST(
                          HttpRequest.BodyPublishers.ofString(
                              "{\"input\":[\"w1\",\"" + text + "\"]}"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString()));
    }
    for (int i = 0; i < sent.size(); i++) {
      HttpResponse<String> answer = sent.get(i).join();
      assertThat(answer.statusCode()).as(i + answer.body()).isEqualTo(i % 20 == 7 ? 500 : 200);
    }
  }

  @Test
  void invalidUtf8_isRefused() {
    byte[] body = "{\"input\":\"w1 ? w2\"}".getBytes(StandardCharsets.ISO_8859_1);
    body[13] = (byte) 0xFF;
    Server.Answer answer = server.post("/v1/embeddings", body);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.body()).containsIgnoringCase("utf-8");
  }

  @Test
  void fiftyMegabytes_areRefusedWhetherTheLengthIsSaidOrNot() throws IOException {
    for (boolean chunked : new boolean[] {false, true}) {
      try (Socket socket = connect()) {
        OutputStream out = socket.getOutputStream();
        out.write(
            ("POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\n"
                    + (chunked
                        ? "Transfer-Encoding: chunked\r\n\r\n"
                        : "Content-Length: 52428800\r\n\r\n"))
                .getBytes(StandardCharsets.US_ASCII));
        byte[] piece = new byte[1 << 16];
        java.util.Arrays.fill(piece, (byte) ' ');
        Thread sender =
            Thread.ofVirtual()
                .start(() -> {
                  try {
                    for (int i = 0; i < 800; i++) {
                      if (chunked) {
                        out.write("10000\r\n".getBytes(StandardCharsets.US_ASCII));
                      }
                      out.write(piece);
                      if (chunked) {
                        out.write("\r\n".getBytes(StandardCharsets.US_ASCII));
                      }
                    }
                  } catch (IOException e) {
                    // The server need not read it all.
                  }
                });
        String answer = readHead(socket);
        sender.interrupt();
        assertThat(answer).startsWith("HTTP/1.1 413");
      }
    }
  }

  @Test
  void silentClient_isAnsweredAndLeft() throws IOException {
    try (Socket socket = connect()) {
      socket
          .getOutputStream()
          .write(
              "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{\"in"
                  .getBytes(StandardCharsets.US_ASCII));
      assertThat(readHead(socket)).startsWith("HTTP/1.1 408");
    }
    // Nothing at all, or half a head: the connection is closed, sooner or later.
    try (Socket socket = connect()) {
      socket.getOutputStream().write("POST /v1/emb".getBytes(StandardCharsets.US_ASCII));
      assertThat(socket.getInputStream().readAllBytes()).hasSizeLessThan(1000);
    }
  }

  @Test
  void dripFeed_isEndedByTheRequestsTime() throws Exception {
    try (Server quick =
        Server.fake(
            new FakeBackend(),
            folder,
            c ->
                c.limits(
                    new ServerConfig.Limits(
                        1 << 20,
                        Optional.empty(),
                        10,
                        1000,
                        10,
                        Optional.empty(),
                        1000,
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(2),
                        Duration.ofSeconds(5),
                        Duration.ofSeconds(2))))) {
      try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), quick.server.port())) {
        socket.setSoTimeout(20_000);
        OutputStream out = socket.getOutputStream();
        out.write(
            "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n"
                .getBytes(StandardCharsets.US_ASCII));
        Thread drip =
            Thread.ofVirtual()
                .start(() -> {
                  try {
                    while (!Thread.currentThread().isInterrupted()) {
                      out.write(' ');
                      Thread.sleep(100);
                    }
                  } catch (IOException | InterruptedException e) {
                    // The server has ended it.
                  }
                });
        assertThat(readHead(socket)).startsWith("HTTP/1.1 408");
        drip.interrupt();
      }
    }
  }

  static Stream<Arguments> heads() {
    return Stream.of(
        Arguments.argumentSet("no HTTP", "hello\r\n\r\n", "400"),
        Arguments.argumentSet("no path", "GET HTTP/1.1\r\n\r\n", "400"),
        Arguments.argumentSet(
            "climbing", "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", "40"),
        Arguments.argumentSet(
            "climbing, encoded",
            "GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "40"),
        Arguments.argumentSet(
            "a class of ours",
            "GET /page.css/../ApiKeys.class HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "40"),
        Arguments.argumentSet(
            "a zero byte", "GET /v1/models%00 HTTP/1.1\r\nHost: localhost\r\n\r\n", "40"),
        Arguments.argumentSet("bad escape", "GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", "40"),
        Arguments.argumentSet("unknown", "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n", "404"),
        Arguments.argumentSet(
            "method", "PATCH /v1/search HTTP/1.1\r\nHost: localhost\r\n\r\n", "405"),
        Arguments.argumentSet(
            "two lengths",
            "POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            "400"),
        Arguments.argumentSet(
            "length and chunks",
            "POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked"
                + "\r\n\r\n0\r\n\r\n",
            "400"),
        Arguments.argumentSet(
            "header flood",
            "GET / HTTP/1.1\r\nHost: localhost\r\n" + "A: b\r\n".repeat(20_000) + "\r\n",
            "4"),
        Arguments.argumentSet(
            "long header",
            "GET / HTTP/1.1\r\nHost: localhost\r\nA: " + "b".repeat(200_000) + "\r\n\r\n",
            "4"),
        Arguments.argumentSet(
            "long path", "GET /" + "a".repeat(100_000) + " HTTP/1.1\r\n\r\n", "4"));
  }

  @ParameterizedTest
  @MethodSource("heads")
  void badHead_isRefused(String head, String status) throws IOException {
    try (Socket socket = connect()) {
      try {
        socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
      } catch (IOException e) {
        // Refused before all of it was sent.
      }
      String answer = readHead(socket);
      if (!answer.isEmpty() || head.length() < 1000) {
        assertThat(answer).startsWith("HTTP/1.1 " + status);
      }
      assertThat(answer).doesNotContain("Exception").doesNotContain("root:");
    }
  }

  @Test
  void bulk_lineOfOver64MiB_isRefusedWhateverABodyMayHave(@TempDir Path other) throws IOException {
    ServerConfig.Limits usual = ServerConfig.Limits.defaults();
    ServerConfig.Limits large =
        new ServerConfig.Limits(
            1L << 30,
            usual.maxBodyMemory(),
            usual.maxTexts(),
            usual.maxCharacters(),
            usual.maxRequests(),
            usual.maxConnections(),
            usual.maxWaitingTokens(),
            usual.timeout(),
            usual.readTimeout(),
            usual.readyWithin(),
            usual.shutdown());
    byte[] start = "{\"id\":\"a\",\"text\":\"w1\"}\n".getBytes(StandardCharsets.UTF_8);
    byte[] end = "\n{\"id\":\"c\",\"text\":\"w3\"}\n".getBytes(StandardCharsets.UTF_8);
    List<byte[]> parts = new ArrayList<>(List.of(start));
    byte[] spaces = " ".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);
    parts.addAll(Collections.nCopies(200, spaces));
    parts.add(end);
    try (Server fake =
        Server.fake(new FakeBackend(), other, c -> c.limits(large).index(other.resolve("index")))) {
      Server.Answer answer =
          fake.send(
              fake.request("/v1/documents/bulk")
                  .POST(HttpRequest.BodyPublishers.ofByteArrays(parts)));
      assertThat(answer.body().lines())
          .containsExactly(
              "{\"line\":1,\"id\":\"a\",\"status\":200,\"result\":\"created\"}",
              "{\"line\":2,\"status\":413,\"error\":\"A line may have 67108864 bytes.\"}",
              "{\"line\":3,\"id\":\"c\",\"status\":200,\"result\":\"created\"}",
              "{\"lines\":3,\"failed\":1,\"committed\":false}");
    }
  }

  @Test
  void bulk_badLinesCostNoOther() throws IOException {
    String lines =
        "{\"id\":\"a\",\"text\":\"w1\"}\n"
            + "not JSON\n"
            + "\n"
            + "{\"id\":\"\",\"text\":\"w1\"}\n"
            + "{\"id\":\"p\",\"text\":\"w666\"}\n"
            + "{\"id\":\"c\"}\n"
            + "{\"id\":\"long\",\"text\":\""
            + "w".repeat(1001)
            + "\"}\n"
            + "[1]\n"
            + "{\"id\":\"b\",\"text\":\"w2\"}";
    Server.Answer answer = server.post("/v1/documents/bulk?commit=true", lines);
    List<String> results = answer.body().lines().toList();
    assertThat(answer.status()).isEqualTo(200);
    assertThat(results).hasSize(9);
    assertThat(results.get(0))
        .isEqualTo("{\"line\":1,\"id\":\"a\",\"status\":200,\"result\":\"created\"}");
    assertThat(results.get(1)).contains("\"line\":2", "400", "malformed");
    assertThat(results.get(2)).contains("\"line\":4", "400", "id");
    assertThat(results.get(3)).contains("\"line\":5", "\"id\":\"p\"", "500");
    assertThat(results.get(4)).contains("\"line\":6", "400", "text");
    assertThat(results.get(5)).contains("\"line\":7", "413");
    assertThat(results.get(6)).contains("\"line\":8", "400");
    assertThat(results.get(7)).contains("\"line\":9", "\"id\":\"b\"", "200");
    assertThat(results.get(8)).isEqualTo("{\"lines\":8,\"failed\":6,\"committed\":true}");
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port());
    socket.setSoTimeout(30_000);
    return socket;
  }

  /** What comes until the head's end; "" if the connection ends before. */
  private static String readHead(Socket socket) {
    StringBuilder head = new StringBuilder();
    try {
      InputStream in = socket.getInputStream();
      for (int b = in.read(); b >= 0 && head.indexOf("\r\n\r\n") < 0; b = in.read()) {
        head.append((char) b);
      }
    } catch (IOException e) {
      // Reset: what was read stands.
    }
    return head.toString();
  }
}
