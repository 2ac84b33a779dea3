package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.luciole.model.ModelDescription;
import io.luciole.model.Pooling;
import io.luciole.model.TokenizedText;
import io.luciole.spi.BackendException;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Predicate;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Many threads submit, cancel, let deadlines pass and close, while devices run out of memory, throw
 * and return rubbish; afterwards every future has completed once, with the right vector or a
 * failure that has a reason, and nothing is held.
 */
class PipelineStressTest {
  private static final ModelDescription MODEL =
      new ModelDescription(OptionalInt.empty(), 512, Pooling.CLS, false, Map.of(), Set.of());
  private static final int POISON = 999_999;

  /** A text is its token ids, written with spaces between. */
  private static TokenizedText tokenize(String text, Role role) {
    String[] words = text.split(" ", -1);
    int[] ids = new int[words.length];
    for (int i = 0; i < words.length; i++) {
      ids[i] = Integer.parseInt(words[i]);
    }
    if (ids[0] == 777_777) {
      throw new IllegalStateException("a text that cannot be tokenised, as was asked for");
    }
    return new TokenizedText(ids, false);
  }

  private record Sent(String text, CompletableFuture<Embedding> future, AtomicInteger seen) {}

  @Test
  @Timeout(300)
  void chaos_losesNothing_doublesNothing_leaksNothing() {
    run(40_000, 10_000);
  }

  @Test
  @Tag("long")
  @Timeout(3600)
  void chaos_ofAMillionTexts_losesNothing_doublesNothing_leaksNothing() {
    run(1_000_000, 50_000);
  }

  /**
   * Runs rounds until so many texts have ended; a round may be closed before all of its texts were
   * submitted.
   */
  private static void run(int total, int textsARound) {
    long seed = System.nanoTime();
    AtomicLong right = new AtomicLong();
    AtomicLong failed = new AtomicLong();
    int rounds = 0;
    for (; right.get() + failed.get() < total; rounds++) {
      try {
        new Round(seed + rounds, textsARound, right, failed).run();
      } catch (Throwable t) {
        throw new AssertionError("seed " + (seed + rounds), t);
      }
    }
    System.out.printf(
        "PipelineStressTest: seed %d, %d rounds, %d texts right, %d failed with a reason%n",
        seed, rounds, right.get(), failed.get());
    assertThat(right.get()).as("texts embedded, seed %d", seed).isGreaterThan(failed.get() / 10);
  }

  private static final class Round {
    private final Random random;
    private final int texts;
    private final AtomicLong right;
    private final AtomicLong failed;
    private final FakeBackend backend = new FakeBackend();
    private final ConcurrentLinkedQueue<Sent> sent = new ConcurrentLinkedQueue<>();
    private final boolean deadly;
    private final Duration closeLimit;
    private final long closeAfterMillis;
    private final EngineSettings settings;
    private final int tokenBudget;

    Round(long seed, int texts, AtomicLong right, AtomicLong failed) {
      this.random = new Random(seed);
      this.texts = texts;
      this.right = right;
      this.failed = failed;
      this.deadly = random.nextInt(3) == 0;
      this.closeLimit = random.nextBoolean() ? Duration.ofMinutes(2) : Duration.ofMillis(5);
      this.closeAfterMillis = random.nextInt(3) == 0 ? random.nextInt(200) : -1;
      this.tokenBudget = 50 + random.nextInt(1000);
      this.settings =
          new EngineSettings(
              random.nextBoolean() ? 2000 : 1_000_000,
              random.nextBoolean() ? 100 : EngineSettings.UNBOUNDED,
              random.nextInt(4) == 0 ? Overload.REJECT : Overload.BLOCK,
              random.nextInt(4) == 0 ? Duration.ofMillis(1) : Duration.ZERO,
              Duration.ofMillis(deadly ? 100 : 60_000),
              Duration.ofMinutes(1),
              Duration.ofMillis(1),
              1 + random.nextInt(3));
      long faultSeed = random.nextLong();
      Predicate<TokenBatch> some = b -> b.tokens() > 1;
      double share = random.nextDouble() * 0.05;
      backend
          .pads(random.nextBoolean())
          .concurrentRuns(1 + random.nextInt(3))
          .faults(
              Fault.memory(40 + random.nextInt(2000)),
              Fault.outOfMemory(some.and(Fault.randomly(share, faultSeed))),
              Fault.throwing(some.and(Fault.randomly(share, faultSeed + 1))),
              Fault.throwing(Fault.holding(POISON)),
              Fault.missingRow(some.and(Fault.randomly(share, faultSeed + 2))),
              Fault.nan(POISON - 1),
              Fault.throwing(b -> deadly && ThreadLocalRandom.current().nextInt(200) == 0),
              Fault.delay(b ->
                  deadly && ThreadLocalRandom.current().nextInt(500) == 0 ? 300_000_000 : 20_000));
    }

