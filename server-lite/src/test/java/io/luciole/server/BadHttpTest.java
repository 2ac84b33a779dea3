package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What the web server refuses before a request is routed has statuses that the contract lists. */
@Timeout(120)
class BadHttpTest {
  private static final String HOST = " HTTP/1.1\r\nHost: localhost\r\n";
  private static final String CHUNKS = "\r\n\r\n2\r\n{}\r\n0\r\n\r\n";

  @Test
  void statusesOfBadHttp_areInTheTable(@TempDir Path folder) throws IOException {
    String page = Files.readString(Path.of("../docs/server.md"));
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c)) {
      for (String sent :
          List.of(
              "GET /" + "a".repeat(9000) + HOST + "\r\n",
              "POST /embed" + HOST + "Transfer-Encoding: gzip, chunked" + CHUNKS,
              "POST /embed" + HOST + "Transfer-Encoding: gzip\r\n\r\n{}",
              "GET /" + HOST + "A: " + "b".repeat(17_000) + "\r\n\r\n",
              "GET /" + HOST + "no header\r\n\r\n",
              "GET / HTTP/4.2\r\nHost: localhost\r\n\r\n",
              "hello\r\n\r\n")) {
        String answer = answer(server, sent);
        assertThat(answer).startsWith("HTTP/1.1 ").contains("\"code\":\"bad_http\"");
        assertThat(page).contains("| " + answer.substring(9, 12) + " | `bad_http` |");
      }
      assertThat(answer(server, "GET /" + "a".repeat(9000) + HOST + "\r\n"))
          .contains(" 414 ", "8192 bytes");
      assertThat(answer(server, "GET /" + HOST + "A: " + "b".repeat(17_000) + "\r\n\r\n"))
          .contains(" 400 ", "16384 bytes");
      assertThat(answer(server, "POST /embed" + HOST + "Transfer-Encoding: gzip, chunked" + CHUNKS))
          .contains(" 501 ", "Content-Encoding");
    }
  }

  private static String answer(Server server, String sent) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(60_000);
      socket.getOutputStream().write(sent.getBytes(StandardCharsets.US_ASCII));
      return Server.readAnswer(socket);
    }
  }
}
