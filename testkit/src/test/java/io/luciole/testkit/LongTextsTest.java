package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.luciole.ConfigException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingCache;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineStats;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.TextTooLongException;
import io.luciole.Truncation;
import io.luciole.spi.BackendException;
import io.luciole.spi.TokenBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Texts that are longer than the model's limit, by each {@link Truncation}. */
@Timeout(120)
class LongTextsTest {
  private static final int LIMIT = 8;
  private static final Set<Output> ALL = EnumSet.allOf(Output.class);

  /** 20 words, 22 tokens. */
  private static final String LONG = words(0, 20);

  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();

  private static String words(int from, int to) {
    return IntStream.range(from, to).mapToObj(i -> "w" + i % 1000).collect(Collectors.joining(" "));
  }

  private EngineBuilder builder(Map<String, String> config, int limit) {
    return EmbeddingEngine.builder(LucioleConfig.of(config))
        .model(FakeModel.write(folder, limit))
        .backend(backend)
        .tokenBudget(64)
        .outputs(ALL);
  }

  private EmbeddingEngine open(Truncation truncation) {
    return builder(Map.of("luciole.truncation", truncation.id()), LIMIT).open();
  }

  @Test
  void truncate_isFlaggedAndCounted() {
    try (EmbeddingEngine engine = builder(Map.of(), LIMIT).open()) {
      List<Embedding> found =
          engine.embedAll(List.of(LONG, words(0, 6), words(0, 7)), EmbedOptions.passage());

      assertThat(found).extracting(Embedding::truncated).containsExactly(true, false, true);
      assertThat(found).extracting(Embedding::tokenCount).containsOnly(LIMIT);
      assertThat(engine.stats().truncated()).isEqualTo(2);
      assertThat(engine.stats().chunked()).isZero();
    }
  }

  @Test
  void error_namesTokensAndLimit() {
    try (EmbeddingEngine engine = open(Truncation.ERROR)) {
      CompletableFuture<Embedding> refused = engine.embed(LONG);

      assertThat(engine.embed(words(0, 6)).join().truncated()).isFalse();
      assertThatThrownBy(refused::join)
          .cause()
          .isInstanceOfSatisfying(
              TextTooLongException.class,
              e -> {
                assertThat(e.tokens()).isEqualTo(22);
                assertThat(e.limit()).isEqualTo(LIMIT);
              })
          .hasMessageContaining("at most 8 tokens, found one of 22.")
          .hasMessageContaining("luciole.truncation=chunk");
      assertThatThrownBy(() -> engine.embed("w1 ".repeat(500_000)).join())
          .hasMessageContaining("found one of more, in 1500000 characters.");
      assertThat(engine.stats().failures().get(EngineStats.Failure.TOO_LONG)).isEqualTo(2);
      assertThat(engine.stats().truncated()).isZero();
    }
  }

  @Test
  void chunk_mergesTheChunksEmbeddings() {
    String text = words(0, 9) + ". " + words(3, 14);
    try (EmbeddingEngine engine = open(Truncation.CHUNK)) {
      List<Embedding> parts =
          engine.embedAll(
              engine.chunker(LIMIT, 0).chunks(text).stream().map(c -> c.of(text)).toList(),
              EmbedOptions.passage().truncation(Truncation.ERROR));
      assertThat(parts).hasSizeGreaterThan(2);

      Embedding whole = engine.embed(text).join();

      int tokens = parts.stream().mapToInt(Embedding::tokenCount).sum();
      assertThat(whole.tokenCount()).isEqualTo(tokens);
      assertThat(whole.truncated()).isFalse();
      double[] mean = new double[FakeBackend.DIMENSION];
      Map<Integer, Float> largest = new HashMap<>();
      List<float[]> rows = new ArrayList<>();
      for (Embedding part : parts) {
        Arrays.setAll(mean, d -> mean[d] + part.dense()[d] * (double) part.tokenCount() / tokens);
        for (int i = 0; i < part.sparse().size(); i++) {
          largest.merge(part.sparse().id(i), part.sparse().weight(i), Math::max);
        }
        rows.addAll(Arrays.asList(part.colbert().toArrays()));
      }
      for (int d = 0; d < mean.length; d++) {
        assertThat((double) whole.dense()[d]).isCloseTo(mean[d], within(1e-5));
      }
      assertThat(whole.sparse().size()).isEqualTo(largest.size());
      largest.forEach((id, weight) -> assertThat(whole.sparse().weightOf(id)).isEqualTo(weight));
      assertThat(whole.colbert().toArrays()).isDeepEqualTo(rows.toArray(float[][]::new));
      assertThat(engine.stats().chunked()).isEqualTo(1);
      assertThat(engine.stats().embedded()).isEqualTo(parts.size() + 1L);
      assertThat(engine.embed(words(0, 6)).join().tokenCount()).isEqualTo(LIMIT);
      assertThat(engine.stats().chunked()).isEqualTo(1);
    }
  }

