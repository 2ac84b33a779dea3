package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.model.ModelDescription;
import io.luciole.model.Pooling;
import io.luciole.model.TokenizedText;
import io.luciole.spi.Device;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A text that is the only one of its caller: tokenised by the caller, kept like any other. */
@Timeout(120)
class LoneTextTest {
  private static final ModelDescription MODEL =
      new ModelDescription(OptionalInt.empty(), 512, Pooling.CLS, false, Map.of(), Set.of());
  private static final Duration FOREVER = Duration.ofHours(1);

  private final FakeBackend backend = new FakeBackend();
  private final AtomicLong skipped = new AtomicLong();
  private final ConcurrentLinkedQueue<String> tokenizedBy = new ConcurrentLinkedQueue<>();
  private final List<CountDownLatch> latches = new ArrayList<>();
  private final List<Pipeline> pipelines = new ArrayList<>();

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

  @AfterEach
  void nothingIsHeld() {
    latches.forEach(CountDownLatch::countDown);
    for (Pipeline pipeline : pipelines) {
      pipeline.close(Duration.ofMinutes(1));
      await()
          .pollDelay(Duration.ZERO)
          .untilAsserted(() -> {
            assertThat(pipeline.accounts()).containsOnly(0L);
            assertThat(backend.openSessions()).isZero();
          });
    }
    assertThat(backend.openOutputs()).isZero();
    assertThat(backend.misuses()).isZero();
  }

  private static TokenizedText tokens(String text) {
    int[] ids = new int[1 + text.length()];
    for (int i = 0; i < text.length(); i++) {
      ids[1 + i] = text.charAt(i);
    }
    return new TokenizedText(ids, false);
  }

  private TokenizedText tokenize(String text, Role role) {
    tokenizedBy.add(Thread.currentThread().getName());
    return tokens(text);
  }

  private Pipeline open(
      TokenizerStage.Tokenizer tokenizer, Duration maxWait, Duration batchTimeout) {
    EngineSettings settings =
        new EngineSettings(
            1 << 20,
            EngineSettings.UNBOUNDED,
            Overload.BLOCK,
            maxWait,
            batchTimeout,
            Duration.ofMinutes(1),
            Duration.ofMillis(1),
            2);
    Pipeline pipeline =
        new Pipeline(
            tokenizer,
            512,
            true,
            settings,
            new EngineMetrics(List.of()),
            null,
            null,
            () -> System.nanoTime() + skipped.get());
    pipeline.start(
        List.of(
            pipeline.worker(
                new LoadedModel.OpenDevice(
                    backend.open(Device.CPU), () -> backend.open(Device.CPU), 4096),
                MODEL,
                new int[] {1})));
    pipelines.add(pipeline);
    return pipeline;
  }

  private Pipeline open() {
    return open(this::tokenize, Duration.ZERO, FOREVER);
  }

  private static CompletableFuture<Embedding> submit(Pipeline pipeline, String text) {
    return submit(pipeline, text, EmbedOptions.query());
  }

  private static CompletableFuture<Embedding> submit(
      Pipeline pipeline, String text, EmbedOptions options) {
    return pipeline.submit(Input.of(text), options, Set.of(Output.DENSE), "", true);
  }

  private static void assertRight(String text, CompletableFuture<Embedding> future) {
    assertThat(future)
        .succeedsWithin(Duration.ofMinutes(1))
        .satisfies(e -> assertThat(e.dense()).isEqualTo(FakeBackend.denseOf(tokens(text).ids())));
  }

  private static Throwable failure(CompletableFuture<Embedding> future) {
    await().atMost(Duration.ofMinutes(1)).until(future::isDone);
    return future.exceptionNow();
  }

  /** Waits until a text has ended, however. */
  private static void ended(CompletableFuture<Embedding> future) {
    try {
      future.join();
    } catch (CancellationException | CompletionException e) {
      assertThat(future).isDone();
    }
  }

  /** Blocks runs until the latch opens. */
  private static Fault blocking(CountDownLatch latch) {
    return Fault.delay(batch -> {
      pass(latch);
      return 0;
    });
  }

  @Test
  void aTextAlone_isTokenisedByItsCaller_whoeverThatIs() throws Exception {
    Pipeline pipeline = open();
    for (int i = 0; i < 10; i++) {
      assertRight("a", submit(pipeline, "a"));
      await().until(() -> pipeline.accounts().stream().allMatch(n -> n == 0));
    }
    Thread virtual =
        Thread.ofVirtual().name("a virtual caller").start(() -> submit(pipeline, "b").join());
    assertThat(virtual.join(Duration.ofMinutes(1))).isTrue();
    assertThat(tokenizedBy)
        .hasSize(11)
        .startsWith(Thread.currentThread().getName())
        .endsWith("a virtual caller")
        .noneMatch(n -> n.startsWith("luciole-"));
  }

