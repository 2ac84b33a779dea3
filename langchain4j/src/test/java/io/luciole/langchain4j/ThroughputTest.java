package io.luciole.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;

import dev.langchain4j.data.segment.TextSegment;
import io.luciole.EmbedOptions;
import io.luciole.Output;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.SourceDocument;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What the adapters cost: 10,000 texts through each and through the engine in turns. Prints the
 * medians of the rounds; on a machine that does other things, their ratio means little.
 */
@Tag("long")
class ThroughputTest {
  private static final int TEXTS = 10_000;
  private static final int ROUNDS = 7;
  private static final double LEAST = 0.95;
  private static final EmbedOptions BOTH =
      EmbedOptions.passage().outputs(Output.DENSE, Output.SPARSE);

  private static Stores stores;
  private static List<String> texts;
  private static List<TextSegment> segments;
  @TempDir Path folder;
  private int stored;

  @BeforeAll
  static void open() {
    stores = new Stores();
    Random random = new Random(1);
    texts =
        IntStream.range(0, TEXTS)
            .mapToObj(i ->
                random
                    .ints(5 + random.nextInt(20), 0, 5000)
                    .mapToObj(word -> Integer.toString(word, 36))
                    .collect(Collectors.joining(" ")))
            .toList();
    segments = texts.stream().map(TextSegment::from).toList();
  }

  @AfterAll
  static void close() {
    stores.close();
  }

  @Test
  void list_isEmbeddedAsFastAsByTheEngine() {
    compare(
        "embedAll",
        () -> stores.engine.embedAll(texts, BOTH),
        () -> stores.model.embedAll(segments));
  }

  @Test
  void singleTextsOfManyThreads_areEmbeddedAsFastAsByTheEngine() {
    compare(
        "embed, from 10,000 virtual threads",
        () -> inThreads(texts, text -> stores.engine.embed(text, BOTH).join()),
        () -> inThreads(segments, stores.model::embed));
  }

  @Test
  void texts_areStoredAsFastAsByTheIndexer() {
    compare(
        "addAll without vectors, beside HybridIndexer.put",
        () -> {
          try (HybridIndexer indexer = HybridIndexer.open(next(), stores.engine)) {
            CompletableFuture.allOf(
                    IntStream.range(0, TEXTS)
                        .mapToObj(i ->
                            indexer.put(SourceDocument.of(Integer.toString(i), "", texts.get(i))))
                        .toArray(CompletableFuture<?>[]::new))
                .join();
          }
        },
        () -> {
          try (LucioleEmbeddingStore store = LucioleEmbeddingStore.open(next(), stores.model)) {
            store.addAll(Collections.nCopies(TEXTS, null), segments);
          }
        });
  }

  private Path next() {
    return folder.resolve(Integer.toString(stored++));
  }

  private static <T> void inThreads(List<T> items, Consumer<T> each) {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      CompletableFuture.allOf(
              items.stream()
                  .map(item -> CompletableFuture.runAsync(() -> each.accept(item), threads))
                  .toArray(CompletableFuture<?>[]::new))
          .join();
    }
  }

  private static void compare(String what, Runnable engine, Runnable adapter) {
    engine.run();
    adapter.run();
    List<Long> engines = new ArrayList<>();
    List<Long> adapters = new ArrayList<>();
    for (int round = 0; round < ROUNDS; round++) {
      engines.add(nanos(engine));
      adapters.add(nanos(adapter));
    }
    double ratio = (double) median(engines) / median(adapters);
    System.out.printf(
        "%s: engine %.0f texts/s, adapter %.0f texts/s, ratio %.3f%n",
        what, TEXTS * 1e9 / median(engines), TEXTS * 1e9 / median(adapters), ratio);
    assertThat(ratio).as(what).isGreaterThanOrEqualTo(LEAST);
  }

  private static long nanos(Runnable run) {
    long start = System.nanoTime();
    run.run();
    return System.nanoTime() - start;
  }

  private static long median(List<Long> times) {
    return times.stream().sorted().toList().get(times.size() / 2);
  }
}
