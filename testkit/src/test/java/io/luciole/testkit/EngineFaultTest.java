package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.DeviceLostException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineHealth;
import io.luciole.EngineListener;
import io.luciole.LucioleConfig;
import io.luciole.NotFiniteException;
import io.luciole.Truncation;
import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.Device;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** For each way to fail: which futures fail, with what, and that all others are right. */
@Timeout(120)
class EngineFaultTest extends EngineTestCase {
  @Test
  void memoryLimit_splitsBatchesAndEveryTextSucceeds() {
    backend.faults(Fault.memory(100));
    try (EmbeddingEngine engine = open()) {
      assertAllRight(engine, submit(engine, 2000, 1));
      assertThat(engine.health().devices().get(0).tokenBudget()).isLessThan(256);
      assertThat(engine.health().state()).isEqualTo(EngineHealth.State.HEALTHY);
    }
  }

  @Test
  void memoryBudget_risesAgainWhenThereIsRoom() {
    backend.faults(Fault.memory(60));
    List<Integer> budgets = new CopyOnWriteArrayList<>();
    EngineListener listener =
        new EngineListener() {
          @Override
          public void onHealth(EngineHealth health) {
            budgets.add(health.devices().get(0).tokenBudget());
          }
        };
    try (EmbeddingEngine engine = open(b -> b.listener(listener))) {
      assertAllRight(engine, submit(engine, 200, 1));
      assertThat(engine.health().devices().get(0).tokenBudget()).isLessThan(256);
      backend.faults();
      assertAllRight(engine, submit(engine, 20_000, 2));
      assertThat(engine.health().devices().get(0).tokenBudget()).isEqualTo(256);
      await()
          .untilAsserted(() -> assertThat(budgets).as("told").contains(256).anyMatch(b -> b < 256));
    }
  }

  @Test
  void outOfMemoryAtRandom_splitsAndEveryTextSucceeds() {
    backend.faults(Fault.outOfMemory(notCanary(Fault.randomly(0.05, 11))));
    try (EmbeddingEngine engine = open()) {
      assertAllRight(engine, submit(engine, 3000, 3));
    }
  }

  @Test
  void aTextThatNeverFitsMemory_failsAlone() {
    backend.faults(Fault.memory(200));
    try (EmbeddingEngine engine = open()) {
      CompletableFuture<Embedding> large = engine.embed("w1 ".repeat(300));
      Map<String, CompletableFuture<Embedding>> others = submit(engine, 500, 4);
      assertThat(failure(large)).isInstanceOf(BackendOutOfMemoryException.class);
      assertAllRight(engine, others);
    }
  }

  @Test
  void heapOutOfMemoryInTheBackend_splitsToo() {
    backend.faults(
        Fault.delay(batch -> {
          if (batch.size() > 4) {
            throw new OutOfMemoryError("Cannot reserve direct memory, as was asked for");
          }
          return 0;
        }));
    try (EmbeddingEngine engine = open()) {
      assertAllRight(engine, submit(engine, 300, 5));
    }
  }

  @Test
  void onePoisonText_failsAloneAmongTenThousand() {
    backend.faults(Fault.throwing(Fault.holding(POISON_ID)));
    try (EmbeddingEngine engine = open(b -> b.tokenBudget(4096))) {
      Map<String, CompletableFuture<Embedding>> before = submit(engine, 5000, 6);
      CompletableFuture<Embedding> poison = engine.embed("w1 w2 " + POISON);
      Map<String, CompletableFuture<Embedding>> after = submit(engine, 5000, 7);
      assertThat(failure(poison))
          .isInstanceOf(BackendException.class)
          .isNotInstanceOf(DeviceLostException.class)
          .hasMessageContaining("asked for");
      assertAllRight(engine, before);
      assertAllRight(engine, after);
      assertThat(engine.health().state()).isEqualTo(EngineHealth.State.HEALTHY);
    }
    assertThat(backend.opened()).isEqualTo(1);
  }

