package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.awaitility.Awaitility.await;

import com.google.inject.Guice;
import com.google.inject.multibindings.Multibinder;
import io.luciole.EmbeddingEngine;
import io.luciole.testkit.FakeBackend;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Handlers that compute for long leave the server's connections alone. */
@Timeout(120)
class HeavyRequestsTest {
  /** Computes without ever waiting, as a tokenizer does, until it is told to stop. */
  private static final class Spinning implements Api {
    final ConcurrentLinkedQueue<Thread> running = new ConcurrentLinkedQueue<>();
    private volatile boolean stopped;

    @Override
    public List<Route> routes() {
      return List.of(Route.post("/spin", Problems.Format.OPENAI, this::spin));
    }

    private void spin(Exchange x) {
      running.add(Thread.currentThread());
      while (!stopped) {
        Thread.onSpinWait();
      }
      x.ok(JsonBodies.object());
    }

    void stop() {
      stopped = true;
    }
  }

  @TempDir Path folder;

  @Test
  void healthAndMetrics_answerWhileEveryCoreComputesForRequests() throws Exception {
    int heavy = 2 * Runtime.getRuntime().availableProcessors() + 2;
    Spinning spinning = new Spinning();
    CountDownLatch answered = new CountDownLatch(heavy);
    try (EmbeddingEngine engine = Server.fakeEngine(new FakeBackend(), folder);
        LucioleServer server = server(engine, spinning);
        HttpClient client = HttpClient.newHttpClient()) {
      server.start();
      try {
        for (int i = 0; i < heavy; i++) {
          var unused =
              client
                  .sendAsync(
                      request(server, "/spin").POST(HttpRequest.BodyPublishers.noBody()).build(),
                      HttpResponse.BodyHandlers.ofString())
                  .thenAccept(answer -> answered.countDown());
        }
        await().atMost(Duration.ofSeconds(30)).until(() -> spinning.running.size() == heavy);
        for (String path : List.of("/health/live", "/health/ready", "/metrics")) {
          assertThat(
                  client
                      .send(request(server, path).build(), HttpResponse.BodyHandlers.ofString())
                      .statusCode())
              .as(path)
              .isEqualTo(200);
        }
        assertThat(answered.getCount()).as("requests that still compute").isEqualTo(heavy);
        assertThat(spinning.running).noneMatch(Thread::isVirtual);
      } finally {
        spinning.stop();
      }
      answered.await();
    }
  }

  @Test
  void interruptOfTheConnectionsThread_reachesTheHandler_whoseEndIsWaitedFor() throws Exception {
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch interrupted = new CountDownLatch(1);
    CountDownLatch mayEnd = new CountDownLatch(1);
    Route.Handling handling =
        x -> {
          begun.countDown();
          try {
            Thread.sleep(Duration.ofMinutes(1));
          } catch (InterruptedException e) {
            interrupted.countDown();
          }
          mayEnd.await();
          throw new IllegalStateException("the handler's own");
        };
    try (Workers workers = new Workers()) {
      AtomicReference<@Nullable Throwable> thrown = new AtomicReference<>();
      Thread connection =
          Thread.ofVirtual()
              .start(
                  () -> thrown.set(catchThrowable(() -> workers.handle(handling, noExchange()))));
      begun.await();
      connection.interrupt();
      interrupted.await();
      assertThat(connection.isAlive()).isTrue();
      mayEnd.countDown();
      connection.join();
      assertThat(thrown.get()).hasMessage("the handler's own");
    }
  }

  @SuppressWarnings("NullAway") // The handlers of these tests do not look at it.
  private static Exchange noExchange() {
    return null;
  }

  private static LucioleServer server(EmbeddingEngine engine, Api api) {
    return Guice.createInjector(
            new ServerModule(Server.config(), engine),
            binder -> Multibinder.newSetBinder(binder, Api.class).addBinding().toInstance(api))
        .getInstance(LucioleServer.class);
  }

  private static HttpRequest.Builder request(LucioleServer server, String path) {
    return HttpRequest.newBuilder(URI.create(server.uri() + path.substring(1)))
        .version(HttpClient.Version.HTTP_1_1)
        .timeout(Duration.ofSeconds(30));
  }
}
