package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth.State;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexListener;
import io.luciole.lucene.SourceDocument;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.luciole.testkit.Fault;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextClosedEvent;
import org.springframework.context.support.GenericApplicationContext;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

/** What is under way when an application is closed: it is answered, then committed, then closed. */
class GracefulShutdownTest {
  private static final int REQUESTS = 20;

  @TempDir private Path folder;

  /** Indexes what it is asked to, on virtual threads, with a backend that waits for the test. */
  @EnableAutoConfiguration
  @RestController
  static class Application {
    private final HybridIndexer indexer;

    Application(HybridIndexer indexer) {
      this.indexer = indexer;
    }

    @GetMapping("/put/{id}")
    String put(@PathVariable("id") String id) {
      boolean replaced = indexer.put(SourceDocument.of(id, "", "w" + id)).join();
      return Thread.currentThread().isVirtual() && !replaced ? "written" : "wrong";
    }
  }

  static class Model {
    @Bean
    FakeBackend backend() {
      return new FakeBackend();
    }
  }

  private ConfigurableApplicationContext start() {
    var model = FakeModel.write(folder, 512);
    return new SpringApplicationBuilder(Application.class, Model.class)
        .initializers(context ->
            ((GenericApplicationContext) context)
                .registerBean(EngineCustomizer.class, () -> builder -> builder.model(model)))
        .properties(
            "server.port=0",
            "server.shutdown=graceful",
            "spring.threads.virtual.enabled=true",
            "luciole.index.folder=" + folder.resolve("index"))
        .run();
  }

  private static Fault waitFor(CountDownLatch latch) {
    return new Fault() {
      @Override
      public void before(TokenBatch batch) {
        try {
          latch.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    };
  }

  @Test
  void requestsUnderWay_areAnswered_thenCommitted_thenClosed() throws Exception {
    List<String> events = new CopyOnWriteArrayList<>();
    CountDownLatch release = new CountDownLatch(1);
    ConfigurableApplicationContext context = start();
    FakeBackend backend = context.getBean(FakeBackend.class);
    EmbeddingEngine engine = context.getBean(EmbeddingEngine.class);
    context
        .getBean(HybridIndexer.class)
        .addListener(
            new IndexListener() {
              @Override
              public void onCommit(Duration took) {
                events.add("commit while " + engine.health().state());
              }
            });
    CountDownLatch closed = new CountDownLatch(1);
    context.addApplicationListener((ContextClosedEvent event) -> closed.countDown());
    backend.faults(waitFor(release));
    List<CompletableFuture<HttpResponse<String>>> answers = new ArrayList<>();
    try (HttpClient client = HttpClient.newHttpClient()) {
      String port =
          Objects.requireNonNull(context.getEnvironment().getProperty("local.server.port"));
      long before = engine.stats().submitted();
      for (int i = 0; i < REQUESTS; i++) {
        answers.add(
            client
                .sendAsync(
                    HttpRequest.newBuilder(URI.create("http://localhost:" + port + "/put/" + i))
                        .build(),
                    BodyHandlers.ofString())
                .whenComplete((answer, failure) -> events.add("answer")));
      }
      await()
          .atMost(Duration.ofMinutes(1))
          .until(() -> engine.stats().submitted() == before + REQUESTS);
      Thread closing = Thread.ofVirtual().start(context::close);
      closed.await();
      release.countDown();
      for (CompletableFuture<HttpResponse<String>> answer : answers) {
        assertThat(answer.get().statusCode()).isEqualTo(200);
        assertThat(answer.get().body()).isEqualTo("written");
      }
      closing.join();
    }
    assertThat(events.getLast()).isEqualTo("commit while HEALTHY");
    assertThat(events.stream().filter(event -> event.equals("answer"))).hasSize(REQUESTS);
    assertThat(engine.health().state()).isEqualTo(State.CLOSED);
    try (HybridSearcher searcher = HybridSearcher.open(folder.resolve("index"))) {
      assertThat(searcher.documents()).isEqualTo(REQUESTS);
    }
  }

  @Test
  void aContextThatIsStartedAgain_goesOn() {
    try (ConfigurableApplicationContext context = start()) {
      HybridIndexer indexer = context.getBean(HybridIndexer.class);
      indexer.put(SourceDocument.of("one", "", "w1")).join();
      context.stop();
      assertThat(indexer.hasUncommittedChanges()).isFalse();
      context.start();
      indexer.put(SourceDocument.of("two", "", "w2")).join();
      HybridSearcher searcher = context.getBean(HybridSearcher.class);
      searcher.refresh();
      assertThat(searcher.documents()).isEqualTo(2);
    }
  }
}
