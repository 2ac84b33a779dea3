package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Clients that speak HTTP/1.0, as nginx does to what is behind it unless told otherwise. */
@Timeout(120)
class Http10Test {
  private static final String BODY = "{\"input\":\"w1\"}";

  @TempDir Path folder;

  private static String all(Server server, String request) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(30_000);
      socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
      return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  @Test
  void requests_areAnswered_andTheConnectionEnds() throws IOException {
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c)) {
      // As ab and HAProxy's check send them, without a Host.
      assertThat(all(server, "GET /health/live HTTP/1.0\r\n\r\n"))
          .startsWith("HTTP/1.1 200")
          .endsWith("{\"status\":\"live\"}");
      // As nginx sends them.
      assertThat(
              all(
                  server,
                  "POST /v1/embeddings HTTP/1.0\r\nHost: 127.0.0.1:1\r\nConnection: close\r\n"
                      + "Content-Length: "
                      + BODY.length()
                      + "\r\nExpect: 100-continue\r\n\r\n"
                      + BODY))
          .startsWith("HTTP/1.1 200")
          .containsIgnoringCase("connection: close")
          .doesNotContainIgnoringCase("transfer-encoding")
          .contains("\"embedding\"");
      assertThat(all(server, "GET /health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"))
          .containsIgnoringCase("connection: close");
    }
  }

  @Test
  void answerInPieces_isRefusedWithTheRemedy() throws IOException {
    try (Server server =
        Server.fake(new FakeBackend(), folder, c -> c.index(folder.resolve("index")))) {
      String line = "{\"id\":\"a\",\"text\":\"w1\"}\n";
      assertThat(
              all(
                  server,
                  "POST /v1/documents/bulk HTTP/1.0\r\nContent-Length: "
                      + line.length()
                      + "\r\n\r\n"
                      + line))
          .startsWith("HTTP/1.1 505")
          .contains("proxy_http_version 1.1");
    }
  }

  @Test
  void whatIsRefusedBeforeAnyRoute_isLoggedAndCounted() throws IOException {
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c)) {
      assertThat(all(server, "GET / HTTP/2.5\r\nHost: localhost\r\n\r\n"))
          .startsWith("HTTP/1.1 400");
      assertThat(all(server, "GET /health/live HTTP/1.0\r\n folded\r\n\r\n"))
          .startsWith("HTTP/1.1 505");
      assertThat(all(server, "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"))
          .startsWith("HTTP/1.1 505");
      assertThat(server.get("/metrics").body())
          .contains("luciole_http_malformed_total{status=\"400\"} 1.0")
          .contains("luciole_http_malformed_total{status=\"505\"} 2.0");
    }
  }

  @Test
  void head_isRewritten_howeverItsBytesCome_andNothingIsLost() {
    String request = "POST /a HTTP/1.0\r\nX: 1\r\nContent-Length: 3\r\n\r\nabc";
    String expected =
        "POST /a HTTP/1.1\r\nX: 1\r\nContent-Length: 3\r\nHost: localhost\r\nConnection: close\r\n"
            + "Via: 1.0 luciole\r\n\r\nabc";
    for (int size = 1; size <= request.length(); size++) {
      assertThat(through(request, size)).isEqualTo(expected);
    }
    for (String other :
        List.of(
            "",
            "GET / HTTP/1.0",
            "GET / HTTP/1.0\r\nX: 1\r\n",
            "GET / HTTP/1.1\r\nVia: 1.1 a\r\n\r\n",
            "G".repeat(200) + "\r\n\r\n",
            "GET / HTTP/1.0\r\nX: " + "1".repeat(400) + "\r\n\r\n",
            "\u0016\u0003\u0001",
            "GET / HTTP/1.1\r\n\r\nGET / HTTP/1.0\r\n\r\n")) {
      for (int size : List.of(1, 7, 1000)) {
        assertThat(through(other, size)).isEqualTo(other);
      }
    }
  }

  /** What comes of bytes that arrive in pieces. */
  private static String through(String sent, int size) {
    byte[] bytes = sent.getBytes(StandardCharsets.ISO_8859_1);
    Deque<byte[]> pieces = new ArrayDeque<>();
    for (int at = 0; at < bytes.length; at += size) {
      pieces.add(Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + size)));
    }
    Http10 reader = new Http10(pieces::poll, 100, 300);
    StringBuilder out = new StringBuilder();
    for (byte[] read = reader.get(); read != null; read = reader.get()) {
      out.append(new String(read, StandardCharsets.ISO_8859_1));
    }
    return out.toString();
  }

  @Test
  void pagesAtAPublicOrigin_areTheServersOwn() {
    ServerConfig config =
        ServerConfig.of(
                LucioleConfig.of(
                    Map.of("luciole.server.public-origins", "http://search.internal:8080")))
            .at("127.0.0.1", 0);
    try (Server server = Server.fake(new FakeBackend(), folder, c -> config)) {
      // A browser sends no Sec-Fetch-Site from a plain-http name.
      assertThat(
              server.post("/v1/embeddings", BODY, "Origin", "http://search.internal:8080").status())
          .isEqualTo(200);
      Server.Answer other = server.post("/v1/embeddings", BODY, "Origin", "http://other.internal");
      assertThat(other.status()).isEqualTo(403);
      assertThat(other.body()).contains("Host").contains("luciole.server.public-origins");
      assertThat(
              server
                  .post("/v1/embeddings", BODY, "Origin", "http://search.internal:8080")
                  .response()
                  .headers()
                  .firstValue("Access-Control-Allow-Origin"))
          .isEmpty();
    }
  }
}
