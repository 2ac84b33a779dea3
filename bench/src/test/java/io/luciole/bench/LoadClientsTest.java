package io.luciole.bench;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LoadClientsTest {
  private static final String TEXT = "a \"quoted\" text";
  private final Set<String> texts = ConcurrentHashMap.newKeySet();
  private HttpServer server;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/embeddings", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  /** Knows the model "m3"; takes the model "busy" for one that is overloaded. */
  private void answer(HttpExchange exchange) throws IOException {
    JsonNode request = new ObjectMapper().readTree(exchange.getRequestBody());
    texts.add(request.path("input").asText());
    int status =
        switch (request.path("model").asText()) {
          case "m3" -> 200;
          case "busy" -> 429;
          default -> 404;
        };
    byte[] body =
        (status == 404 ? "{\"error\": {\"code\": \"model_not_found\"}}" : "{}")
            .getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private LoadClients.Result run(String model) throws InterruptedException {
    return LoadClients.run(server.getAddress().getPort(), model, 2, List.of(TEXT), 1, 20);
  }

  @Test
  void model_isThatOfTheServer_andTextsArriveAsTheyAre() throws InterruptedException {
    LoadClients.Result result = run("m3");
    assertThat(result.latencies()).isNotEmpty();
    assertThat(result.others()).isEmpty();
    assertThat(texts).containsExactly(TEXT);
  }

  @Test
  void refusals_areToldApart() throws InterruptedException {
    LoadClients.Result unknown = run("m4");
    assertThat(unknown.latencies()).isEmpty();
    assertThat(unknown.refused()).isZero();
    assertThat(unknown.others()).containsOnlyKeys("status 404 model_not_found");
    LoadClients.Result busy = run("busy");
    assertThat(busy.refused()).isPositive();
    assertThat(busy.others()).isEmpty();
  }

  @Test
  void failedConnections_areCounted() throws InterruptedException {
    server.stop(0);
    assertThat(run("m3").others()).containsOnlyKeys("ConnectException");
  }
}