  @Test
  void chunk_beyondItsBound_isTruncated() {
    try (EmbeddingEngine engine = builder(Map.of(), 512).truncation(Truncation.CHUNK).open()) {
      Embedding found = engine.embed(words(0, 40_000)).join();

      assertThat(found.truncated()).isTrue();
      assertThat(found.tokenCount()).isBetween(32_000, 32_768);
      assertThat(engine.stats().truncated()).isEqualTo(1);
      assertThat(
              engine
                  .embed(words(0, 40_000), EmbedOptions.passage().outputs(Output.DENSE))
                  .join()
                  .tokenCount())
          .isGreaterThan(40_000);
    }
  }

  /** 65 chunks are within the bound, and the last one is not. */
  @Test
  void chunk_beyondItsBoundByItsLastPiece_isTruncated() {
    try (EmbeddingEngine engine = builder(Map.of(), 500).truncation(Truncation.CHUNK).open()) {
      Embedding found = engine.embed(words(0, 65 * 498 + 300)).join();

      assertThat(found.tokenCount()).isEqualTo(65 * 500);
      assertThat(found.truncated()).isTrue();
      assertThat(engine.stats().truncated()).isEqualTo(1);
    }
  }

  @Test
  void chunk_thatFails_failsItsTextAlone() {
    backend.faults(Fault.throwing(Fault.holding(FakeModel.FIRST_WORD + 13)));
    try (EmbeddingEngine engine = open(Truncation.CHUNK)) {
      CompletableFuture<Embedding> poisoned = engine.embed(LONG);
      CompletableFuture<Embedding> other = engine.embed(words(20, 60));

      assertThatThrownBy(poisoned::join)
          .isInstanceOf(CompletionException.class)
          .cause()
          .isInstanceOf(BackendException.class);
      assertThat(other.join().colbert().rows()).isGreaterThan(40);
      await()
          .untilAsserted(
              () -> assertThat(engine.stats().bulk()).isEqualTo(new EngineStats.Waiting(0, 0)));
      assertThat(engine.stats().failed()).isEqualTo(1);
    }
  }

  @Test
  void cancelledText_takesItsChunksAlong() {
    CountDownLatch gate = new CountDownLatch(1);
    backend.faults(
        new Fault() {
          @Override
          public void before(TokenBatch batch) {
            try {
              gate.await();
            } catch (InterruptedException e) {
              throw new BackendException("interrupted");
            }
          }
        });
    try (EmbeddingEngine engine = open(Truncation.CHUNK)) {
      CompletableFuture<Embedding> first = engine.embed("w1");
      await().until(() -> backend.runs() == 1);
      CompletableFuture<Embedding> cancelled = engine.embed(words(0, 600));
      await().until(() -> engine.stats().chunked() == 1 && engine.stats().bulk().texts() > 50);

      cancelled.cancel(false);

      assertThat(engine.stats().bulk().texts()).isZero();
      gate.countDown();
      first.join();
    }
    assertThat(backend.texts()).isLessThan(60);
  }

  @Test
  void cachedEmbedding_isOfTheSameRule() {
    Map<EmbeddingCache.Key, Embedding> kept = new ConcurrentHashMap<>();
    EmbeddingCache cache =
        new EmbeddingCache() {
          @Override
          public Optional<Embedding> get(Key key) {
            return Optional.ofNullable(kept.get(key));
          }

          @Override
          public void put(Key key, Embedding embedding) {
            kept.put(key, embedding);
          }
        };
    try (EmbeddingEngine engine = builder(Map.of(), LIMIT).cache(cache).open()) {
      Embedding cut = engine.embed(LONG).join();
      Embedding merged =
          engine.embed(LONG, EmbedOptions.passage().truncation(Truncation.CHUNK)).join();
      assertThat(merged).isNotEqualTo(cut);
      assertThatThrownBy(
              () -> engine.embed(LONG, EmbedOptions.passage().truncation(Truncation.ERROR)).join())
          .cause()
          .isInstanceOf(TextTooLongException.class);

      long runs = backend.runs();
      assertThat(engine.embed(LONG).join()).isEqualTo(cut);
      assertThat(engine.embed(LONG, EmbedOptions.passage().truncation(Truncation.CHUNK)).join())
          .isEqualTo(merged);
      assertThat(backend.runs()).isEqualTo(runs);
      assertThat(engine.stats().truncated()).isEqualTo(2);
    }
  }

  @Test
  void ruleThatIsNone_isRefused() {
    assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.truncation", "cut")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("expected truncate, error or chunk, got \"cut\"");
  }
}
