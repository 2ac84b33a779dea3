package io.luciole.testkit;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.DeviceLostException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import io.luciole.EngineHealth;
import io.luciole.EngineOverloadedException;
import io.luciole.LucioleConfig;
import io.luciole.NotFiniteException;
import io.luciole.Output;
import io.luciole.Overload;
import io.luciole.Role;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** For each way to fail: which futures fail, with what, and that all others are right. */
@Timeout(120)
class EngineFaultTest {
  private static final String POISON = "w666";
  private static final int POISON_ID = FakeModel.FIRST_WORD + 666;
  private static final int CANARY_TOKENS = 3;

  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();
  private final List<CountDownLatch> latches = new ArrayList<>();

  @AfterEach
  void nothingLeaked() {
    latches.forEach(CountDownLatch::countDown);
    await().untilAsserted(() -> assertThat(backend.openSessions()).isZero());
    assertThat(backend.openOutputs()).isZero();
    assertThat(backend.misuses()).isZero();
  }

  private EmbeddingEngine open(UnaryOperator<EmbeddingEngine.Builder> settings) {
    return settings
        .apply(
            EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
                .model(FakeModel.write(folder, 512))
                .backend(backend)
                .tokenBudget(256)
                .reopenDelay(Duration.ofMillis(20)))
        .open();
  }

  private EmbeddingEngine open() {
    return open(b -> b);
  }

  private static String words(Random random, int most) {
    StringBuilder text = new StringBuilder();
    for (int n = 1 + random.nextInt(most); n > 0; n--) {
      text.append('w').append(random.nextInt(600)).append(' ');
    }
    return text.toString();
  }

  private static Map<String, CompletableFuture<Embedding>> submit(
      EmbeddingEngine engine, int texts, long seed) {
    Random random = new Random(seed);
    Map<String, CompletableFuture<Embedding>> futures = new LinkedHashMap<>();
    for (int i = 0; i < texts; i++) {
      String text = words(random, 30) + "w" + i % 600 + " w" + i / 600;
      futures.put(text, engine.embed(text));
    }
    return futures;
  }

  private static void assertRight(EmbeddingEngine engine, String text, Embedding embedding) {
    int[] ids = engine.tokenize(text, Role.PASSAGE).ids();
    assertThat(embedding.dense()).as(text).isEqualTo(FakeBackend.denseOf(ids));
    assertThat(embedding.tokenCount()).isEqualTo(ids.length);
  }

  private static void assertAllRight(
      EmbeddingEngine engine, Map<String, CompletableFuture<Embedding>> futures) {
    futures.forEach((text, future) -> assertRight(engine, text, get(future)));
  }