  @Test
  void manyPoisonTexts_failAndOnlyThey() {
    backend.faults(Fault.throwing(Fault.holding(POISON_ID)));
    try (EmbeddingEngine engine = open()) {
      List<CompletableFuture<Embedding>> poisons = new ArrayList<>();
      Map<String, CompletableFuture<Embedding>> others = new LinkedHashMap<>();
      for (int i = 0; i < 40; i++) {
        poisons.add(engine.embed("w" + i + " " + POISON));
        others.putAll(submit(engine, 5, i));
      }
      poisons.forEach(p -> assertThat(failure(p)).isInstanceOf(BackendException.class));
      assertAllRight(engine, others);
    }
  }

  @Test
  void errorsAndUncheckedExceptionsOfTheBackend_areReportedAsBackendExceptions() {
    backend.faults(
        Fault.delay(batch -> {
          if (Fault.holding(POISON_ID).test(batch)) {
            throw new StackOverflowError("as was asked for");
          }
          return 0;
        }));
    try (EmbeddingEngine engine = open()) {
      CompletableFuture<Embedding> poison = engine.embed(POISON);
      assertThat(failure(poison))
          .isInstanceOf(BackendException.class)
          .hasCauseInstanceOf(StackOverflowError.class);
      assertAllRight(engine, submit(engine, 100, 8));
    }
  }

  @Test
  void failuresAtRandom_areRetriedUpToTwiceAlone() {
    long seed = 12;
    backend.faults(Fault.throwing(notCanary(Fault.randomly(0.02, seed))));
    try (EmbeddingEngine engine = open()) {
      int failed = 0;
      for (var e : submit(engine, 5000, 9).entrySet()) {
        try {
          assertRight(engine, e.getKey(), get(e.getValue()));
        } catch (CompletionException expected) {
          failed++;
        }
      }
      // A text fails for good where its batch, each of its parts and two lone runs all failed.
      assertThat(failed).isLessThan(5);
    }
  }

  @Test
  void notANumber_failsTheTextsConcerned() {
    backend.faults(Fault.nan(POISON_ID));
    try (EmbeddingEngine engine = open()) {
      CompletableFuture<Embedding> poison = engine.embed("w1 " + POISON);
      Map<String, CompletableFuture<Embedding>> others = submit(engine, 500, 10);
      assertThat(failure(poison)).isInstanceOf(NotFiniteException.class);
      assertAllRight(engine, others);
    }
  }

  @Test
  void aTextWithoutTokens_failsAlone() throws IOException {
    FakeModel.write(folder, 512);
    Path file = folder.resolve("tokenizer.json");
    String tokenizer = Files.readString(file);
    int from = tokenizer.indexOf("\"post_processor\"");
    int to = tokenizer.indexOf("\"decoder\"");
    Files.writeString(
        file, tokenizer.substring(0, from) + "\"post_processor\":null," + tokenizer.substring(to));
    EngineBuilder builder =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(ModelSource.path(folder))
            .backend(backend);
    try (EmbeddingEngine engine = builder.open()) {
      Map<String, CompletableFuture<Embedding>> others = submit(engine, 50, 32);
      List<CompletableFuture<Embedding>> none =
          List.of(
              engine.embed(""),
              engine.embed(" "),
              engine.embed("", EmbedOptions.passage().truncation(Truncation.CHUNK)),
              engine.embed(new int[0], EmbedOptions.passage()));
      others.putAll(submit(engine, 50, 33));
      assertThat(none)
          .allSatisfy(f ->
              assertThat(failure(f))
                  .isInstanceOf(IllegalArgumentException.class)
                  .hasMessageContaining("at least one token"));
      assertAllRight(engine, others);
      String blankAtItsEnd = "w1 ".repeat(600) + " ".repeat(600);
      EmbedOptions chunks = EmbedOptions.passage().truncation(Truncation.CHUNK);
      assertThat(get(engine.embed(blankAtItsEnd, chunks)).tokenCount()).isEqualTo(600);
      assertThat(engine.health().state()).isEqualTo(EngineHealth.State.HEALTHY);
    }
    assertThat(backend.opened()).isEqualTo(1);
  }

