package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A server that is killed in the middle of an ingestion. */
@Timeout(300)
class KillTest {
  private static final int COMMITTED = 300;
  private static final int ROUNDS = 3;
  private static final int LATER = 20_000;
  private static final Duration NEVER = Duration.ofHours(1);

  @TempDir Path folder;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private HttpRequest bulk(int port, int from, int to, boolean commit) {
    String lines =
        IntStream.range(from, to)
            .mapToObj(i -> "{\"id\":\"d" + i + "\",\"text\":\"w" + i % 1000 + " w5\"}\n")
            .collect(Collectors.joining());
    return HttpRequest.newBuilder(
            URI.create("http://127.0.0.1:" + port + "/v1/documents/bulk?commit=" + commit))
        .timeout(Duration.ofSeconds(60))
        .POST(HttpRequest.BodyPublishers.ofString(lines))
        .build();
  }

  private JsonNode get(int port, String path) throws IOException, InterruptedException {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path)).build();
    return new ObjectMapper()
        .readTree(client.send(request, HttpResponse.BodyHandlers.ofString()).body());
  }

  @Test
  void whatWasCommitted_isThereOnceAfterAKill() throws Exception {
    ServerProcess.Running first = ServerProcess.start(folder, NEVER);
    try {
      HttpResponse<String> acknowledged =
          client.send(bulk(first.port(), 0, COMMITTED, true), HttpResponse.BodyHandlers.ofString());
      assertThat(acknowledged.body().lines().toList())
          .hasSize(COMMITTED + 1)
          .last()
          .isEqualTo("{\"lines\":" + COMMITTED + ",\"failed\":0,\"committed\":true}");
      // Half of what was committed comes again, with much more, while the process is killed.
      CompletableFuture<HttpResponse<String>> cut =
          client.sendAsync(
              bulk(first.port(), COMMITTED / 2, LATER, true), HttpResponse.BodyHandlers.ofString());
      while (get(first.port(), "/v1/stats").at("/index/documents").asInt() <= COMMITTED) {
        Thread.sleep(50);
      }
      first.process().destroyForcibly().waitFor();
      requireCut(cut);
    } finally {
      first.process().destroyForcibly().waitFor();
    }

    ServerProcess.Running second = ServerProcess.start(folder, NEVER);
    try {
      assertThat(get(second.port(), "/v1/stats").at("/index/documents").asInt())
          .isEqualTo(COMMITTED);
      for (int i : List.of(0, COMMITTED / 2, COMMITTED - 1)) {
        HttpRequest search =
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + second.port() + "/v1/search"))
                .POST(
                    HttpRequest.BodyPublishers.ofString(
                        "{\"query\":\"w5\",\"legs\":[\"bm25\"],\"filter\":{\"$id\":\"d"
                            + i
                            + "\"}}"))
                .build();
        JsonNode answer =
            new ObjectMapper()
                .readTree(client.send(search, HttpResponse.BodyHandlers.ofString()).body());
        assertThat(answer.path("hits")).as("d" + i).hasSize(1);
      }
      // The same lines again make the whole, each document once.
      HttpResponse<String> again =
          client.send(
              bulk(second.port(), COMMITTED / 2, 1000, true), HttpResponse.BodyHandlers.ofString());
      assertThat(again.body())
          .endsWith("{\"lines\":" + (1000 - COMMITTED / 2) + ",\"failed\":0,\"committed\":true}\n");
      assertThat(get(second.port(), "/v1/stats").at("/index/documents").asInt()).isEqualTo(1000);
    } finally {
      second.process().destroyForcibly().waitFor();
    }
  }

  private HttpResponse<String> put(int port, String id, String query) throws Exception {
    return client.send(
        HttpRequest.newBuilder(
                URI.create("http://127.0.0.1:" + port + "/v1/documents/" + id + query))
            .timeout(Duration.ofSeconds(60))
            .PUT(HttpRequest.BodyPublishers.ofString("{\"text\":\"w1 w2\"}"))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void whatWaitedForACommit_andAllThatWasWrittenBefore_isThereAfterAKill() throws Exception {
    ServerProcess.Running first = ServerProcess.start(folder, Duration.ofMillis(200));
    try {
      // Much more is written at the same time, and lost in part.
      CompletableFuture<HttpResponse<String>> cut =
          client.sendAsync(
              bulk(first.port(), 0, 4000, false), HttpResponse.BodyHandlers.ofString());
      for (int i = 0; i < ROUNDS; i++) {
        assertThat(put(first.port(), "plain" + i, "").statusCode()).isEqualTo(200);
        assertThat(put(first.port(), "waited" + i, "?wait_for=commit").body())
            .endsWith("\"committed\":true}");
      }
      first.process().destroyForcibly().waitFor();
      requireCut(cut);
    } finally {
      first.process().destroyForcibly().waitFor();
    }
    ServerProcess.Running second = ServerProcess.start(folder, NEVER);
    try {
      for (int i = 0; i < ROUNDS; i++) {
        for (String id : List.of("plain" + i, "waited" + i)) {
          assertThat(get(second.port(), "/v1/documents/" + id).path("id").asText()).isEqualTo(id);
        }
      }
    } finally {
      second.process().destroyForcibly().waitFor();
    }
  }

  /** The answer to a bulk ingestion of a server that was killed: none, or one without an end. */
  private static void requireCut(CompletableFuture<HttpResponse<String>> answer)
      throws InterruptedException {
    try {
      assertThat(answer.get().body().lines().toList()).hasSizeLessThanOrEqualTo(LATER + 1);
    } catch (ExecutionException e) {
      assertThat(e).hasCauseInstanceOf(IOException.class);
    }
  }

  @AfterEach
  void close() {
    client.close();
  }
}