  private static Embedding get(CompletableFuture<Embedding> future) {
    try {
      return future.get(60, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      throw new CompletionException(e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("the future did not complete", e);
    }
  }

  private static Throwable failure(CompletableFuture<Embedding> future) {
    try {
      get(future);
    } catch (CompletionException e) {
      return requireNonNull(e.getCause());
    }
    throw new AssertionError("expected a failure");
  }

  private static Predicate<TokenBatch> notCanary(Predicate<TokenBatch> which) {
    return b -> b.tokens() > CANARY_TOKENS && which.test(b);
  }

  private CountDownLatch latch() {
    CountDownLatch latch = new CountDownLatch(1);
    latches.add(latch);
    return latch;
  }

  /** Blocks runs that match until the latch opens. */
  private static Fault blocking(Predicate<TokenBatch> which, CountDownLatch latch) {
    return Fault.delay(batch -> {
      try {
        if (which.test(batch)) {
          latch.await();
        }
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
      return 0;
    });
  }

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
    try (EmbeddingEngine engine = open()) {
      assertAllRight(engine, submit(engine, 200, 1));
      assertThat(engine.health().devices().get(0).tokenBudget()).isLessThan(256);
      backend.faults();
      assertAllRight(engine, submit(engine, 20_000, 2));
      assertThat(engine.health().devices().get(0).tokenBudget()).isEqualTo(256);
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
      assertThat(engine.health().devices().get(0).problem()).contains("smallest text");
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

  @Test
  void close_computesWhatWasSubmitted() {
    backend.faults(Fault.delay(Duration.ofMillis(2)));
    Map<String, CompletableFuture<Embedding>> futures;
    EmbeddingEngine engine = open();
    futures = submit(engine, 1000, 20);
    engine.close();
    engine.close();
    assertThat(futures.values())
        .allSatisfy(f -> {
          assertThat(f).isDone();
          assertThat(f.isCompletedExceptionally()).isFalse();
        });
    assertThat(engine.health().state()).isEqualTo(EngineHealth.State.CLOSED);
    assertThatThrownBy(() -> engine.embed("w1")).isInstanceOf(EngineClosedException.class);
  }

  @Test
  void close_failsWhatIsLeftAtItsLimit_evenOnTheDevice() {
    CountDownLatch hung = latch();
    backend.faults(blocking(b -> true, hung));
    EmbeddingEngine engine = open();
    Map<String, CompletableFuture<Embedding>> futures = submit(engine, 500, 21);
    await().until(() -> backend.runs() > 0);
    engine.close(Duration.ofMillis(10));
    assertThat(futures.values())
        .allSatisfy(f -> {
          assertThat(f).isDone();
          assertThat(failure(f)).isInstanceOf(EngineClosedException.class);
        });
    hung.countDown();
  }

  @Test
  void cancelledAndExpiredTexts_neverReachTheDevice() {
    CountDownLatch started = latch();
    backend.recording().faults(blocking(b -> true, started));
    try (EmbeddingEngine engine = open()) {
      CompletableFuture<Embedding> first = engine.embed("w1");
      await().until(() -> backend.runs() == 1);
      CompletableFuture<Embedding> cancelled = engine.embed("w2");
      CompletableFuture<Embedding> expired =
          engine.embed("w3", EmbedOptions.passage().timeout(Duration.ofMillis(20)));
      CompletableFuture<Embedding> kept = engine.embed("w4");
      assertThat(cancelled.cancel(true)).isTrue();
      assertThat(failure(expired)).isInstanceOf(TimeoutException.class);
      started.countDown();
      get(first);
      get(kept);
      assertThatThrownBy(cancelled::join).isInstanceOf(CancellationException.class);
      assertThat(backend.batches())
          .noneMatch(Fault.holding(FakeModel.FIRST_WORD + 2))
          .noneMatch(Fault.holding(FakeModel.FIRST_WORD + 3));
    }
  }

  @Test
  void tooManyWaiting_areRejected_ifThatIsTheRule() {
    CountDownLatch started = latch();
    backend.faults(blocking(b -> true, started));
    try (EmbeddingEngine engine = open(b -> b.maxWaitingTokens(100).overload(Overload.REJECT))) {
      List<CompletableFuture<Embedding>> taken = new ArrayList<>();
      assertThatThrownBy(
              () -> {
                while (true) {
                  taken.add(engine.embed("w1 ".repeat(20)));
                }
              })
          .isInstanceOf(EngineOverloadedException.class)
          .hasMessageContaining("luciole.max-waiting-tokens");
      CompletableFuture<Embedding> query = engine.embed("w1", EmbedOptions.query());
      started.countDown();
      taken.forEach(EngineFaultTest::get);
      get(query);
    }
  }

  @Test
  void tooManyWaiting_blockUntilThereIsRoom() throws Exception {
    CountDownLatch started = latch();
    backend.faults(blocking(b -> true, started));
    try (EmbeddingEngine engine = open(b -> b.maxWaitingTokens(100))) {
      List<CompletableFuture<Embedding>> futures = new ArrayList<>();
      Thread caller =
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 200; i++) {
                  futures.add(engine.embed("w1 ".repeat(20)));
                }
              });
      await().until(() -> caller.getState() == Thread.State.TIMED_WAITING);
      CompletableFuture<Embedding> late =
          engine.embed("w1", EmbedOptions.passage().timeout(Duration.ofMillis(10)));
      assertThat(failure(late)).isInstanceOf(TimeoutException.class);
      started.countDown();
      caller.join();
      futures.forEach(EngineFaultTest::get);
    }
  }

  @Test
  void blockedCallers_areSentAwayByClose() throws Exception {
    CountDownLatch started = latch();
    backend.faults(blocking(b -> true, started));
    EmbeddingEngine engine = open(b -> b.maxWaitingTokens(100));
    List<CompletableFuture<Embedding>> taken = new ArrayList<>();
    CompletableFuture<Throwable> thrown = new CompletableFuture<>();
    Thread caller =
        Thread.ofPlatform()
            .start(() -> {
              try {
                while (true) {
                  taken.add(engine.embed("w1 ".repeat(20)));
                }
              } catch (Throwable t) {
                thrown.complete(t);
              }
            });
    await().until(() -> caller.getState() == Thread.State.TIMED_WAITING);
    engine.close(Duration.ZERO);
    assertThat(thrown.get(30, TimeUnit.SECONDS)).isInstanceOf(EngineClosedException.class);
    taken.forEach(f -> assertThat(failure(f)).isInstanceOf(EngineClosedException.class));
    started.countDown();
  }

  @Test
  void dependentsThatThrowOrNeverReturn_holdNobodyUp() {
    CountDownLatch never = latch();
    CountDownLatch attached = latch();
    backend.faults(blocking(b -> true, attached));
    try (EmbeddingEngine engine = open()) {
      List<CompletableFuture<?>> failing = new ArrayList<>();
      List<CompletableFuture<?>> stuck = new ArrayList<>();
      for (int i = 0; i < 50; i++) {
        stuck.add(
            engine
                .embed("w" + i)
                .thenAccept(e -> {
                  try {
                    never.await();
                  } catch (InterruptedException ex) {
                    Thread.currentThread().interrupt();
                  }
                }));
        failing.add(
            engine
                .embed("w1 w" + i)
                .thenAccept(e -> {
                  throw new StackOverflowError("as was asked for");
                }));
      }
      attached.countDown();
      assertAllRight(engine, submit(engine, 2000, 22));
      assertThat(stuck).noneMatch(CompletableFuture::isDone);
      failing.forEach(f ->
          assertThatThrownBy(() -> f.get(60, TimeUnit.SECONDS))
              .hasCauseInstanceOf(StackOverflowError.class));
    }
  }

  @Test
  void aDependentThatWaitsForItsNeighbour_isServed() {
    try (EmbeddingEngine engine = open()) {
      List<CompletableFuture<Embedding>> futures = new ArrayList<>();
      List<CompletableFuture<Embedding>> chained = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        futures.add(engine.embed("w" + i));
      }
      for (int i = 0; i < 100; i++) {
        CompletableFuture<Embedding> other = futures.get(99 - i);
        chained.add(futures.get(i).thenApply(e -> other.join()));
      }
      chained.forEach(EngineFaultTest::get);
    }
  }

