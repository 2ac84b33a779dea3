package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineClosedException;
import io.luciole.EngineHealth;
import io.luciole.EngineListener;
import io.luciole.EngineStats;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFingerprint;
import io.luciole.spi.BackendException;
import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Streams, statistics, listeners, flight recording, calibration and latency rules. */
@Timeout(120)
class EngineUseTest {
  private static final int POISON_ID = FakeModel.FIRST_WORD + 666;

  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();

  private EmbeddingEngine open(UnaryOperator<EngineBuilder> settings) {
    return settings
        .apply(
            EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
                .model(FakeModel.write(folder, 512))
                .backend(backend)
                .tokenBudget(256))
        .open();
  }

  /** As two processes do that unpack one model at once. */
  @Test
  void fingerprint_ofFilesThatWereWrittenAgainAsTheyAre_isGiven() throws IOException {
    Path weights = folder.resolve("model.onnx");
    try (EmbeddingEngine engine = open(b -> b)) {
      Files.writeString(weights, Files.readString(weights));
      Files.setLastModifiedTime(weights, FileTime.fromMillis(0));

      assertThat(engine.fingerprint().dimension()).isEqualTo(FakeBackend.DIMENSION);
    }
  }

  /** As by a pull of another revision, before an index asks what its vectors are made with. */
  @Test
  void fingerprint_ofFilesThatChangedSinceOpening_isRefused() throws IOException {
    Path weights = folder.resolve("model.onnx");
    try (EmbeddingEngine engine = open(b -> b)) {
      ModelFingerprint first = engine.fingerprint();
      Files.writeString(weights, "another version");
      assertThat(engine.fingerprint()).isEqualTo(first);
    }
    try (EmbeddingEngine engine = open(b -> b)) {
      Files.writeString(weights, "yet another version");

      assertThatThrownBy(engine::fingerprint)
          .isInstanceOf(ModelException.class)
          .hasMessageContaining(weights + " has changed")
          .hasMessageContaining("open it again");

      Files.delete(weights);
      assertThatThrownBy(engine::fingerprint).hasMessageContaining(weights + " has changed");
    }
  }

  @Test
  void stream_givesResultsInOrder_andReadsNoFurtherThanItsWindow() {
    backend.faults(Fault.delay(Duration.ofNanos(200_000)));
    AtomicInteger read = new AtomicInteger();
    Iterator<String> texts =
        IntStream.range(0, 5000)
            .mapToObj(i -> {
              read.incrementAndGet();
              return "w" + i % 1000 + " w" + i / 1000 + " w7 ".repeat(i % 30);
            })
            .iterator();
    try (EmbeddingEngine engine = open(b -> b)) {
      Iterator<Embedding> embeddings = engine.embedAll(texts, EmbedOptions.passage());
      assertThat(read).hasValue(0);
      int most = 0;
      for (int i = 0; i < 5000; i++) {
        assertThat(embeddings.hasNext()).isTrue();
        Embedding embedding = embeddings.next();
        String text = "w" + i % 1000 + " w" + i / 1000 + " w7 ".repeat(i % 30);
        int[] ids = engine.tokenize(text, Role.PASSAGE).ids();
        assertThat(embedding.dense()).isEqualTo(FakeBackend.denseOf(ids));
        most = Math.max(most, read.get() - i);
      }
      assertThat(embeddings.hasNext()).isFalse();
      // 16 budgets of 256 tokens; a text of this kind is estimated at 12 tokens on average.
      assertThat(most).isBetween(50, 1000);
    }
  }

  @Test
  void stream_goesOnAfterATextThatFails() {
    backend.faults(Fault.throwing(Fault.holding(POISON_ID)));
    try (EmbeddingEngine engine = open(b -> b)) {
      Iterator<Embedding> embeddings =
          engine.embedAll(List.of("w1", "w666", "w2").iterator(), EmbedOptions.passage());
      assertThat(embeddings.next().tokenCount()).isEqualTo(3);
      assertThatThrownBy(embeddings::next).isInstanceOf(BackendException.class);
      assertThat(embeddings.next().tokenCount()).isEqualTo(3);
      assertThat(embeddings.hasNext()).isFalse();
    }
  }

