package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.testkit.FakeBackend;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The bodies of all requests together never need more memory than there is for them. */
@Timeout(180)
class BodyMemoryTest {
  private static final int UPLOADS = 200;
  private static final int LARGE = 16 << 20;

  @TempDir Path folder;

  private static String names(int bytes) {
    StringBuilder body = new StringBuilder(bytes + 32).append("{\"input\":\"w1\"");
    for (int i = 0; body.length() < bytes - 32; i++) {
      body.append(",\"k").append(i).append("\":1");
    }
    return body.append('}').toString();
  }

  /** More texts than a request may have, so that nothing is embedded. */
  private static String texts(int bytes) {
    String text = ",\"w1" + " ".repeat(4000) + '"';
    return "{\"input\":[\"w1\"" + text.repeat(bytes / text.length() - 1) + "]}";
  }

  /** Sends a body until it is answered, and gives the answer; nothing if the connection is cut. */
  private static String upload(int port, byte[] body) throws IOException {
    try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
      socket.setSoTimeout(120_000);
      OutputStream out = socket.getOutputStream();
      out.write(
          ("POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
                  + body.length
                  + "\r\n\r\n")
              .getBytes(StandardCharsets.US_ASCII));
      try {
        for (int at = 0; at < body.length && socket.getInputStream().available() == 0; ) {
          int length = Math.min(1 << 16, body.length - at);
          out.write(body, at, length);
          at += length;
        }
        return Server.readAnswer(socket);
      } catch (SocketException e) {
        return ""; // A client that does not stop sending for long after its answer.
      }
    }
  }

  @Test
  void uploadsOfManyTimesTheHeap_areRefusedOrServed_andOthersAreAnswered() throws Exception {
    byte[] names = names(LARGE).getBytes(StandardCharsets.US_ASCII);
    byte[] texts = texts(LARGE).getBytes(StandardCharsets.US_ASCII);
    byte[] small = "{\"input\":\"w1\"}".getBytes(StandardCharsets.US_ASCII);
    ServerProcess.Running server = ServerProcess.withHeap(folder, "256m");
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> uploads = new ArrayList<>();
      for (int i = 0; i < UPLOADS; i++) {
        byte[] body = i % 2 == 0 ? texts : names;
        uploads.add(threads.submit(() -> upload(server.port(), body)));
      }
      for (int i = 0; i < 5; i++) {
        assertThat(upload(server.port(), small)).startsWith("HTTP/1.1 200");
      }
      int refused = 0;
      for (Future<String> upload : uploads) {
        String answer = upload.get();
        assertThat(answer).containsPattern("\\A(HTTP/1.1 (200|413|429) |\\z)");
        if (answer.startsWith("HTTP/1.1 429")) {
          refused++;
          assertThat(answer).containsPattern("(?i)retry-after: [1-9]");
        }
      }
      assertThat(refused).isPositive();
      assertThat(server.process().isAlive()).isTrue();
      assertThat(upload(server.port(), small)).startsWith("HTTP/1.1 200");
    } finally {
      server.process().destroyForcibly().waitFor();
    }
  }

  private Server server(long memory) {
    ServerConfig config =
        ServerConfig.of(Server.settings("luciole.server.max-body-memory", Long.toString(memory)))
            .at("127.0.0.1", 0)
            .index(folder.resolve("index"));
    return Server.fake(new FakeBackend(), folder, c -> config);
  }

  @Test
  void bodyOfManyNames_isTooLarge_thoughItsBytesAreFew() throws IOException {
    try (Server server = server(1 << 20)) {
      Server.Answer answer = server.post("/v1/embeddings", names(100_000));
      assertThat(answer.status()).isEqualTo(413);
      assertThat(answer.body()).contains("luciole.server.max-body-memory");
      assertThat(server.post("/v1/embeddings", "{\"input\":\"w1\"}").status()).isEqualTo(200);
      assertThat(server.get("/metrics").body()).contains("luciole_http_body_memory_bytes 0.0");
    }
  }

  @Test
  void bodyOfMoreValuesThanAnyRequestHas_isRefused_whateverTheMemory() {
    try (Server server = server(1L << 30)) {
      for (String body :
          List.of(
              names(2 << 20),
              "{\"input\":[\"w1\"" + ",\"w1\"".repeat(100_000) + "]}",
              "{\"input\":[[[[[[[[[[[[1" + ",1".repeat(100_000) + "]]]]]]]]]]]]}")) {
        Server.Answer answer = server.post("/v1/embeddings", body);
        assertThat(answer.status()).isEqualTo(413);
        assertThat(answer.body()).contains("100000 fields or elements");
      }
      String ninety = "[1" + ",1".repeat(90_000) + "]";
      Server.Answer answer =
          server.post("/v1/embeddings", "{\"input\":[" + (ninety + ",").repeat(11) + ninety + "]}");
      assertThat(answer.status()).isEqualTo(413);
      assertThat(answer.body()).contains("1000000 values");
    }
  }

  @Test
  void bodyInChunksOrGzip_countsAsItComes() throws IOException {
    try (Server server = server(1 << 20)) {
      byte[] body = texts(2 << 20).getBytes(StandardCharsets.US_ASCII);
      assertThat(chunked(server, body, "identity").status()).isEqualTo(413);
      assertThat(chunked(server, BodyEncodings.compressed(body), "gzip").status()).isEqualTo(413);
    }
  }

  private static Server.Answer chunked(Server server, byte[] body, String coding) {
    return server.send(
        server
            .request("/v1/embeddings", "Content-Encoding", coding)
            .POST(HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(body))));
  }

  @Test
  void bulk_holdsWhatIsNotAnswered_andGivesItBack() throws IOException {
    try (Server server = server(1 << 20)) {
      StringBuilder lines = new StringBuilder();
      for (int i = 0; i < 60; i++) {
        lines.append("{\"id\":\"d").append(i).append("\",\"text\":\"w1\",\"m\":\"");
        lines.append("x".repeat(30_000)).append("\"}\n");
      }
      String[] answers = server.post("/v1/documents/bulk", lines.toString()).body().split("\n", -1);
      JsonNode last = Server.MAPPER.readTree(answers[answers.length - 2]);
      assertThat(last.path("lines").asInt()).isEqualTo(60);
      assertThat(last.path("failed").asInt()).isZero();
      await()
          .atMost(Duration.ofMinutes(1))
          .until(
              () -> server.get("/metrics").body().contains("luciole_http_body_memory_bytes 0.0"));
    }
  }

  /** Nothing of these is kept: lines without anything, and one that is too long to be taken. */
  @Test
  void bulk_doesNotHoldWhatItPassesOver() throws IOException {
    try (Server server = server(80 << 20)) {
      for (String passedOver : List.of("\n".repeat(24 << 20), "x".repeat(24 << 20) + "\n")) {
        String lines = passedOver + "{\"id\":\"d\",\"text\":\"w1\"}\n";
        assertThat(server.post("/v1/documents/bulk", lines).body().lines())
            .last()
            .asString()
            .contains("\"failed\":" + (passedOver.startsWith("x") ? 1 : 0) + ",");
      }
    }
  }

  @Test
  void requestThatIsAlone_mayHoldAll_andOthersWaitOrAreRefused() {
    BodyMemory memory = new BodyMemory(200);
    BodyMemory.Lease alone = memory.lease("a");
    alone.takeBytes(40);
    alone.takeBytes(60);
    alone.takeValues(100);
    BodyMemory.Lease other = memory.lease("b");
    assertThat(statusOf(() -> other.takeBytes(1))).isEqualTo(429);
    assertThat(statusOf(() -> other.takeValues(1))).isEqualTo(429);
    assertThat(statusOf(() -> other.takeBytes(101))).isEqualTo(413);
    Thread waiting = Thread.ofVirtual().start(() -> other.awaitBytes(30, Duration.ofMinutes(1)));
    alone.keepBytes(10);
    assertThat(join(waiting)).isTrue();
    assertThat(memory.taken()).isEqualTo(140);
    assertThat(memory.refused()).isEqualTo(3);
    alone.keepBytes(0);
    alone.giveValues();
    other.keepBytes(0);
    assertThat(memory.taken()).isZero();
  }

  @Test
  void bodiesThatWait_leaveRoomForTheValuesOfThoseBeforeThem() {
    BodyMemory memory = new BodyMemory(200);
    BodyMemory.Lease first = memory.lease("a");
    first.takeBytes(20);
    memory.lease("a").takeBytes(20);
    assertThat(statusOf(() -> memory.lease("a").takeBytes(30))).isEqualTo(429);
    first.takeValues(90);
    assertThat(memory.taken()).isEqualTo(130);
  }

  private static int statusOf(ThrowingCallable taking) {
    return catchThrowableOfType(Problem.class, taking).status();
  }

  private static boolean join(Thread thread) {
    try {
      return thread.join(Duration.ofMinutes(1));
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
