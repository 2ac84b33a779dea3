package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbeddingEngine;
import io.luciole.spring.boot.test.AutoConfigureFakeLuciole;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import io.micrometer.core.instrument.MeterRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.boot.test.context.SpringBootTest.WebEnvironment;
import org.springframework.context.annotation.Bean;

/** An application with Spring Boot's actuator, asked over HTTP as an orchestrator does. */
@SpringBootTest(
    webEnvironment = WebEnvironment.RANDOM_PORT,
    classes = HealthAndMetersTest.Application.class,
    properties = {
      "management.endpoint.health.show-details=always",
      "management.endpoint.health.probes.enabled=true",
      "spring.threads.virtual.enabled=true"
    })
@AutoConfigureFakeLuciole
class HealthAndMetersTest {
  @EnableAutoConfiguration
  static class Application {
    @Bean
    EngineCustomizer soonAgain() {
      return builder -> builder.reopenDelay(Duration.ofMillis(10));
    }
  }

  @Autowired private FakeBackend backend;
  @Autowired private EmbeddingEngine engine;
  @Autowired private VectorStore store;
  @Autowired private MeterRegistry registry;

  @Value("${local.server.port}")
  private int port;

  private HttpResponse<String> get(String path) throws IOException, InterruptedException {
    try (HttpClient client = HttpClient.newHttpClient()) {
      return client.send(
          HttpRequest.newBuilder(URI.create("http://localhost:" + port + path)).build(),
          BodyHandlers.ofString());
    }
  }

  @Test
  void health_tellsOfTheDevice_andReadinessFollowsIt() throws Exception {
    HttpResponse<String> healthy = get("/actuator/health");
    assertThat(healthy.statusCode()).isEqualTo(200);
    assertThat(healthy.body())
        .contains("\"luciole\"", "\"state\":\"HEALTHY\"", "\"cpu\":\"usable\"");
    assertThat(get("/actuator/health/readiness").statusCode()).isEqualTo(200);

    backend.onOpen(n -> {
      throw new IllegalStateException("no device");
    });
    backend.faults(Fault.throwing(batch -> true));
    assertThat(engine.embed("w1")).failsWithin(Duration.ofMinutes(1));
    await()
        .atMost(Duration.ofMinutes(1))
        .until(() -> get("/actuator/health/readiness").statusCode() == 503);
    HttpResponse<String> lost = get("/actuator/health");
    assertThat(lost.statusCode()).isEqualTo(503);
    assertThat(lost.body()).contains("\"state\":\"UNHEALTHY\"");

    backend.faults().onOpen(n -> {});
    await()
        .atMost(Duration.ofMinutes(1))
        .until(() -> get("/actuator/health/readiness").statusCode() == 200);
    assertThat(get("/actuator/health").statusCode()).isEqualTo(200);
  }

  @Test
  void meters_countTextsSearchesAndDocuments() {
    double before = registry.get("luciole.texts.embedded").functionCounter().count();
    store.add(List.of(new Document("w1 w2"), new Document("w3")));
    store.similaritySearch("w3");
    assertThat(registry.get("luciole.texts.embedded").functionCounter().count())
        .isEqualTo(before + 3);
    assertThat(registry.get("luciole.search").timer().count()).isPositive();
    assertThat(registry.get("luciole.index.document").timer().count()).isGreaterThanOrEqualTo(2);
  }
}
