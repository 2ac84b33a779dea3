package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Connections: how they are framed, how long they may take, and how many there may be. */
@Timeout(120)
class ConnectionsTest {
  private static final String BULK = "POST /v1/documents/bulk HTTP/1.1\r\nHost: localhost\r\n";

  private static final String CHUNKED =
      "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n";
  private static final String BODY = "{\"input\":\"w1\"}";
  private static final String FOURTEEN = "e";

  @TempDir Path folder;

  private Server server(String... settings) {
    Map<String, String> all = new java.util.HashMap<>();
    for (int i = 0; i < settings.length; i += 2) {
      all.put("luciole.server." + settings[i], settings[i + 1]);
    }
    return Server.fake(
        new FakeBackend(),
        folder,
        c ->
            ServerConfig.of(LucioleConfig.of(all))
                .at("127.0.0.1", 0)
                .index(folder.resolve("index")));
  }

  private static Socket connect(Server server) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port());
    socket.setSoTimeout(30_000);
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
  }

  /** Sends a byte every now and then until the server has ended the connection. */
  private static void drip(Socket socket) {
    Thread.ofVirtual()
        .start(() -> {
          try {
            OutputStream out = socket.getOutputStream();
            while (true) {
              out.write('a');
              Thread.sleep(50);
            }
          } catch (IOException | InterruptedException e) {
            // Ended.
          }
        });
  }

  private static boolean ends(Socket socket) throws IOException {
    try {
      while (socket.getInputStream().read() >= 0) {
        // What it answered before.
      }
      return true;
    } catch (java.net.SocketTimeoutException e) {
      return false;
    } catch (IOException e) {
      return true; // Reset.
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        FOURTEEN + "\r\n" + BODY + "\r\n0\r\n\r\n",
        FOURTEEN + ";a=b\r\n" + BODY + "\r\n0;last=\"1\"\r\n\r\n",
        FOURTEEN + "\r\n" + BODY + "\r\n0\r\nChecksum: none\r\n\r\n",
      })
  void chunkedBody_withExtensionsAndTrailers_isRead_andTheConnectionIsKept(String body)
      throws IOException {
    try (Server server = server();
        Socket socket = connect(server)) {
      for (int i = 0; i < 2; i++) {
        send(socket, CHUNKED + body);
        assertThat(Server.readAnswer(socket)).startsWith("HTTP/1.1 200");
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        FOURTEEN + "\r\n" + BODY + "XX0\r\n\r\n",
        "x\r\n" + BODY,
        "ffffffffffffffffff\r\n" + BODY,
        "-1\r\n" + BODY
      })
  void malformedChunk_isRefused_andTheConnectionEnds(String body) throws IOException {
    try (Server server = server();
        Socket socket = connect(server)) {
      send(socket, CHUNKED + body);
      assertThat(Server.readAnswer(socket))
          .startsWith("HTTP/1.1 400")
          .contains("bad_http", "chunked body that is malformed")
          .doesNotContain("Exception");
      assertThat(ends(socket)).isTrue();
    }
  }

  @Test
  void chunkThatSaysTwoGibibytes_isTooLarge_asSoonAsItIs() throws IOException {
    try (Server server = server("max-body", "64k");
        Socket socket = connect(server)) {
      send(socket, CHUNKED + "80000000\r\n" + "a".repeat(70_000));
      assertThat(Server.readAnswer(socket)).startsWith("HTTP/1.1 413");
    }
  }

  @Test
  void drippedHead_endsAfterTheReadTimeout() throws IOException {
    try (Server server = server("read-timeout", "500ms");
        Socket socket = connect(server)) {
      send(socket, "GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: ");
      drip(socket);
      assertThat(ends(socket)).isTrue();
    }
  }

  @Test
  void drippedBodyOfARefusedRequest_endsTheConnection() throws Exception {
    String digest =
        HexFormat.of()
            .formatHex(
                MessageDigest.getInstance("SHA-256").digest("k".getBytes(StandardCharsets.UTF_8)));
    try (Server server = server("api-keys", digest, "read-timeout", "500ms");
        Socket socket = connect(server)) {
      send(socket, "POST /embed HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n");
      assertThat(Server.readAnswer(socket)).startsWith("HTTP/1.1 401");
      drip(socket);
      assertThat(ends(socket)).isTrue();
    }
  }

  @Test
  void idleBulk_endsWhenItsTimeIsUp_howeverOftenItSendsALittle() throws IOException {
    try (Server server = server("timeout", "500ms");
        Socket socket = connect(server)) {
      send(
          socket,
          "POST /v1/documents/bulk HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
      drip(socket);
      assertThat(ends(socket)).isTrue();
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() -> server.get("/metrics").body().contains("luciole_http_requests_active 0.0"));
    }
  }

  /** Sends a line of a bulk ingestion, in a chunk of its own. */
  private static void sendLine(Socket socket, String line) throws IOException {
    send(socket, Integer.toHexString(line.length() + 1) + "\r\n" + line + "\n\r\n");
  }

  /** Reads until the answer contains something; what was read. */
  private static String readUntil(Socket socket, String wanted) throws IOException {
    StringBuilder answer = new StringBuilder();
    while (answer.indexOf(wanted) < 0) {
      int b = socket.getInputStream().read();
      assertThat(b).as("more than %s", answer).isNotNegative();
      answer.append((char) b);
    }
    return answer.toString();
  }

  @Test
  void bulk_whoseClientWaitsForEachAnswer_isAnswered() throws IOException {
    try (Server server = server();
        Socket socket = connect(server)) {
      send(socket, BULK + "Transfer-Encoding: chunked\r\n\r\n");
      for (int i = 1; i <= 5; i++) {
        sendLine(socket, "{\"id\":\"d" + i + "\",\"text\":\"w" + i + "\"}");
        assertThat(readUntil(socket, "\"created\"}")).contains("\"id\":\"d" + i + "\"");
      }
      send(socket, "0\r\n\r\n");
      assertThat(readUntil(socket, "\"committed\":false}")).contains("\"lines\":5");
    }
  }

  @Test
  void bulkThatStalls_isAnsweredAsFarAsItCame_andEnds() throws IOException {
    try (Server server = server("read-timeout", "500ms")) {
      try (Socket socket = connect(server)) {
        send(socket, BULK + "Content-Length: 1000\r\n\r\n{\"id\":\"d1\",\"text\":\"w1\"}\n{\"id\"");
        readUntil(socket, "\"created\"}");
        assertThat(ends(socket)).isTrue();
      }
      try (Socket silent = connect(server)) {
        send(silent, BULK + "Content-Length: 1000\r\n\r\n");
        assertThat(Server.readAnswer(silent)).startsWith("HTTP/1.1 408").contains("body");
        assertThat(ends(silent)).isTrue();
      }
      try (Socket malformed = connect(server)) {
        send(malformed, BULK + "Transfer-Encoding: chunked\r\n\r\nZZ\r\n");
        assertThat(Server.readAnswer(malformed)).startsWith("HTTP/1.1 400").contains("bad_http");
        assertThat(ends(malformed)).isTrue();
      }
    }
  }

  @Test
  void connectionsThatDoNothing_giveTheirPlacesToThoseThatDo() throws IOException {
    try (Server server = server("max-connections", "8")) {
      List<Socket> idle = new ArrayList<>();
      try {
        for (int i = 0; i < 16; i++) {
          Socket socket = connect(server);
          idle.add(socket);
          send(socket, i % 2 == 0 ? "GET /health/live HT" : "");
        }
        for (int i = 0; i < 3; i++) {
          try (Socket polite = connect(server)) {
            send(polite, "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n");
            assertThat(Server.readAnswer(polite)).startsWith("HTTP/1.1 200");
          }
        }
      } finally {
        for (Socket socket : idle) {
          socket.close();
        }
      }
      // With room again, connections are kept.
      await()
          .atMost(Duration.ofSeconds(20))
          .until(() ->
              server
                  .get("/health/live")
                  .response()
                  .headers()
                  .firstValue("Connection")
                  .filter("close"::equalsIgnoreCase)
                  .isEmpty());
    }
  }

  @Test
  void descriptorsForConnections_leaveSomeForTheRest() {
    assertThat(Descriptors.forConnections(200)).isEqualTo(150);
    assertThat(Descriptors.forConnections(1 << 20)).isEqualTo(16_384);
    assertThat(Descriptors.forConnections(-5)).isPositive();
  }
}