  @Test
  void callersWhoWaitForEachText_tokeniseBesideEachOther() throws Exception {
    int callers = 8; // more than there are tokenizer threads
    CountDownLatch all = new CountDownLatch(callers);
    Pipeline pipeline =
        open(
            (text, role) -> {
              tokenizedBy.add(Thread.currentThread().getName());
              all.countDown();
              pass(all);
              return tokens(text);
            },
            Duration.ZERO,
            FOREVER);
    List<Thread> threads = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      String text = "text " + i;
      threads.add(
          Thread.ofVirtual()
              .name("caller " + i)
              .start(() -> assertRight(text, submit(pipeline, text))));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(tokenizedBy).hasSize(callers).allMatch(n -> n.startsWith("caller "));
  }

  @Test
  void ofABulkLoop_onlyTheFirstTextIsTokenisedByItsCaller() {
    CountDownLatch free = latch();
    backend.faults(blocking(free));
    Pipeline pipeline = open();
    List<CompletableFuture<Embedding>> futures = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      futures.add(submit(pipeline, "text " + i));
    }
    free.countDown();
    for (int i = 0; i < 100; i++) {
      assertRight("text " + i, futures.get(i));
    }
    String own = Thread.currentThread().getName();
    assertThat(tokenizedBy).hasSize(100).filteredOn(n -> n.equals(own)).hasSize(1);
    assertThat(tokenizedBy).filteredOn(n -> n.startsWith("luciole-tokenizer-")).hasSize(99);
  }

  @Test
  void aLongTextAlone_isTokenisedByATokenizerThread() {
    Pipeline pipeline = open();
    String most =
        "a".repeat(TokenizerStage.inlineMaxChars(Runtime.getRuntime().availableProcessors()));
    assertRight(most, submit(pipeline, most));
    await().until(() -> pipeline.accounts().stream().allMatch(n -> n == 0));
    assertRight(most + "a", submit(pipeline, most + "a"));
    assertThat(tokenizedBy).first().isEqualTo(Thread.currentThread().getName());
    assertThat(tokenizedBy).last().asString().startsWith("luciole-tokenizer-");
  }

  @Test
  void whatIsLong_dependsOnTheProcessors() {
    assertThat(List.of(1, 2, 7)).extracting(TokenizerStage::inlineMaxChars).containsOnly(128);
    assertThat(List.of(8, 96)).extracting(TokenizerStage::inlineMaxChars).containsOnly(512);
  }

  @Test
  void aTokenizerThatFails_failsTheFuture_andNotTheCall() {
    Pipeline pipeline =
        open(
            (text, role) -> {
              if (text.equals("error")) {
                throw new StackOverflowError("as was asked for");
              }
              throw new IllegalStateException("as was asked for");
            },
            Duration.ZERO,
            FOREVER);
    for (String text : List.of("exception", "error")) {
      assertThat(failure(submit(pipeline, text))).hasMessage("as was asked for");
    }
    assertThat(backend.runs()).isZero();
  }

  @Test
  void aTextWhoseDeadlinePassesWhileItIsTokenised_neverReachesTheDevice() {
    Pipeline pipeline =
        open(
            (text, role) -> {
              skipped.addAndGet(TimeUnit.MINUTES.toNanos(2));
              return tokens(text);
            },
            Duration.ZERO,
            FOREVER);
    CompletableFuture<Embedding> late =
        submit(pipeline, "a", EmbedOptions.query().timeout(Duration.ofMinutes(1)));
    assertThat(failure(late)).isInstanceOf(DeadlineExceededException.class);
    assertThat(backend.runs()).isZero();
  }

  @Test
  void aTextCancelledBeforeItsBatchIsCut_leavesNothingBehind() {
    Pipeline pipeline = open(this::tokenize, FOREVER, FOREVER);
    CompletableFuture<Embedding> cancelled = submit(pipeline, "a");
    assertThat(pipeline.ready().size()).isEqualTo(1);
    assertThat(cancelled.cancel(true)).isTrue();
    assertThat(pipeline.accounts()).containsOnly(0L);
    assertThat(backend.runs()).isZero();
  }

  @Test
  void closeWhileACallerTokenises_saysThatTheTokenizerIsInUse() throws Exception {
    CountDownLatch entered = latch();
    CountDownLatch leave = latch();
    Pipeline pipeline =
        open(
            (text, role) -> {
              entered.countDown();
              pass(leave);
              return tokens(text);
            },
            Duration.ZERO,
            FOREVER);
    CompletableFuture<CompletableFuture<Embedding>> submitted = new CompletableFuture<>();
    Thread caller = Thread.ofPlatform().start(() -> submitted.complete(submit(pipeline, "a")));
    entered.await();
    assertThat(pipeline.close(Duration.ZERO)).isFalse();
    leave.countDown();
    caller.join();
    assertThat(failure(submitted.get())).isInstanceOf(EngineClosedException.class);
  }

  /**
   * Callers that find the engine empty, others that do not, cancelling, failing and closing at any
   * moment: every text that was taken ends, and the tokenizer is let alone once it may be freed.
   */
  @Test
  void aloneAndTogether_andClosedInBetween_losesNothing_andLeavesTheTokenizerAlone()
      throws Exception {
    long seed = System.nanoTime();
    AtomicInteger byCallers = new AtomicInteger();
    AtomicInteger byOthers = new AtomicInteger();
    for (int round = 0; round < 100; round++) {
      long own = seed + round;
      Random random = new Random(own);
      AtomicBoolean freed = new AtomicBoolean();
      AtomicInteger usedAfter = new AtomicInteger();
      Pipeline pipeline =
          open(
              (text, role) -> {
                boolean caller = !Thread.currentThread().getName().startsWith("luciole-");
                (caller ? byCallers : byOthers).incrementAndGet();
                if (text.endsWith("7")) {
                  throw new IllegalArgumentException("as was asked for");
                }
                LockSupport.parkNanos(20_000);
                if (freed.get()) {
                  usedAfter.incrementAndGet();
                }
                return tokens(text);
              },
              Duration.ZERO,
              FOREVER);
      ConcurrentLinkedQueue<CompletableFuture<Embedding>> taken = new ConcurrentLinkedQueue<>();
      List<Thread> callers = new ArrayList<>();
      for (int c = 1 + random.nextInt(4); c > 0; c--) {
        Random each = new Random(random.nextLong());
        callers.add(Thread.ofPlatform().name("caller").start(() -> call(pipeline, each, taken)));
      }
      TimeUnit.MICROSECONDS.sleep(random.nextInt(3000));
      freed.set(pipeline.close(random.nextBoolean() ? Duration.ZERO : Duration.ofMinutes(1)));
      for (Thread caller : callers) {
        caller.join();
      }
      assertThat(usedAfter).as("uses of a freed tokenizer, seed %d", own).hasValue(0);
      assertThat(taken)
          .as("seed %d", own)
          .allSatisfy(f -> {
            ended(f);
            if (f.isCompletedExceptionally() && !f.isCancelled()) {
              assertThat(f.exceptionNow())
                  .isInstanceOfAny(EngineClosedException.class, IllegalArgumentException.class);
            }
          });
      await()
          .untilAsserted(() -> assertThat(pipeline.accounts()).as("seed %d", own).containsOnly(0L));
    }
    assertThat(byCallers).as("tokenised by callers, seed %d", seed).hasPositiveValue();
    assertThat(byOthers).as("tokenised by tokenizer threads, seed %d", seed).hasPositiveValue();
  }

  private static void call(
      Pipeline pipeline, Random own, ConcurrentLinkedQueue<CompletableFuture<Embedding>> taken) {
    try {
      while (true) {
        CompletableFuture<Embedding> future = submit(pipeline, "text " + own.nextInt(50));
        taken.add(future);
        switch (own.nextInt(4)) {
          case 0 -> future.cancel(true);
          case 1 -> {}
          default -> ended(future);
        }
      }
    } catch (EngineClosedException e) {
      // What ends a round.
    }
  }

  @Test
  void afterALongPause_theWatchdogStillSeesToATextAlone() {
    Pipeline pipeline = open(this::tokenize, FOREVER, FOREVER);
    for (int i = 0; i < 20; i++) {
      awaitIdleWatchdog();
      CompletableFuture<Embedding> late =
          submit(pipeline, "a", EmbedOptions.query().timeout(Duration.ofMillis(1)));
      assertThat(failure(late)).isInstanceOf(DeadlineExceededException.class);
    }
  }

  @Test
  void afterALongPause_aDeviceThatGivesNoAnswerIsStillFoundOut() {
    CountDownLatch never = latch();
    Pipeline pipeline = open(this::tokenize, Duration.ZERO, Duration.ofMillis(50));
    awaitIdleWatchdog();
    backend.faults(blocking(never));
    assertThat(failure(submit(pipeline, "a"))).isInstanceOf(DeviceLostException.class);
    backend.faults();
    never.countDown();
  }

  /** Waits until every watchdog sleeps without an end. */
  private static void awaitIdleWatchdog() {
    await()
        .until(() ->
            Thread.getAllStackTraces().keySet().stream()
                .filter(t -> t.getName().equals("luciole-watchdog"))
                .allMatch(t -> t.getState() == Thread.State.WAITING));
  }
}
