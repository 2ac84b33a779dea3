package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.luciole.CrossEncoder;
import io.luciole.DeadlineExceededException;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EmbeddingInterruptedException;
import io.luciole.EngineBuilder;
import io.luciole.EngineClosedException;
import io.luciole.EngineListener;
import io.luciole.EngineOverloadedException;
import io.luciole.LucioleConfig;
import io.luciole.NotFiniteException;
import io.luciole.Output;
import io.luciole.Overload;
import io.luciole.PairScore;
import io.luciole.TextTooLongException;
import io.luciole.Truncation;
import io.luciole.spi.TokenBatch;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A reranker on the engine's way: limits, bounds, lanes, deadlines, failures and its end. */
@Timeout(120)
class CrossEncoderUseTest {
  private static final int LIMIT = 20;

  @TempDir Path folder;
  @TempDir Path other;
  private final FakeBackend backend = new FakeBackend().recording();

  private EngineBuilder builder() {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(FakeReranker.write(folder, LIMIT))
        .backend(backend)
        .tokenBudget(64);
  }

  /** Holds every run until the second latch is counted down. */
  private static Fault hold(CountDownLatch running, CountDownLatch held) {
    return new Fault() {
      @Override
      public void before(TokenBatch batch) {
        running.countDown();
        try {
          held.await();
        } catch (InterruptedException e) {
          throw new IllegalStateException(e);
        }
      }
    };
  }