  @Test
  void aDependentThatClosesTheEngine_doesNotWaitForItself() {
    EmbeddingEngine engine = open();
    CompletableFuture<Void> closed = engine.embed("w1").thenAccept(e -> engine.close());
    assertThat(closed).succeedsWithin(Duration.ofSeconds(30));
  }

  @Test
  void dependents_runOnNoThreadOfTheDevice() {
    try (EmbeddingEngine engine = open()) {
      List<CompletableFuture<String>> names = new ArrayList<>();
      for (int i = 0; i < 100; i++) {
        names.add(engine.embed("w" + i).thenApply(e -> Thread.currentThread().getName()));
      }
      String own = Thread.currentThread().getName();
      assertThat(names)
          .map(CompletableFuture::join)
          .allMatch(n -> n.startsWith("luciole-results-") || n.equals(own));
    }
  }

  @Test
  void outputs_areThoseAskedFor_whateverElseIsInTheBatch() {
    CountDownLatch started = latch();
    backend.faults(blocking(b -> true, started));
    try (EmbeddingEngine engine = open()) {
      var dense = engine.embed("w1 w2", EmbedOptions.passage().outputs(Output.DENSE));
      var sparse = engine.embed("w1 w2", EmbedOptions.passage().outputs(Output.SPARSE));
      var colbert = engine.embed("w1 w2", EmbedOptions.passage().outputs(Output.COLBERT));
      started.countDown();
      assertThat(get(dense).outputs()).containsExactly(Output.DENSE);
      assertThat(get(sparse).outputs()).containsExactly(Output.SPARSE);
      assertThat(get(sparse).sparse().weightOf(FakeModel.FIRST_WORD + 1))
          .isEqualTo(FakeBackend.weightOf(FakeModel.FIRST_WORD + 1));
      assertThat(get(colbert).colbert().rows()).isEqualTo(3);
    }
  }

  @Test
  void embedAll_reportsTheFirstFailure_afterAllHaveCompleted() {
    backend.faults(Fault.throwing(Fault.holding(POISON_ID)));
    try (EmbeddingEngine engine = open()) {
      assertThatThrownBy(() -> engine.embedAll(List.of("w1", POISON, "w2"), EmbedOptions.passage()))
          .isInstanceOf(BackendException.class);
      assertThat(engine.embedAll(List.of("w1", "w2"), EmbedOptions.passage()))
          .asInstanceOf(InstanceOfAssertFactories.list(Embedding.class))
          .hasSize(2);
    }
  }
}