  @Test
  void tooFewRows_failTheTextsConcerned() {
    backend.faults(Fault.missingRow(Fault.holding(POISON_ID)));
    try (EmbeddingEngine engine = open()) {
      CompletableFuture<Embedding> poison = engine.embed("w1 " + POISON);
      Map<String, CompletableFuture<Embedding>> others = submit(engine, 500, 11);
      assertThat(failure(poison))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("Expected DENSE values [1, 8]");
      assertAllRight(engine, others);
    }
  }

  @Test
  void tooFewRowsAlways_meansTheDeviceIsLost() {
    try (EmbeddingEngine engine = open()) {
      backend.faults(Fault.missingRow(b -> true));
      submit(engine, 50, 12)
          .values()
          .forEach(f -> assertThat(failure(f)).isInstanceOf(DeviceLostException.class));
      backend.faults();
    }
  }

  @Test
  void aDeadBackend_failsEverythingAtOnce_andWorksAgainWhenItIsBack() {
    try (EmbeddingEngine engine = open()) {
      assertAllRight(engine, submit(engine, 50, 13));
      backend.faults(Fault.throwing(b -> true));
      submit(engine, 5000, 14)
          .values()
          .forEach(f -> assertThat(failure(f)).isInstanceOf(DeviceLostException.class));
      assertThat(backend.runs()).as("no run for each text").isLessThan(300);
      assertThat(engine.health().state()).isEqualTo(EngineHealth.State.UNHEALTHY);
      assertThat(engine.health().devices().get(0).problem().orElseThrow())
          .contains("smallest text");
      assertThat(failure(engine.embed("w1"))).isInstanceOf(DeviceLostException.class);

      backend.faults();
      await().until(() -> engine.health().state() == EngineHealth.State.HEALTHY);
      assertAllRight(engine, submit(engine, 50, 15));
    }
    assertThat(backend.opened()).isGreaterThan(1);
  }

  @Test
  void aBackendThatCannotBeReopenedAtFirst_isTriedAgain() {
    backend.onOpen(n -> {
      if (n > 1 && n < 4) {
        throw new BackendException("not yet");
      }
    });
    try (EmbeddingEngine engine = open()) {
      backend.faults(Fault.throwing(b -> backend.opened() == 1));
      assertThat(failure(engine.embed("w1"))).isInstanceOf(DeviceLostException.class);
      await().until(() -> engine.health().state() == EngineHealth.State.HEALTHY);
      assertThat(backend.opened()).isEqualTo(4);
      assertAllRight(engine, submit(engine, 50, 16));
    }
  }

  /** Its vectors would be another model's, in the midst of those from before. */
  @Test
  void aLostDevice_isNotReopenedWithFilesThatChangedMeanwhile() throws IOException {
    try (EmbeddingEngine engine = open()) {
      Path weights = folder.resolve("model.onnx");
      String content = Files.readString(weights);
      Files.writeString(weights, "another version");
      backend.faults(Fault.throwing(b -> backend.opened() == 1));
      assertThat(failure(engine.embed("w1"))).isInstanceOf(DeviceLostException.class);

      await()
          .during(Duration.ofMillis(300))
          .until(() -> engine.health().state() == EngineHealth.State.UNHEALTHY);

      assertThat(backend.opened()).isEqualTo(1);
      String told = engine.health().devices().get(0).problem().orElseThrow();
      assertThat(told).contains("failed a batch", weights + " has changed", "open it again");
      assertThat(failure(engine.embed("w1")))
          .isInstanceOf(DeviceLostException.class)
          .hasMessageContaining(weights + " has changed");
      Files.writeString(weights, content);
      await().until(() -> engine.health().state() == EngineHealth.State.HEALTHY);
      assertAllRight(engine, submit(engine, 50, 34));
    }
  }

