package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.model.ModelDescription;
import io.luciole.model.Pooling;
import io.luciole.model.TokenizedText;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What happens where the parts of a pipeline meet: no text is lost, and none fails for another. */
@Timeout(120)
class PipelineTest {
  private static final ModelDescription MODEL =
      new ModelDescription(OptionalInt.empty(), 512, Pooling.CLS, false, Map.of(), Set.of());
  private static final String WARM = "!";
  private static final EmbedOptions WITHIN_AN_HOUR =
      EmbedOptions.passage().timeout(Duration.ofHours(1));

  private final FakeBackend backend = new FakeBackend();
  private final AtomicLong skipped = new AtomicLong();
  private final List<CountDownLatch> latches = new ArrayList<>();
  private final List<Pipeline> pipelines = new ArrayList<>();
  private LongSupplier clock = () -> System.nanoTime() + skipped.get();
  private List<EngineListener> listeners = List.of();
  private Consumer<Integer> onReopen = n -> {};

  @AfterEach
  void nothingIsHeld() {
    latches.forEach(CountDownLatch::countDown);
    for (Pipeline pipeline : pipelines) {
      pipeline.close(Duration.ofMinutes(1));
      await()
          .pollDelay(Duration.ZERO)
          .untilAsserted(() -> assertThat(pipeline.accounts()).containsOnly(0L));
    }
    await().untilAsserted(() -> assertThat(backend.openSessions()).isZero());
    assertThat(backend.openOutputs()).isZero();
    assertThat(backend.misuses()).isZero();
  }

  private CountDownLatch latch() {
    CountDownLatch latch = new CountDownLatch(1);
    latches.add(latch);
    return latch;
  }

