package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Bodies that nobody reads cost their senders time, and nobody else. */
@Timeout(60)
class LeftoversTest {
  private static final int MIB = 1 << 20;

  private long now = Long.MAX_VALUE - 5; // A nano time may overflow.

  private Leftovers leftovers(int cores) {
    return new Leftovers(
        cores, Duration.ofSeconds(5), new HelidonConnections(Duration.ofSeconds(5), 10), () -> now);
  }

  @Test
  void bytes_areReadAtABoundedRate_whoeverSendsThem() {
    Leftovers leftovers = leftovers(2);
    assertThat(leftovers.take(16 * MIB)).isEqualTo(250_000_000);
    assertThat(leftovers.take(16 * MIB)).isEqualTo(500_000_000);
    now += 400_000_000;
    assertThat(leftovers.take(16 * MIB)).isEqualTo(350_000_000);
  }

  @Test
  void slowSender_doesNotWait_andSavesNothingForLater() {
    Leftovers leftovers = leftovers(1);
    for (int i = 0; i < 100; i++) {
      now += 1_000_000_000;
      assertThat(leftovers.take(MIB)).isLessThanOrEqualTo(1_000_000_000 / 32);
    }
    now += 1_000_000_000;
    assertThat(leftovers.take(32 * MIB)).isEqualTo(1_000_000_000);
  }

  private static String ask(Socket socket, String request) throws IOException {
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    return Server.readAnswer(socket);
  }

  @Test
  void largeBodyThatNobodyReads_endsItsConnection_aSmallOneDoesNot(@TempDir Path folder)
      throws IOException {
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c);
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
      socket.setSoTimeout(30_000);
      String head = "GET /health/live HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";
      for (int i = 0; i < 2; i++) {
        assertThat(ask(socket, head + "60000\r\n\r\n" + "x".repeat(60_000)))
            .startsWith("HTTP/1.1 200")
            .doesNotContainIgnoringCase("connection: close");
      }
      String whole = "{\"input\":\"w1\"" + " ".repeat(100_000) + "}";
      String post = "POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: ";
      assertThat(ask(socket, post + whole.length() + "\r\n\r\n" + whole))
          .as("a large body that was read")
          .startsWith("HTTP/1.1 200")
          .doesNotContainIgnoringCase("connection: close");
      assertThat(ask(socket, head + "1000000\r\n\r\n" + "x".repeat(100_000)))
          .startsWith("HTTP/1.1 200")
          .containsIgnoringCase("connection: close");
    }
  }
}