  @Test
  void stream_givesWhatIsThere_andRefusesTheRestInItsTurn_onceTheEngineIsClosed() {
    EmbeddingEngine engine = open(b -> b);
    Iterator<Embedding> embeddings =
        engine.embedAll(
            IntStream.range(0, 5000).mapToObj(i -> "w" + i % 1000 + " w" + i / 1000).iterator(),
            EmbedOptions.passage());
    int[][] ids = new int[5000][];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = engine.tokenize("w" + i % 1000 + " w" + i / 1000, Role.PASSAGE).ids();
    }
    int right = 0;
    assertThat(embeddings.next().dense()).isEqualTo(FakeBackend.denseOf(ids[right++]));
    engine.close();
    int refused = 0;
    while (embeddings.hasNext()) {
      try {
        Embedding embedding = embeddings.next();
        assertThat(refused).as("refused before text %d", right).isZero();
        assertThat(embedding.dense()).isEqualTo(FakeBackend.denseOf(ids[right++]));
      } catch (EngineClosedException e) {
        refused++;
      }
    }
    assertThat(right).as("submitted before the engine was closed").isGreaterThan(50);
    assertThat(refused).as("read after it was closed").isPositive();
    assertThat(right + refused).isEqualTo(5000);
  }

  @Test
  void stream_refusesANullInItsTurn() {
    try (EmbeddingEngine engine = open(b -> b)) {
      Iterator<Embedding> embeddings =
          engine.embedAll(Arrays.asList("w1", null, "w2 w3").iterator(), EmbedOptions.passage());
      assertThat(embeddings.next().tokenCount()).isEqualTo(3);
      assertThatThrownBy(embeddings::next).isInstanceOf(NullPointerException.class);
      assertThat(embeddings.next().tokenCount()).isEqualTo(4);
      assertThat(embeddings.hasNext()).isFalse();
    }
  }

  @Test
  void stats_addUp() {
    backend.faults(Fault.throwing(Fault.holding(POISON_ID)), Fault.nan(FakeModel.FIRST_WORD + 667));
    try (EmbeddingEngine engine = open(b -> b)) {
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < 500; i++) {
        texts.add("w" + i + " w1 ".repeat(i % 40));
      }
      engine.embedAll(texts, EmbedOptions.passage());
      assertThat(engine.embed("w666")).failsWithin(Duration.ofMinutes(1));
      assertThat(engine.embed("w667")).failsWithin(Duration.ofMinutes(1));
      EngineStats stats = engine.stats();
      assertThat(stats.submitted()).isEqualTo(502);
      assertThat(stats.embedded()).isEqualTo(500);
      assertThat(stats.failures())
          .containsEntry(EngineStats.Failure.BACKEND, 1L)
          .containsEntry(EngineStats.Failure.NOT_FINITE, 1L);
      assertThat(stats.failed()).isEqualTo(2);
      assertThat(stats.batchTexts()).isEqualTo(501);
      assertThat(stats.computedTokens()).isEqualTo(backend.paddedTokens() - canaries(stats));
      assertThat(stats.failedRuns()).isEqualTo(2);
      assertThat(stats.paddingShare()).isBetween(0.0, 0.2);
      assertThat(stats.busyShare()).isBetween(0.0, 1.0);
      assertThat(stats.bulk()).isEqualTo(new EngineStats.Waiting(0, 0));
      assertThat(stats.meanWait()).isPositive();
    }
  }

  /** The canary of three tokens is run at the first failure of a series. */
  private static long canaries(EngineStats stats) {
    return stats.failedRuns() > 0 ? 3 : 0;
  }

  @Test
  void listeners_areToldOfBatchesAndLosses_andMayThrow() {
    List<EngineListener.Batch> batches = new CopyOnWriteArrayList<>();
    List<EngineHealth.State> states = new CopyOnWriteArrayList<>();
    EngineListener listener =
        new EngineListener() {
          @Override
          public void onBatch(Batch batch) {
            batches.add(batch);
            throw new IllegalStateException("as was asked for");
          }

          @Override
          public void onHealth(EngineHealth health) {
            states.add(health.state());
          }
        };
    try (EmbeddingEngine engine =
        open(b -> b.listener(listener).reopenDelay(Duration.ofMillis(1)))) {
      engine.embedAll(List.of("w1 w2", "w3"), EmbedOptions.passage());
      await()
          .untilAsserted(() ->
              assertThat(batches.stream().mapToInt(EngineListener.Batch::texts).sum())
                  .isEqualTo(2));
      assertThat(batches)
          .allSatisfy(b -> {
            assertThat(b.outcome()).isEqualTo(EngineListener.Outcome.COMPUTED);
            assertThat(b.longestWait()).isPositive();
            assertThat(b.run()).isPositive();
          });
      backend.faults(Fault.throwing(b -> true));
      assertThat(engine.embed("w1")).failsWithin(Duration.ofMinutes(1));
      backend.faults();
      await()
          .untilAsserted(() ->
              assertThat(states)
                  .containsExactly(EngineHealth.State.UNHEALTHY, EngineHealth.State.HEALTHY));
    }
  }

  @Test
  void flightRecorder_hasAnEventForEachBatch() throws Exception {
    List<RecordedEvent> events = new CopyOnWriteArrayList<>();
    try (RecordingStream recording = new RecordingStream();
        EmbeddingEngine engine = open(b -> b)) {
      recording.enable("io.luciole.Batch");
      recording.onEvent("io.luciole.Batch", events::add);
      recording.startAsync();
      engine.embedAll(List.of("w1 w2", "w3 w4"), EmbedOptions.passage());
      recording.stop();
    }
    assertThat(events.stream().mapToInt(e -> e.getInt("texts")).sum()).isEqualTo(2);
    assertThat(events.stream().mapToInt(e -> e.getInt("tokens")).sum()).isEqualTo(8);
    assertThat(events).allMatch(e -> e.getString("device").equals("cpu"));
  }

  @Test
  void aQuery_goesBeforeABulkJobThatWaits() {
    CountDownLatch started = new CountDownLatch(1);
    backend
        .recording()
        .faults(
            Fault.delay(b -> {
              try {
                started.await();
              } catch (InterruptedException e) {
                throw new IllegalStateException(e);
              }
              return 0;
            }));
    try (EmbeddingEngine engine = open(b -> b)) {
      List<java.util.concurrent.CompletableFuture<Embedding>> futures = new ArrayList<>();
      for (int i = 0; i < 5000; i++) {
        futures.add(engine.embed("w1 w2 w3"));
      }
      await().until(() -> backend.runs() == 1);
      var query = engine.embed("w9", EmbedOptions.query());
      // An estimate of 1 until the query is tokenised, and the special tokens too from then on.
      await().until(() -> engine.stats().interactive().tokens() > 1);
      started.countDown();
      query.join();
      futures.forEach(java.util.concurrent.CompletableFuture::join);
      List<TokenBatch> batches = backend.batches();
      int at = 0;
      while (!Fault.holding(FakeModel.FIRST_WORD + 9).test(batches.get(at))) {
        at++;
      }
      assertThat(at).as("batches before the query's").isLessThanOrEqualTo(1);
      assertThat(batches.get(at).size()).isEqualTo(1);
    }
  }

  @Test
  void textsSubmittedAtOnce_goTogether() {
    backend.recording().faults(Fault.delay(Duration.ofMillis(1)));
    try (EmbeddingEngine engine = open(b -> b.tokenBudget(100_000))) {
      engine.embedAll(
          IntStream.range(0, 1000).mapToObj(i -> "w1 w2").toList(), EmbedOptions.passage());
      assertThat(backend.runs()).isLessThan(100);
    }
  }

  @Test
  void calibration_findsTheKnee_andIsKept() {
    System.setProperty("luciole.cache", folder.resolve("cache").toString());
    try {
      // A fixed cost of 5 ms and 1 µs a token: 95 % of the best speed needs about 95k tokens.
      backend.recording().maxTokens(512);
      backend.faults(
          Fault.delay(b -> 5_000_000 + 1000L * b.size() * b.maxLength()), Fault.memory(40_000));
      EngineBuilder builder =
          EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
              .model(FakeModel.write(folder, 512))
              .backend(backend);
      int found;
      try (EmbeddingEngine engine = builder.calibrate(true).open()) {
        found = engine.tokenBudget();
      }
      // 65,536 and 40,000 do not fit; half of what did not fit is the most.
      assertThat(found).isEqualTo(32_768);
      assertThat(backend.batches())
          .as("the model's longest text")
          .anyMatch(b -> b.maxLength() == 512);
      long runs = backend.runs();
      try (EmbeddingEngine engine = builder.calibrate(false).open()) {
        assertThat(engine.tokenBudget()).isEqualTo(found);
        assertThat(backend.runs()).isEqualTo(runs);
      }
      try (EmbeddingEngine engine = builder.outputs(Output.DENSE).open()) {
        assertThat(engine.tokenBudget()).as("other outputs").isNotEqualTo(found);
      }
    } finally {
      System.clearProperty("luciole.cache");
    }
  }

  @Test
  void tokenIds_areEmbeddedAsTheTextThatTheyWere() {
    try (EmbeddingEngine engine = open(b -> b.maxLength(6))) {
      int[] ids = engine.tokenize("w1 w2 w3", Role.PASSAGE).ids();
      int[] inner = Arrays.copyOfRange(ids, 1, ids.length - 1);
      Embedding text = engine.embed("w1 w2 w3", EmbedOptions.passage()).join();
      assertThat(engine.embed(ids, EmbedOptions.passage()).join()).isEqualTo(text);
      assertThat(engine.embed(inner, EmbedOptions.passage()).join()).isEqualTo(text);
      assertThat(engine.embed(new int[0], EmbedOptions.passage()).join())
          .isEqualTo(engine.embed("", EmbedOptions.passage()).join());

      int[] many = IntStream.range(FakeModel.FIRST_WORD, FakeModel.FIRST_WORD + 9).toArray();
      Embedding cut = engine.embed(many, EmbedOptions.passage()).join();
      assertThat(cut).isEqualTo(engine.embed("w0 w1 w2 w3 w4 w5", EmbedOptions.passage()).join());
      assertThat(cut.truncated()).isTrue();
      assertThat(cut.tokenCount()).isEqualTo(6);

      for (int outside : new int[] {-1, FakeModel.FIRST_WORD + FakeModel.WORDS}) {
        assertThatThrownBy(() -> engine.embed(new int[] {3, outside}, EmbedOptions.passage()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("0 to 1002")
            .hasMessageContaining(outside + " at index 1");
      }
    }
  }
}