  private static void pass(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A token for each character; none for an empty text. */
  private static TokenizedText tokens(String text) {
    return new TokenizedText(text.chars().toArray(), false);
  }

  private Pipeline open(int tokenBudget, long maxTexts) {
    EngineSettings settings =
        new EngineSettings(
            1 << 20,
            maxTexts,
            Overload.REJECT,
            Duration.ZERO,
            Duration.ofDays(1),
            Duration.ofMinutes(1),
            Duration.ZERO,
            1);
    Pipeline pipeline =
        new Pipeline(
            (text, role) -> tokens(text),
            512,
            false,
            settings,
            new EngineMetrics(listeners),
            null,
            null,
            clock);
    AtomicInteger opened = new AtomicInteger();
    LoadedModel.OpenDevice device =
        new LoadedModel.OpenDevice(
            backend.open(Device.CPU),
            () -> {
              onReopen.accept(opened.incrementAndGet());
              return backend.open(Device.CPU);
            },
            tokenBudget);
    pipeline.start(List.of(pipeline.worker(device, MODEL, new int[] {1})));
    pipelines.add(pipeline);
    return pipeline;
  }

  private Pipeline open() {
    return open(4096, EngineSettings.UNBOUNDED);
  }

  private static CompletableFuture<Embedding> submit(
      Pipeline pipeline, Input input, EmbedOptions options) {
    return pipeline.submit(input, options, Set.of(Output.DENSE), "", true);
  }

  private static CompletableFuture<Embedding> submit(Pipeline pipeline, String text) {
    return submit(pipeline, Input.of(text), EmbedOptions.passage());
  }

  private static void assertRight(String text, CompletableFuture<Embedding> future) {
    assertThat(future)
        .succeedsWithin(Duration.ofMinutes(1))
        .satisfies(e -> assertThat(e.dense()).isEqualTo(FakeBackend.denseOf(tokens(text).ids())));
  }

  private static Throwable failure(CompletableFuture<Embedding> future) {
    await().until(future::isDone);
    return future.exceptionNow();
  }

  @Test
  void aTokenizerThreadThatFails_goesOn_andNoTextIsLost() {
    String text = "long enough for a tokenizer thread ".repeat(5);
    // On that thread the queues look at the clock: as a batch is cut, and as it is passed on.
    for (int failing = 1; failing <= 2; failing++) {
      int which = failing;
      AtomicInteger calls = new AtomicInteger();
      clock =
          () -> {
            if (Thread.currentThread().getName().startsWith("luciole-tokenizer")
                && calls.incrementAndGet() == which) {
              throw new IllegalStateException("no time, as was asked for");
            }
            return System.nanoTime();
          };
      Pipeline pipeline = open();
      CompletableFuture<Embedding> first = submit(pipeline, text);
      await().until(first::isDone);
      if (first.isCompletedExceptionally()) {
        assertThat(first.exceptionNow()).hasMessage("no time, as was asked for");
      }
      assertThat(calls.get()).isGreaterThanOrEqualTo(which);
      assertRight(text, submit(pipeline, text));
    }
  }

  @Test
  void aTextWithoutTokens_failsAlone_andHoldsNoRoom() {
    Pipeline pipeline = open(4096, 2);
    for (int i = 0; i < 5; i++) {
      for (Input none : List.of(Input.of(""), Input.of(tokens("")))) {
        assertThat(failure(submit(pipeline, none, EmbedOptions.passage())))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("at least one token");
      }
      assertRight("a", submit(pipeline, "a"));
    }
    assertThat(pipeline.health().state()).isEqualTo(EngineHealth.State.HEALTHY);
    assertThat(backend.opened()).isEqualTo(1);
  }

  @Test
  void aTextThatIsRefusedWhileTheDeviceComesBack_isComputed() throws Exception {
    Pipeline pipeline = open();
    // As if the last device had been lost when the text was brought, and is back since.
    pipeline.ready().rejectNew();
    FutureTask<CompletableFuture<Embedding>> submitted =
        new FutureTask<>(() -> submit(pipeline, "a"));
    Thread caller = Thread.ofPlatform().daemon().start(submitted);
    caller.join(50);
    pipeline.ready().acceptNew();
    assertRight("a", submitted.get(1, TimeUnit.MINUTES));
  }

  /** Blocks the first run, and then those of other texts, each until its latch opens. */
  private void block(CountDownLatch first, CountDownLatch others, int fits) {
    backend.faults(
        new Fault() {
          @Override
          public void before(TokenBatch batch) {
            if (batch.tokenIds()[0] == WARM.charAt(0)) {
              pass(first);
            } else if (batch.tokens() > fits) {
              throw new BackendOutOfMemoryException(
                  "no room, as was asked for", new IllegalStateException());
            } else {
              pass(others);
            }
          }
        });
  }

  private List<CompletableFuture<Embedding>> submitBehind(
      Pipeline pipeline, CountDownLatch first, int texts) {
    CompletableFuture<Embedding> warm = submit(pipeline, WARM);
    await().until(() -> backend.runs() == 1);
    List<CompletableFuture<Embedding>> futures = new ArrayList<>();
    for (int i = 0; i < texts; i++) {
      futures.add(submit(pipeline, Input.of("0123456789"), WITHIN_AN_HOUR));
    }
    await().until(() -> pipeline.ready().size() == texts);
    first.countDown();
    assertRight(WARM, warm);
    return futures;
  }

  private void assertExpireDuringTheRun(
      List<CompletableFuture<Embedding>> futures, int running, CountDownLatch run) {
    skipped.set(TimeUnit.HOURS.toNanos(2));
    await()
        .until(() ->
            futures.stream().filter(CompletableFuture::isDone).count() == futures.size() - running);
    assertThat(futures.subList(0, running)).allSatisfy(f -> assertThat(f).isNotDone());
    assertThat(futures.subList(running, futures.size()))
        .allSatisfy(f -> assertThat(failure(f)).isInstanceOf(DeadlineExceededException.class));
    run.countDown();
    futures.subList(0, running).forEach(f -> assertRight("0123456789", f));
  }

  @Test
  void textsOfABatchCutAhead_expireWhileTheDeviceIsBusy() {
    CountDownLatch first = latch();
    CountDownLatch second = latch();
    block(first, second, 1000);
    Pipeline pipeline = open(50, EngineSettings.UNBOUNDED);
    List<CompletableFuture<Embedding>> futures = submitBehind(pipeline, first, 20);
    await().until(() -> pipeline.ready().size() == 10); // five run and five are cut ahead
    assertExpireDuringTheRun(futures, 5, second);
    assertThat(backend.texts()).isEqualTo(6);
  }

  @Test
  void textsOfABatchInHalves_expireWhileTheDeviceIsBusy() {
    CountDownLatch first = latch();
    CountDownLatch second = latch();
    block(first, second, 20);
    Pipeline pipeline = open();
    List<CompletableFuture<Embedding>> futures = submitBehind(pipeline, first, 4);
    await().until(() -> backend.runs() == 3); // that of all four ran out of memory
    assertExpireDuringTheRun(futures, 2, second);
    assertThat(backend.texts()).isEqualTo(3);
  }

  @Test
  void aDeviceThatStaysLost_isReopenedEverMoreSeldom_alsoWithoutADelay() {
    ConcurrentLinkedQueue<Long> times = new ConcurrentLinkedQueue<>();
    onReopen =
        n -> {
          times.add(System.nanoTime());
          if (n < 9) {
            throw new BackendException("not yet, as was asked for");
          }
        };
    Pipeline pipeline = open();
    backend.faults(Fault.throwing(b -> times.isEmpty()));
    assertThat(failure(submit(pipeline, "a"))).isInstanceOf(DeviceLostException.class);
    await().until(() -> pipeline.health().state() == EngineHealth.State.HEALTHY);
    List<Long> all = List.copyOf(times);
    assertThat(all).hasSize(9);
    // After 1, 2, 4 … 128 ms.
    assertThat(all.get(8) - all.get(0)).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(200));
  }

  @Test
  void closeByAnInterruptedThread_endsEveryThread() {
    Pipeline pipeline = open();
    assertRight("a", submit(pipeline, "a"));
    Thread.currentThread().interrupt();
    boolean ended = pipeline.close(Duration.ofMinutes(1));
    assertThat(Thread.interrupted()).isTrue();
    assertThat(ended).isTrue();
  }

  @Test
  void closeByAListenerThatIsToldOfAText_returns() {
    CountDownLatch returned = latch();
    listeners =
        List.of(
            new EngineListener() {
              @Override
              public void onText(Text text) {
                pipelines.get(0).close(Duration.ZERO);
                returned.countDown();
              }
            });
    CompletableFuture<Embedding> future = submit(open(), "a");
    await().atMost(Duration.ofMinutes(1)).until(() -> returned.getCount() == 0);
    await().until(future::isDone);
  }
}
