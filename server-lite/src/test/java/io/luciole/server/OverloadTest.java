package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** More clients than the server takes, and clients that take no answers. */
@Timeout(120)
class OverloadTest {
  private static final int CLIENTS = 200;
  private static final int REQUESTS = 5;

  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();

  private static byte[] request(String body) {
    return ("POST /v1/embeddings HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body)
        .getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void everyRequestIsAnswered_onTheConnectionItCameOn() throws Exception {
    backend.faults(Fault.delay(Duration.ofMillis(20)));
    ConcurrentSkipListMap<String, Integer> answers = new ConcurrentSkipListMap<>();
    try (Server server =
            Server.fake(
                backend,
                folder,
                c -> c.limits(Server.patient(Server.limits(100, 1000, 20, 100_000))));
        ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      Callable<Void> client =
          () -> {
            try (Socket socket =
                new Socket(InetAddress.getLoopbackAddress(), server.server.port())) {
              socket.setSoTimeout(60_000);
              for (int i = 0; i < REQUESTS; i++) {
                socket.getOutputStream().write(request("{\"input\":\"w1 w2\"}"));
                String answer = Server.readAnswer(socket);
                answers.merge(answer.substring(0, Math.min(12, answer.length())), 1, Integer::sum);
                if (answer.startsWith("HTTP/1.1 429")) {
                  assertThat(answer).containsPattern("(?i)retry-after: [1-9]").contains("requests");
                }
              }
              return null;
            }
          };
      List<Future<Void>> clients = new ArrayList<>();
      for (int i = 0; i < CLIENTS; i++) {
        clients.add(threads.submit(client));
      }
      for (Future<Void> each : clients) {
        each.get();
      }
      assertThat(answers).containsOnlyKeys("HTTP/1.1 200", "HTTP/1.1 429");
      assertThat(answers.values().stream().mapToInt(n -> n).sum()).isEqualTo(CLIENTS * REQUESTS);
      assertThat(server.get("/metrics").body())
          .contains("luciole_http_refused_total " + answers.get("HTTP/1.1 429") + ".0")
          .contains("luciole_http_requests_active 0.0");
    }
  }

  private static String texts(int count, int words) {
    String text = "\"" + "w1 ".repeat(words) + "\"";
    return "{\"input\":[" + (text + ",").repeat(count - 1) + text + "]}";
  }

  @Test
  void largeRequest_leavesRoomForItsCallersSmallOnes() throws Exception {
    backend.faults(Fault.delay(Duration.ofMillis(10)));
    try (Server server =
        Server.fake(
            backend, folder, c -> c.limits(Server.patient(Server.limits(2000, 2000, 20, 8000))))) {
      // Ten times the tokens that may wait.
      CompletableFuture<HttpResponse<String>> large =
          server
              .client()
              .sendAsync(
                  server
                      .request("/v1/embeddings")
                      .POST(HttpRequest.BodyPublishers.ofString(texts(300, 400)))
                      .build(),
                  HttpResponse.BodyHandlers.ofString());
      await().until(() -> server.engine.stats().submitted() > 0);
      for (int i = 0; i < 5; i++) {
        assertThat(server.post("/v1/embeddings", "{\"input\":\"w1 w2\"}").status()).isEqualTo(200);
      }
      assertThat(large).isNotDone();
      assertThat(large.get().statusCode()).as(large.get().body()).isEqualTo(200);
    }
  }

  @Test
  void requestThatCannotBeDoneInTime_isEnded_andTheNextIsRefusedAtOnce() throws Exception {
    backend.faults(Fault.delay(Duration.ofMillis(30)));
    ServerConfig.Limits limits = Server.limits(2000, 2000, 20, 100_000);
    try (Server server = Server.fake(backend, folder, c -> c.limits(limits))) {
      String body = texts(1500, 200);
      Server.Answer answer = server.post("/v1/embeddings", body);
      assertThat(answer.status()).as(answer.body()).isEqualTo(413);
      assertThat(answer.body()).contains("tokens a second", "Send fewer texts");
      assertThat(server.engine.stats().embedded()).isLessThan(1500);
      long submitted = server.engine.stats().submitted();
      assertThat(server.post("/v1/embeddings", body).status()).isEqualTo(413);
      assertThat(server.engine.stats().submitted()).isEqualTo(submitted);
      assertThat(server.post("/v1/embeddings", texts(5, 10)).status()).isEqualTo(200);
    }
  }

  @Test
  void clientThatReadsNothing_givesItsPlaceBack() throws Exception {
    try (Server server =
            Server.fake(backend, folder, c -> c.limits(Server.limits(2000, 1000, 1, 100_000)));
        Socket socket = new Socket()) {
      socket.setReceiveBufferSize(4096);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.server.port()));
      // Requests one after another, without reading: at some time the answers have no room.
      byte[] large = request("{\"input\":[" + "\"w1 w2\",".repeat(1999) + "\"w1\"]}");
      Thread sender =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  for (int i = 0; i < 200; i++) {
                    socket.getOutputStream().write(large);
                  }
                } catch (IOException e) {
                  // The server has ended it.
                }
              });
      await()
          .atMost(Duration.ofSeconds(60))
          .until(() -> server.get("/metrics").body().contains("status=\"499\""));
      sender.join();
      assertThat(server.post("/v1/embeddings", "{\"input\":\"w1\"}").status()).isEqualTo(200);
    }
  }
}
