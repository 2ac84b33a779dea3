package io.luciole.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineStats;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.IndexListener;
import io.luciole.lucene.IndexingReport;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.IntStream;

/**
 * From texts to a committed index: made-up passages through the engine alone, then through the
 * indexer into a new index. Prints the throughput of both, and of the index how long it took until
 * the last passage was written and how long the merge into one segment and the commit took behind
 * that.
 *
 * <pre>
 * java … io.luciole.bench.BulkIndexing [key=value …]
 *   luciole.model=DIR luciole.device=cuda:0 …   the engine's settings
 *   corpus=FILE.jsonl     {"text": …} a line; passages are runs of its words from random places
 *   work=FOLDER           new; the index is left in it
 *   documents=200000      passages
 *   words=100             of a passage
 *   writers=0             threads that write; 0: as usual
 * </pre>
 *
 * <p>The warm-up is the same with fewer passages.
 */
public final class BulkIndexing {
  private static final int WARM_UP = 20_000;

  private BulkIndexing() {}

  /** Runs the benchmark. */
  public static void main(String[] args) throws IOException {
    Map<String, String> settings = new HashMap<>();
    Map<String, String> own =
        new HashMap<>(
            Map.of(
                "corpus", "", "work", "", "documents", "200000", "words", "100", "writers", "0"));
    for (String arg : args) {
      String[] pair = arg.split("=", 2);
      if (pair.length < 2 || !(pair[0].startsWith("luciole.") || own.containsKey(pair[0]))) {
        throw new IllegalArgumentException(
            "expected luciole.…=VALUE or one of " + own.keySet() + ", found " + arg);
      }
      (own.containsKey(pair[0]) ? own : settings).put(pair[0], pair[1]);
    }
    List<String> corpus = words(Path.of(own.get("corpus")));
    int words = Integer.parseInt(own.get("words"));
    int documents = Integer.parseInt(own.get("documents"));
    int writers = Integer.parseInt(own.get("writers"));
    Path work = Files.createDirectories(Path.of(own.get("work")));
    WriteOptions options = WriteOptions.defaults().bulk(true);
    if (writers > 0) {
      options = options.writerThreads(writers);
    }
    try (EmbeddingEngine engine = EmbeddingEngine.builder(LucioleConfig.of(settings)).open()) {
      List<SourceDocument> warmUp = passages(corpus, words, Math.min(WARM_UP, documents), 1);
      alone(engine, warmUp);
      index(engine, warmUp, work.resolve("warm-up"), options);
      List<SourceDocument> all = passages(corpus, words, documents, 2);
      double before = alone(engine, all);
      double indexed = index(engine, all, work.resolve("index"), options);
      double after = alone(engine, all);
      System.out.printf(
          Locale.ROOT,
          "ratio to the engine alone until the last passage: %.3f%n",
          indexed / ((before + after) / 2));
    }
  }

  private static List<String> words(Path corpus) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> words = new ArrayList<>();
    for (String line : Files.readAllLines(corpus)) {
      words.addAll(List.of(json.readTree(line).path("text").asText().strip().split("\\s+")));
    }
    return words;
  }

  private static List<SourceDocument> passages(
      List<String> corpus, int words, int count, long seed) {
    Random random = new Random(seed);
    return IntStream.range(0, count)
        .mapToObj(i -> {
          int at = random.nextInt(corpus.size() - words);
          return SourceDocument.of("" + i, "", String.join(" ", corpus.subList(at, at + words)));
        })
        .toList();
  }

  /** Passages a second through the engine alone, their vectors collected and dropped. */
  private static double alone(EmbeddingEngine engine, List<SourceDocument> passages) {
    EngineStats before = engine.stats();
    long start = System.nanoTime();
    Iterator<Embedding> embeddings =
        engine.embedAll(
            passages.stream().map(SourceDocument::content).iterator(),
            EmbedOptions.passage().outputs(engine.outputs()));
    long tokens = 0;
    while (embeddings.hasNext()) {
      tokens += embeddings.next().tokenCount();
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    EngineStats after = engine.stats();
    System.out.printf(
        Locale.ROOT,
        "engine alone: %d passages, %d tokens, %.2f s: %.0f passages/s, %.0f tokens/s, busy %.1f %%%n",
        passages.size(),
        tokens,
        seconds,
        passages.size() / seconds,
        tokens / seconds,
        100.0
            * after.busy().minus(before.busy()).toNanos()
            / after.available().minus(before.available()).toNanos());
    return passages.size() / seconds;
  }

  /** Passages a second until the last is written. */
  private static double index(
      EmbeddingEngine engine, List<SourceDocument> passages, Path index, WriteOptions options)
      throws IOException {
    LastPassage last = new LastPassage(passages.size());
    IndexingReport report;
    long start;
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
      indexer.addListener(last);
      start = System.nanoTime();
      report = indexer.indexAll(passages.iterator(), progress -> {});
    }
    double written = (last.written.get() - start) / 1e9;
    double all = report.elapsed().toNanos() / 1e9;
    System.out.printf(
        Locale.ROOT,
        "index: %d passages written in %.2f s: %.0f passages/s, %.0f tokens/s; merged and committed in"
            + " %.2f s more; of all the time the engine waited %.1f %%, writers %.1f %%%n",
        passages.size(),
        written,
        passages.size() / written,
        report.tokens() / written,
        all - written,
        100 * report.engineIdleShare(),
        100 * report.writersIdleShare());
    return passages.size() / written;
  }

  /** Notes when the last of so many passages was written. */
  private static final class LastPassage implements IndexListener {
    final AtomicLong written = new AtomicLong();
    private final AtomicInteger left;

    LastPassage(int passages) {
      left = new AtomicInteger(passages);
    }

    @Override
    public void onDocument(Duration latency, Optional<Throwable> failure) {
      if (left.decrementAndGet() == 0) {
        written.set(System.nanoTime());
      }
    }
  }
}