  /** What a backend reads is more than the fingerprint is made of. */
  @Test
  void aLostDevice_isNotReopenedWithAnotherConfiguration() throws IOException {
    Path config = Files.writeString(folder.resolve("config.json"), "{}");
    try (EmbeddingEngine engine = open()) {
      Files.writeString(config, "{\"hidden_act\": \"relu\"}");
      backend.faults(Fault.throwing(b -> backend.opened() == 1));
      assertThat(failure(engine.embed("w1"))).isInstanceOf(DeviceLostException.class);
      await().until(() -> engine.health().toString().contains(config + " has changed"));

      Files.writeString(config, "{}");
      await().until(() -> engine.health().state() == EngineHealth.State.HEALTHY);
      assertThat(backend.opened()).isEqualTo(2);
    }
  }

  @Test
  void aLostDevice_isNotReopenedWithFilesThatChangeWhileTheyAreRead() throws IOException {
    try (EmbeddingEngine engine = open()) {
      Path weights = folder.resolve("model.onnx");
      String content = Files.readString(weights);
      backend.onOpen(n -> write(weights, n == 2 ? "another version" : content));
      backend.faults(Fault.throwing(b -> backend.opened() == 1));
      assertThat(failure(engine.embed("w1"))).isInstanceOf(DeviceLostException.class);
      await().until(() -> engine.health().toString().contains(weights + " has changed"));
      assertThat(backend.openSessions()).isZero();

      write(weights, content);
      await().until(() -> engine.health().state() == EngineHealth.State.HEALTHY);
      assertThat(backend.opened()).isEqualTo(3);
    }
  }

  @Test
  void devices_thatWouldHaveDifferentFiles_areNotOpened() {
    backend.devices(Device.CPU, Device.parse("cuda:0"));
    Path weights = folder.resolve("model.onnx");
    backend.onOpen(n -> write(weights, "version " + n));

    assertThatThrownBy(() -> open(b -> b.devices(List.of(Device.CPU, Device.parse("cuda:0")))))
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll(weights + " has changed", "open the engine again");
    assertThat(backend.openSessions()).isZero();
  }

  private static void write(Path file, String content) {
    try {
      Files.writeString(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void aHang_failsItsTextsAfterTheTimeout_andTheDeviceIsReplaced() {
    CountDownLatch hung = latch();
    backend.faults(blocking(Fault.holding(POISON_ID), hung));
    try (EmbeddingEngine engine = open(b -> b.batchTimeout(Duration.ofMillis(200)))) {
      CompletableFuture<Embedding> poison = engine.embed(POISON);
      assertThat(failure(poison))
          .isInstanceOf(DeviceLostException.class)
          .hasMessageContaining("gave no answer within PT0.2S");
      await().until(() -> engine.health().state() == EngineHealth.State.HEALTHY);
      assertAllRight(engine, submit(engine, 500, 17));
      assertThat(backend.openSessions()).as("the hung one and its successor").isEqualTo(2);
      hung.countDown();
      await().until(() -> backend.openSessions() == 1);
    }
  }

  @Test
  void aLostDevice_isTakenOut_andTheOtherCarriesOn() {
    backend.devices(new Device("cuda", 0), new Device("cuda", 1));
    CountDownLatch hung = latch();
    backend.faults(
        Fault.delay(batch -> {
          if (Thread.currentThread().getName().startsWith("luciole-cuda:1")) {
            throw new BackendException("device 1 is gone");
          }
          return 100_000;
        }));
    try (EmbeddingEngine engine =
        open(b -> b.device("cuda:0,cuda:1").reopenDelay(Duration.ofHours(1)))) {
      assertAllRight(engine, submit(engine, 3000, 18));
      await().until(() -> engine.health().state() == EngineHealth.State.DEGRADED);
      assertThat(engine.health().devices())
          .extracting(EngineHealth.DeviceHealth::usable)
          .containsExactly(true, false);
    }
    hung.countDown();
  }

  @Test
  void severalDevices_shareTheWork() {
    backend
        .devices(new Device("cuda", 0), new Device("cuda", 1))
        .faults(Fault.delay(Duration.ofMillis(1)));
    try (EmbeddingEngine engine = open(b -> b.device("cuda:0,cuda:1"))) {
      assertThat(backend.openSessions()).isEqualTo(2);
      assertAllRight(engine, submit(engine, 2000, 19));
    }
  }
}