  private static String words(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> "w" + i).collect(Collectors.joining(" "));
  }

  /** The tokens of a pair of consecutive words. */
  private static int[] pair(int query, int queryEnd, int passage, int passageEnd) {
    IntStream.Builder ids = IntStream.builder();
    ids.add(FakeModel.START);
    IntStream.range(query, queryEnd).forEach(i -> ids.add(FakeModel.FIRST_WORD + i));
    ids.add(FakeModel.END).add(FakeModel.END);
    IntStream.range(passage, passageEnd).forEach(i -> ids.add(FakeModel.FIRST_WORD + i));
    ids.add(FakeModel.END);
    return ids.build().toArray();
  }

  private static void assertScore(PairScore score, int tokens, boolean truncated, int[] pair) {
    assertThat(score.value()).isEqualTo(FakeReranker.scoreOf(pair), within(1e-5f));
    assertThat(score.tokenCount()).isEqualTo(tokens);
    assertThat(score.truncated()).isEqualTo(truncated);
  }

  @Test
  void truncate_cutsThePassage_andAQueryOverThreeQuarters() {
    try (CrossEncoder reranker = CrossEncoder.open(builder())) {
      assertScore(reranker.score(words(0, 3), words(10, 14)).join(), 11, false, pair(0, 3, 10, 14));
      assertScore(reranker.score(words(0, 3), words(10, 40)).join(), 20, true, pair(0, 3, 10, 23));
      assertScore(
          reranker.score(words(0, 40), words(50, 90)).join(), 20, true, pair(0, 15, 50, 51));
    }
  }

  @Test
  void error_refusesALongPairAlone_withTheNumbers() {
    try (CrossEncoder reranker = CrossEncoder.open(builder().truncation(Truncation.ERROR))) {
      CompletableFuture<PairScore> fits = reranker.score("w1", words(10, 25));
      CompletableFuture<PairScore> tooLong = reranker.score("w1", words(10, 26));
      CompletableFuture<PairScore> longQuery = reranker.score(words(0, 16), "");

      assertThat(fits.join().tokenCount()).isEqualTo(20);
      assertThatThrownBy(tooLong::get)
          .isInstanceOf(ExecutionException.class)
          .cause()
          .isInstanceOfSatisfying(
              TextTooLongException.class, e -> assertThat(e.tokens()).isEqualTo(21))
          .hasMessageContaining("pair of at most 20 tokens")
          .hasMessageContaining("found 21");
      assertThatThrownBy(longQuery::get).cause().hasMessageContaining("longer query");
      EmbedOptions cut = EmbedOptions.query().truncation(Truncation.TRUNCATE);
      assertThat(reranker.score("w1", words(10, 26), cut).join().truncated()).isTrue();
    }
  }

  @Test
  void chunk_takesTheBestChunk() {
    try (CrossEncoder reranker = CrossEncoder.open(builder().truncation(Truncation.CHUNK))) {
      PairScore score = reranker.score("w1", words(10, 42)).join();

      float best =
          (float)
              IntStream.of(10, 25, 40)
                  .mapToDouble(
                      from -> FakeReranker.scoreOf(pair(1, 2, from, Math.min(42, from + 15))))
                  .max()
                  .orElseThrow();
      assertThat(score.value()).isEqualTo(best, within(1e-5f));
      assertThat(score.tokenCount()).isEqualTo(20 + 20 + 7);
      assertThat(score.truncated()).isFalse();
    }
  }

  @Test
  void open_leavesTheBuilderAsItWas() {
    EngineBuilder builder = builder();
    try (CrossEncoder reranker = CrossEncoder.open(builder)) {
      assertThat(reranker.engine().outputs()).containsExactly(Output.DENSE);
    }
    try (EmbeddingEngine engine = builder.model(FakeModel.write(other, 64)).open()) {
      assertThat(engine.outputs()).containsExactlyInAnyOrder(Output.DENSE, Output.SPARSE);
    }
  }

  @Test
  void limit_thatLeavesNoPassage_isRefused() {
    assertThatThrownBy(() -> CrossEncoder.open(builder().maxLength(19)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 20 tokens")
        .hasMessageContaining("got 19");
  }

  @Test
  void scoreAll_takesAnyNumber_whereTheEngineRejects() {
    backend.faults(Fault.delay(Duration.ofMillis(1)));
    EngineBuilder small = builder().maxWaitingTokens(100).overload(Overload.REJECT);
    List<String> passages = IntStream.range(0, 500).mapToObj(i -> "w" + i).toList();
    try (CrossEncoder reranker = CrossEncoder.open(small)) {
      List<PairScore> scores = reranker.scoreAll("w0", passages);

      for (int i = 0; i < passages.size(); i++) {
        assertScore(scores.get(i), 6, false, pair(0, 1, i, i + 1));
      }
      assertThatThrownBy(
              () -> {
                for (String passage : passages) {
                  var unused = reranker.score("w0", passage);
                }
              })
          .isInstanceOf(EngineOverloadedException.class);
    }
  }

  @Test
  void lane_deadline_andCancellation_areTheEngines() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch running = new CountDownLatch(1);
    Queue<EngineListener.Text> ended = new ConcurrentLinkedQueue<>();
    EngineListener listener =
        new EngineListener() {
          @Override
          public void onText(Text text) {
            ended.add(text);
          }
        };
    try (CrossEncoder reranker = CrossEncoder.open(builder().listener(listener))) {
      backend.faults(hold(running, held));
      CompletableFuture<PairScore> first = reranker.score("w0", "w1");
      running.await();
      EmbedOptions bulk = EmbedOptions.passage();
      CompletableFuture<PairScore> waiting = reranker.score("w0", "w2", bulk);
      // Once it is tokenised, on a thread of the engine.
      await().until(() -> reranker.engine().stats().bulk().texts() == 1);
      CompletableFuture<PairScore> cancelled = reranker.score("w0", "w3", bulk);
      assertThat(cancelled.cancel(false)).isTrue();
      EmbedOptions hurried = bulk.timeout(Duration.ofMillis(30));
      assertThatThrownBy(() -> reranker.scoreAll("w0", List.of("w4", "w5"), hurried))
          .isInstanceOf(DeadlineExceededException.class);
      held.countDown();

      assertScore(first.get(), 6, false, pair(0, 1, 1, 2));
      assertScore(waiting.get(), 6, false, pair(0, 1, 2, 3));
    }
    assertThat(ended).hasSize(5);
    assertThat(ended.stream().filter(text -> text.failure().isPresent())).hasSize(3);
  }

  @Test
  void interruptedScoreAll_throws_andTheRerankerGoesOn() throws Exception {
    CountDownLatch held = new CountDownLatch(1);
    CountDownLatch running = new CountDownLatch(1);
    try (CrossEncoder reranker = CrossEncoder.open(builder())) {
      backend.faults(hold(running, held));
      CompletableFuture<Throwable> failed = new CompletableFuture<>();
      Thread caller =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  reranker.scoreAll("w0", List.of("w1", "w2"));
                } catch (EmbeddingInterruptedException e) {
                  failed.complete(e);
                }
              });
      running.await();
      caller.interrupt();
      assertThat(failed.get()).isInstanceOf(EmbeddingInterruptedException.class);
      held.countDown();
      assertScore(reranker.score("w0", "w3").get(), 6, false, pair(0, 1, 3, 4));
    }
  }

  @Test
  void notFiniteState_failsItsPairAlone() {
    int poison = FakeModel.FIRST_WORD + 66;
    try (CrossEncoder reranker = CrossEncoder.open(builder())) {
      backend.faults(Fault.nan(poison));
      CompletableFuture<PairScore> fine = reranker.score("w0", "w1");
      CompletableFuture<PairScore> poisoned = reranker.score("w0", "w66");

      assertScore(fine.join(), 6, false, pair(0, 1, 1, 2));
      assertThatThrownBy(poisoned::get).cause().isInstanceOf(NotFiniteException.class);
    }
  }

  @Test
  void close_computesWhatWasSubmitted_andTakesNoMore() {
    backend.faults(Fault.delay(Duration.ofMillis(5)));
    CrossEncoder reranker = CrossEncoder.open(builder());
    List<CompletableFuture<PairScore>> scores =
        reranker.submitAll(
            "w0", IntStream.range(0, 100).mapToObj(i -> "w" + i).toList(), EmbedOptions.passage());
    reranker.close();

    for (int i = 0; i < scores.size(); i++) {
      assertScore(scores.get(i).join(), 6, false, pair(0, 1, i, i + 1));
    }
    assertThatThrownBy(() -> reranker.scoreAll("w0", List.of("w1")))
        .isInstanceOf(EngineClosedException.class);
    reranker.close();
  }
}
