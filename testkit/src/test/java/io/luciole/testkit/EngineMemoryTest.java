package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.lang.ref.WeakReference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What waits fits the heap, and an engine that nobody closed is closed and told of. */
@Timeout(180)
class EngineMemoryTest extends EngineTestCase {
  @Test
  void aMillionTextsThatNobodyWaitsFor_fitASmallHeap() throws Exception {
    assertThatTextsFit(1_000_000, 0);
  }

  /** Pages of 100 KB, of which the model takes 512 tokens. */
  @Test
  void textsFarBeyondTheModelsLimit_fitASmallHeap() throws Exception {
    assertThatTextsFit(3_000, 33_000);
  }

  private void assertThatTextsFit(int texts, int moreWords) throws Exception {
    Process process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElseThrow(),
                "-Xmx128m",
                "-XX:+ExitOnOutOfMemoryError",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                Application.class.getName(),
                folder.toString(),
                Integer.toString(texts),
                Integer.toString(moreWords))
            .redirectErrorStream(true)
            .start();
    process.getOutputStream().close();
    assertThat(process.inputReader().lines()).contains("computed " + texts);
    assertThat(process.waitFor()).isZero();
  }

  /** The program of the JVM with a small heap. */
  public static final class Application {
    private Application() {}

    /** Submits texts faster than they are computed, and joins none. */
    public static void main(String[] args) throws InterruptedException {
      int texts = Integer.parseInt(args[1]);
      int moreWords = Integer.parseInt(args[2]);
      AtomicInteger computed = new AtomicInteger();
      CountDownLatch left = new CountDownLatch(texts);
      try (EmbeddingEngine engine =
          EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
              .model(FakeModel.write(Path.of(args[0]), 512))
              .backend(new FakeBackend())
              .open()) {
        for (int i = 0; i < texts; i++) {
          CompletableFuture<Embedding> future =
              engine.embed(
                  "w" + i % 1000 + " w" + i / 1000 + " w" + i % 7 + " w0".repeat(moreWords));
          CompletableFuture<?> unused =
              future.whenComplete((done, failed) -> {
                if (failed == null) {
                  computed.incrementAndGet();
                }
                left.countDown();
              });
        }
        left.await();
      }
      System.out.println("computed " + computed);
    }
  }

  @Test
  void anEngineThatIsCollectedWithoutClose_computesWhatItHas_frees_andSaysWhereItWasOpened()
      throws Exception {
    CountDownLatch blocked = latch();
    backend.faults(blocking(b -> true, blocked));
    PrintStream usual = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    try {
      List<CompletableFuture<Embedding>> futures = new ArrayList<>();
      WeakReference<EmbeddingEngine> engine = new WeakReference<>(dropped(futures));
      await()
          .untilAsserted(() -> {
            System.gc();
            assertThat(engine.get()).isNull();
            assertThat(log.toString(StandardCharsets.UTF_8)).contains("without being closed");
          });
      blocked.countDown();
      futures.forEach(EngineTestCase::get);
      await().untilAsserted(() -> assertThat(backend.openSessions()).isZero());
      await().until(() -> Thread.getAllStackTraces().keySet().stream().noneMatch(this::isEngines));
    } finally {
      System.setErr(usual);
    }
    assertThat(log.toString(StandardCharsets.UTF_8))
        .containsOnlyOnce("without being closed")
        .contains(getClass().getName() + ".dropped");
  }

  private boolean isEngines(Thread thread) {
    return thread.getName().startsWith("luciole-") && thread.isAlive();
  }

  private EmbeddingEngine dropped(List<CompletableFuture<Embedding>> futures) {
    EmbeddingEngine engine = open();
    for (int i = 0; i < 100; i++) {
      futures.add(engine.embed("w" + i));
    }
    return engine;
  }
}
