package io.luciole.spring.ai;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import io.luciole.testkit.MiniM3;
import io.luciole.testkit.ReferenceText;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.TokenCountBatchingStrategy;

/**
 * How much of the engine's throughput an adapter leaves: 10,000 texts through either, in turns, in
 * one run, on a device that takes 10 µs for each token and no processor. The ratio is that of the
 * medians.
 */
@Tag("long")
class ThroughputTest {
  private static final long SEED = 20_261_129;
  private static final int TEXTS = 10_000;
  private static final int ROUNDS = 5;
  private static final double LEAST = 0.95;
  private static final long NANOS_PER_TOKEN = 10_000;

  private static EmbeddingEngine engine;

  @BeforeAll
  static void open() {
    engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(MiniM3.source())
            .backend(
                new FakeBackend().faults(Fault.delay(batch -> batch.tokens() * NANOS_PER_TOKEN)))
            .open();
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private static List<String> texts() {
    List<String> words =
        MiniM3.texts().stream()
            .map(ReferenceText::text)
            .flatMap(text -> Arrays.stream(text.split("\\s+", 200)))
            .toList();
    Random random = new Random(SEED);
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < TEXTS; i++) {
      texts.add(
          random
              .ints(5 + random.nextInt(20), 0, words.size())
              .mapToObj(words::get)
              .collect(Collectors.joining(" ")));
    }
    return texts;
  }

  /** Runs both in turns and asserts the ratio of their median times. */
  private static void compare(String name, Runnable engine, Runnable adapter) {
    engine.run();
    adapter.run();
    List<Long> ofEngine = new ArrayList<>();
    List<Long> ofAdapter = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      ofEngine.add(nanos(engine));
      ofAdapter.add(nanos(adapter));
    }
    double ratio = (double) median(ofEngine) / median(ofAdapter);
    System.out.printf(
        "%s: %.0f texts/s, %.3f of the engine's%n", name, TEXTS * 1e9 / median(ofAdapter), ratio);
    assertThat(ratio).as(name).isGreaterThanOrEqualTo(LEAST);
  }

  private static long nanos(Runnable run) {
    long start = System.nanoTime();
    run.run();
    return System.nanoTime() - start;
  }

  private static long median(List<Long> times) {
    return times.stream().sorted().toList().get(times.size() / 2);
  }

  private static <T> void fromManyThreads(List<T> items, Consumer<T> action) {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> running = new ArrayList<>();
      items.forEach(item -> running.add(threads.submit(() -> action.accept(item))));
      assertThat(running)
          .allSatisfy(each -> assertThat(each).succeedsWithin(Duration.ofMinutes(5)));
    }
  }

  @Test
  void embeddingModel_listsAndSingleTexts() {
    List<String> texts = texts();
    List<Document> documents = texts.stream().map(Document::new).toList();
    LucioleEmbeddingModel model = new LucioleEmbeddingModel(engine);
    EmbedOptions dense = EmbedOptions.passage().outputs(Output.DENSE);
    EmbeddingOptions options = EmbeddingOptions.builder().build();
    TokenCountBatchingStrategy batches = new TokenCountBatchingStrategy();
    Runnable direct = () -> engine.embedAll(texts, dense);

    compare("embed(List<String>)", direct, () -> model.embed(texts));
    compare("embed(List<Document>)", direct, () -> model.embed(documents, options, batches));
    compare(
        "embed(Document) from 10,000 virtual threads",
        () -> fromManyThreads(texts, text -> engine.embed(text, dense).join()),
        () -> fromManyThreads(documents, model::embed));
  }

  @Test
  void vectorStore_againstTheIndexer() {
    List<String> texts = texts();
    List<Document> documents = new ArrayList<>();
    List<SourceDocument> sources = new ArrayList<>();
    for (int i = 0; i < TEXTS; i++) {
      documents.add(new Document("d" + i, texts.get(i), Map.of()));
      sources.add(SourceDocument.of("d" + i, "", texts.get(i)));
    }
    compare(
        "VectorStore.add",
        () -> {
          try (HybridIndexer indexer = indexer();
              HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
            CompletableFuture.allOf(
                    sources.stream().map(indexer::put).toArray(CompletableFuture<?>[]::new))
                .join();
            searcher.refresh();
          }
        },
        () -> {
          try (HybridIndexer indexer = indexer();
              HybridSearcher searcher = HybridSearcher.open(indexer, engine)) {
            LucioleVectorStore.builder(engine, indexer, searcher).build().add(documents);
          }
        });
  }

  private static HybridIndexer indexer() {
    return HybridIndexer.open(new ByteBuffersDirectory(), engine, WriteOptions.defaults());
  }
}