    void run() throws Exception {
      Pipeline pipeline =
          new Pipeline(
              PipelineStressTest::tokenize,
              512,
              backend.open(Device.CPU).info().pads(),
              settings,
              new EngineMetrics(List.of()),
              null,
              null,
              System::nanoTime);
      List<DeviceWorker> workers = new ArrayList<>();
      int devices = 1 + random.nextInt(3);
      for (int i = 0; i < devices; i++) {
        Device device = new Device("cuda", i);
        workers.add(
            pipeline.worker(
                new LoadedModel.OpenDevice(
                    backend.open(device), () -> backend.open(device), tokenBudget),
                MODEL,
                new int[] {1}));
      }
      pipeline.start(workers);
      List<Thread> callers = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        Random own = new Random(random.nextLong());
        callers.add(Thread.ofPlatform().start(() -> call(pipeline, own)));
      }
      if (closeAfterMillis >= 0) {
        Thread.sleep(closeAfterMillis);
        pipeline.close(closeLimit);
      }
      for (Thread caller : callers) {
        caller.join();
      }
      if (closeAfterMillis < 0) {
        pipeline.close(closeLimit);
      }
      check();
      await()
          .atMost(Duration.ofSeconds(20))
          .untilAsserted(() -> {
            assertThat(pipeline.accounts()).containsOnly(0L);
            assertThat(backend.openOutputs()).isZero();
            // One session was opened above only to look at it.
            assertThat(backend.openSessions()).isEqualTo(1);
          });
      assertThat(backend.misuses()).isZero();
      assertThat(sent).allSatisfy(s -> assertThat(s.seen.get()).isEqualTo(1));
    }

    private void call(Pipeline pipeline, Random own) {
      CompletableFuture<?> previous = new CompletableFuture<>();
      for (int i = 0; i < texts / 64; i++) {
        String text = text(own);
        EmbedOptions options =
            (own.nextInt(10) == 0 ? EmbedOptions.query() : EmbedOptions.passage())
                .job(own.nextInt(8));
        if (own.nextInt(10) == 0) {
          options = options.timeout(Duration.ofNanos(1 + own.nextInt(20_000_000)));
        }
        try {
          CompletableFuture<Embedding> future =
              pipeline.submit(
                  Input.of(text),
                  options,
                  Set.of(Output.DENSE),
                  options.job().orElse(""),
                  own.nextBoolean());
          AtomicInteger seen = new AtomicInteger();
          sent.add(new Sent(text, future, seen));
          CompletableFuture<Embedding> noted =
              future.whenComplete((e, t) -> {
                if (seen.incrementAndGet() > 0 && own.nextInt(50) == 0) {
                  throw new IllegalStateException("a dependent that throws");
                }
              });
          if (own.nextInt(10) == 0) {
            future.cancel(true);
          }
          if (own.nextInt(10) == 0) {
            previous.cancel(false);
          }
          if (own.nextInt(500) == 0) {
            noted.exceptionally(t -> null).join();
          }
          previous = future;
        } catch (EngineClosedException e) {
          return;
        } catch (EngineOverloadedException e) {
          Thread.onSpinWait();
        }
      }
    }

    private static String text(Random own) {
      int length = 1 + (own.nextInt(20) == 0 ? own.nextInt(300) : own.nextInt(15));
      StringBuilder text = new StringBuilder();
      for (int i = 0; i < length; i++) {
        text.append(i == 0 ? "" : " ").append(2 + own.nextInt(1000));
      }
      return switch (own.nextInt(1000)) {
        case 0 -> text + " " + POISON;
        case 1 -> text + " " + (POISON - 1);
        case 2 -> "777777 " + text;
        default -> text.toString();
      };
    }

    private void check() {
      for (Sent s : sent) {
        assertThat(s.future).as(s.text).isDone();
        if (s.future.isCancelled()) {
          failed.incrementAndGet();
        } else if (s.future.isCompletedExceptionally()) {
          Throwable failure = s.future.exceptionNow();
          assertThat(failure)
              .isInstanceOfAny(
                  BackendException.class,
                  DeadlineExceededException.class,
                  EngineClosedException.class,
                  NotFiniteException.class,
                  IllegalStateException.class);
          if (failure instanceof NotFiniteException) {
            assertThat(s.text).endsWith(" " + (POISON - 1));
          }
          if (failure instanceof IllegalStateException) {
            assertThat(s.text).startsWith("777777");
          }
          failed.incrementAndGet();
        } else {
          assertThat(s.future.resultNow().dense())
              .isEqualTo(FakeBackend.denseOf(tokenize(s.text, Role.PASSAGE).ids()));
          right.incrementAndGet();
        }
      }
    }
  }
}
