package io.luciole.server;

import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An index that is made, made anew and deleted again and again, beside requests for it. */
@Timeout(300)
class ChangingIndexTest {
  private static final int ROUNDS = 20;

  @TempDir Path folder;

  /** What answered otherwise than expected, with one answer of each request. */
  private final Map<String, String> wrong = new ConcurrentHashMap<>();

  private void check(String request, Server.Answer answer, Integer... expected) {
    boolean retries =
        answer.status() != 503 || answer.response().headers().firstValue("Retry-After").isPresent();
    if (!List.of(expected).contains(answer.status())
        || !retries
        || answer.body().contains("damaged")) {
      wrong.put(request, answer.status() + " " + answer.body());
    }
  }

  @Test
  void requests_forAnIndexThatIsDeletedOrMadeAnew_areAnsweredThatThereIsNone() throws Exception {
    AtomicBoolean done = new AtomicBoolean();
    try (Server server =
            Server.fake(
                new FakeBackend(),
                folder,
                c -> c.indexes(c.indexes().folder(folder.resolve("indexes"))));
        ExecutorService clients = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Runnable> requests =
          List.of(
              () -> get(server, "/v1/indexes", 200),
              () -> get(server, "/v1/stats", 200),
              () -> get(server, "/metrics", 200),
              () -> get(server, "/v1/index", 200, 404, 503),
              () -> get(server, "/v1/indexes/default/documents", 200, 404, 503),
              () -> check("commit", server.post("/v1/indexes/default/commit", ""), 200, 404, 503),
              () -> check("search", server.post("/v1/search", "{\"query\":\"w1\"}"), 200, 404, 503),
              () ->
                  check(
                      "put",
                      server.put("/v1/documents/x?commit=true", "{\"text\":\"w1\"}"),
                      200,
                      404,
                      503),
              () -> check("delete", server.delete("/v1/documents/x"), 200, 404, 503));
      List<Future<?>> running = new ArrayList<>();
      for (Runnable request : requests) {
        running.add(
            clients.submit(() -> {
              while (!done.get()) {
                request.run();
              }
            }));
      }
      try {
        for (int i = 0; i < ROUNDS; i++) {
          check("make", server.put("/v1/index", "{\"analyzer\":\"standard\"}"), 200);
          check("make anew", server.put("/v1/index", "{\"analyzer\":\"en\"}"), 200, 409);
          check("remove", server.delete("/v1/index"), 200);
        }
      } finally {
        done.set(true);
      }
      for (Future<?> each : running) {
        Object unused = each.get();
      }
    }
    assertThat(wrong).isEmpty();
  }

  /** Sends a line of a bulk ingestion, and gives the answer to it and what came before. */
  private static String line(Socket socket, String line) throws IOException {
    return answer(socket, Integer.toHexString(line.length() + 1) + "\r\n" + line + "\n\r\n");
  }

  /**
   * Sends a part of a bulk ingestion, and gives the next line of the answer and what came before.
   */
  private static String answer(Socket socket, String part) throws IOException {
    send(socket, part);
    StringBuilder answer = new StringBuilder();
    while (answer.indexOf("}\n") < 0) {
      int b = socket.getInputStream().read();
      assertThat(b).as("more than %s", answer).isNotNegative();
      answer.append((char) b);
    }
    return answer.toString();
  }

  /** A server with folders for indexes, of which there is one, "books". */
  private Server withBooks() throws Exception {
    Server server =
        Server.fake(
            new FakeBackend(),
            folder,
            c -> c.indexes(c.indexes().folder(folder.resolve("indexes"))));
    assertThat(server.put("/v1/indexes/books", "{}").status()).isEqualTo(200);
    return server;
  }

  /** Begins a bulk ingestion into "books", whose lines are to follow as chunks. */
  private static Socket bulk(Server server, String query) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.server.port());
    socket.setSoTimeout(60_000);
    send(socket, "POST /v1/indexes/books/documents/bulk" + query + " HTTP/1.1\r\n");
    send(socket, "Host: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    socket.getOutputStream().write(text.getBytes(US_ASCII));
  }

  @Test
  void linesOfABulk_whoseIndexIsDeletedOrMadeAnewMeanwhile_areAnsweredThatThereIsNone()
      throws Exception {
    String put = "{\"id\":\"d\",\"text\":\"w1\"}";
    try (Server server = withBooks();
        Socket socket = bulk(server, "")) {
      assertThat(line(socket, put)).contains("\"created\"");
      assertThat(server.delete("/v1/indexes/books").status()).isEqualTo(200);

      assertThat(line(socket, put)).contains("\"status\":404", "There is no index");
      assertThat(line(socket, "{\"delete\":\"d\"}"))
          .contains("\"status\":404", "There is no index");

      assertThat(server.put("/v1/indexes/books", "{}").status()).isEqualTo(200);
      assertThat(line(socket, put)).contains("\"status\":503", "was closed meanwhile");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"commit=true", "wait_for=commit"})
  void lastLineOfABulk_whoseIndexIsDeletedMeanwhile_saysThatNothingWasCommitted(String durability)
      throws Exception {
    try (Server server = withBooks();
        Socket socket = bulk(server, "?" + durability)) {
      assertThat(line(socket, "{\"id\":\"d\",\"text\":\"w1\"}")).contains("\"created\"");
      assertThat(server.delete("/v1/indexes/books").status()).isEqualTo(200);

      assertThat(answer(socket, "0\r\n\r\n"))
          .contains("\"lines\":1,\"failed\":0,\"committed\":false,\"status\":404,\"error\":")
          .contains("There is no index \\\"books\\\"");
    }
  }

  /** Then the status can still tell it. */
  @Test
  void bulk_whoseIndexIsDeletedMeanwhile_isNotFound_whereNoLineWasAnswered() throws Exception {
    try (Server server = withBooks();
        Socket socket = bulk(server, "?commit=true&results=failed")) {
      send(socket, "17\r\n{\"id\":\"d\",\"text\":\"w1\"}\n\r\n");
      await()
          .atMost(Duration.ofMinutes(1))
          .until(() -> server.get("/v1/indexes/books").body().contains("\"uncommitted\":true"));
      assertThat(server.delete("/v1/indexes/books").status()).isEqualTo(200);
      send(socket, "0\r\n\r\n");

      String status = "HTTP/1.1 404 Not Found";
      assertThat(new String(socket.getInputStream().readNBytes(status.length()), US_ASCII))
          .isEqualTo(status);
    }
  }

  private void get(Server server, String path, Integer... expected) {
    check(path, server.get(path), expected);
  }
}
