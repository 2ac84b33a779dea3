package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.DeadlineExceededException;
import io.luciole.DeviceLostException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import io.luciole.EngineHealth;
import io.luciole.EngineOverloadedException;
import io.luciole.Output;
import io.luciole.Overload;
import io.luciole.Role;
import io.luciole.model.Chunker;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Closing, bounds, deadlines, cancellation, and what callers hang on their futures. */
@Timeout(120)
class EngineLifecycleTest extends EngineTestCase {
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
    assertThat(engine.health().devices())
        .allSatisfy(device -> {
          assertThat(device.usable()).isFalse();
          assertThat(device.problem()).contains("The engine is closed.");
        });
    assertThatThrownBy(() -> engine.embed("w1")).isInstanceOf(EngineClosedException.class);
  }

  @Test
  void runsOnACpu_areAsManyAtOnceAsTheBackendAllows() {
    CountDownLatch together = new CountDownLatch(6);
    backend
        .concurrentRuns(6)
        .faults(
            new Fault() {
              @Override
              public void before(TokenBatch batch) {
                together.countDown();
                try {
                  if (!together.await(60, TimeUnit.SECONDS)) {
                    throw new BackendException("six runs were expected at once");
                  }
                } catch (InterruptedException e) {
                  Thread.currentThread().interrupt();
                }
              }
            });
    try (EmbeddingEngine engine = open()) {
      Map<String, CompletableFuture<Embedding>> futures = new HashMap<>();
      for (int i = 0; i < 6; i++) {
        futures.putAll(submit(engine, 1, 30 + i));
        int running = i + 1;
        await().until(() -> together.getCount() <= 6 - running);
      }
      assertThat(futures.values()).allSatisfy(f -> assertThat(get(f)).isNotNull());
    }
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
  void close_failsWhatIsLeftAtOnce_ifTheLastDeviceIsLost() throws InterruptedException {
    CountDownLatch closing = latch();
    backend.faults(blocking(b -> true, closing), Fault.throwing(b -> true));
    Duration forever = Duration.ofDays(1);
    EmbeddingEngine engine = open(b -> b.closeTimeout(forever).reopenDelay(forever));
    Map<String, CompletableFuture<Embedding>> futures = submit(engine, 500, 31);
    await().until(() -> backend.runs() > 0);
    Thread closer = Thread.ofPlatform().daemon().start(engine::close);
    await().until(() -> engine.health().state() == EngineHealth.State.CLOSED);
    closing.countDown();

    futures.values().forEach(f -> assertThat(failure(f)).isInstanceOf(DeviceLostException.class));
    closer.join();
  }

  @Test
  void close_settlesEveryText_alsoBehindDependentsThatNeverReturn() {
    CountDownLatch hung = latch();
    CountDownLatch never = latch();
    backend.faults(blocking(b -> true, hung));
    EmbeddingEngine engine = open();
    List<CompletableFuture<Embedding>> futures = new ArrayList<>();
    List<CompletableFuture<Embedding>> stuck = new ArrayList<>();
    CompletableFuture<Embedding> first = engine.embed("w0");
    await().until(() -> backend.runs() > 0);
    for (int i = 0; i < 50; i++) {
      CompletableFuture<Embedding> future = engine.embed("w" + i);
      futures.add(future);
      stuck.add(
          future.whenComplete((e, t) -> {
            try {
              never.await();
            } catch (InterruptedException ex) {
              Thread.currentThread().interrupt();
            }
          }));
    }
    engine.close(Duration.ZERO);
    // Not get(): a thread that waits for a future may run its dependents.
    await()
        .atMost(Duration.ofMinutes(1))
        .until(() -> futures.stream().allMatch(CompletableFuture::isDone));
    futures.forEach(f -> assertThat(f.exceptionNow()).isInstanceOf(EngineClosedException.class));
    assertThat(failure(first)).isInstanceOf(EngineClosedException.class);
    assertThat(stuck).noneMatch(CompletableFuture::isDone);
    hung.countDown();
    await().until(() -> backend.openSessions() == 0);
  }

  @Test
  void aClosedEngine_refusesWhatNeedsItsTokenizer() {
    EmbeddingEngine engine = open();
    Chunker chunker = engine.chunker(64, 0);
    engine.close();
    assertThatThrownBy(() -> engine.tokenize("w1", Role.PASSAGE))
        .isInstanceOf(EngineClosedException.class);
    assertThatThrownBy(() -> engine.decodeToken(3)).isInstanceOf(EngineClosedException.class);
    assertThatThrownBy(() -> engine.chunker(64, 0)).isInstanceOf(EngineClosedException.class);
    assertThatThrownBy(() -> engine.embed(new int[] {3}, EmbedOptions.passage()))
        .isInstanceOf(EngineClosedException.class);
    assertThatThrownBy(() -> chunker.chunks("w1 ".repeat(100)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void endlessDurations_meanForever() {
    Duration forever = ChronoUnit.FOREVER.getDuration();
    try (EmbeddingEngine engine =
        open(b -> b.batchTimeout(forever).closeTimeout(forever).reopenDelay(forever))) {
      CompletableFuture<Embedding> endless =
          engine.embed("w1", EmbedOptions.passage().timeout(forever));
      CompletableFuture<Embedding> bounded =
          engine.embed("w2", EmbedOptions.passage().timeout(Duration.ofMinutes(1)));
      get(endless);
      get(bounded);
    }
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
      assertThat(failure(expired)).isInstanceOf(DeadlineExceededException.class);
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
      taken.forEach(EngineTestCase::get);
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
      assertThat(failure(late)).isInstanceOf(DeadlineExceededException.class);
      started.countDown();
      caller.join();
      futures.forEach(EngineTestCase::get);
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
      chained.forEach(EngineTestCase::get);
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

  @Test
  void textsThatExpireInABatchCutAhead_neverReachTheDevice() {
    CountDownLatch started = latch();
    backend.faults(blocking(b -> true, started));
    try (EmbeddingEngine engine = open()) {
      CompletableFuture<Embedding> first = engine.embed("w1");
      await().until(() -> backend.runs() == 1);
      List<CompletableFuture<Embedding>> late = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        late.add(engine.embed("w2 w3 w4", EmbedOptions.passage().timeout(Duration.ofMillis(100))));
      }
      // The watchdog fails those that wait; a budget of them is cut ahead at the first run's start
      // or not, as the threads had it.
      await().until(() -> engine.stats().bulk().texts() == 0);
      started.countDown();
      get(first);
      late.forEach(f -> assertThat(failure(f)).isInstanceOf(DeadlineExceededException.class));
      assertThat(backend.runs()).isEqualTo(1);
    }
  }

  @Test
  void maxWait_letsABatchFill_andCloseDoesNotWaitForIt() {
    backend.recording();
    EmbeddingEngine engine = open(b -> b.tokenBudget(12).maxWait(Duration.ofHours(1)));
    List<CompletableFuture<Embedding>> futures = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      futures.add(engine.embed("w" + i));
      int waiting = i + 1;
      await().until(() -> engine.stats().bulk().texts() == waiting);
    }
    futures.add(engine.embed("w3"));
    futures.forEach(EngineTestCase::get);
    assertThat(backend.batches()).hasSize(1).allMatch(b -> b.size() == 4);

    CompletableFuture<Embedding> last = engine.embed("w4");
    engine.close();
    assertThat(last).isCompleted();
  }

  /** A backend of one device that cannot be closed, and that has no other device. */
  private record Unclosable(FakeBackend fake) implements BackendProvider {
    @Override
    public String name() {
      return fake.name();
    }

    @Override
    public Probe probe() {
      return fake.probe();
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      Backend open = fake.open(model, config);
      return new Backend() {
        @Override
        public BackendInfo info() {
          return open.info();
        }

        @Override
        public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
          return open.run(batch, outputs);
        }

        @Override
        public void close() {
          open.close();
          throw new IllegalStateException("cannot be closed");
        }
      };
    }
  }

  @Test
  void openingThatFails_saysWhy_evenIfWhatIsOpenCannotBeClosed() {
    Unclosable provider = new Unclosable(backend.devices(Device.CPU, new Device("cuda", 0)));
    List<Device> devices = List.of(Device.CPU, new Device("cuda", 0), new Device("cuda", 1));

    assertThatThrownBy(() -> open(b -> b.backend(provider).devices(devices)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("not cuda:1")
        .satisfies(e ->
            assertThat(e.getSuppressed())
                .hasSize(2)
                .allSatisfy(t -> assertThat(t).hasMessage("cannot be closed")));
    assertThat(backend.openSessions()).isZero();
  }
}
