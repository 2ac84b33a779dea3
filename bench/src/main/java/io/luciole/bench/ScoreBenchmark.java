package io.luciole.bench;

import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.PairScore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;

/**
 * How many pairs a second a reranker of bge-reranker-v2-m3's form scores, beside how many texts of
 * the same length its encoder embeds: the same random weights, device and precision, passes in
 * turn. Both read the same passages, a little longer than the limit, which the engine cuts: what is
 * cut off costs the tokenizer time, and may take more of it than the device takes.
 *
 * <pre>
 * java … io.luciole.bench.ScoreBenchmark FOLDER [key=value …]
 *   FOLDER                 gets the model, 1.1 GB, if it is not there yet
 *   luciole.device=cuda:0 luciole.precision=fp16 …   the engines' settings
 *   length=512             tokens of a pair, and of a text
 *   pairs=16000            pairs a pass, of 40 passages a query
 *   passes=3               measured passes, after one that is not
 *   layers=24              of the model, when it is written
 * </pre>
 */
public final class ScoreBenchmark {
  private static final int PASSAGES = 40;
  private static final int QUERY_WORDS = 12;

  private final Map<String, String> own =
      new HashMap<>(Map.of("length", "512", "pairs", "16000", "passes", "3", "layers", "24"));
  private final Map<String, String> settings = new HashMap<>();
  private final Path folder;

  private ScoreBenchmark(String[] args) {
    this.folder = Path.of(args[0]);
    for (int i = 1; i < args.length; i++) {
      int eq = args[i].indexOf('=');
      String key = args[i].substring(0, Math.max(0, eq));
      String value = args[i].substring(eq + 1);
      if (key.startsWith("luciole.")) {
        settings.put(key, value);
      } else if (eq < 0 || own.put(key, value) == null) {
        throw new IllegalArgumentException(
            "unknown option " + args[i] + "; known: " + own.keySet());
      }
    }
  }

  /** Runs the benchmark; see the class. */
  public static void main(String[] args) throws IOException {
    new ScoreBenchmark(args).run();
  }

  private int number(String name) {
    return Integer.parseInt(own.getOrDefault(name, ""));
  }

  private void run() throws IOException {
    Path reranker = folder.resolve("reranker");
    Path encoder = folder.resolve("encoder");
    if (!Files.exists(encoder)) {
      RandomCheckpoint form = RandomCheckpoint.RERANKER.withLayers(number("layers"));
      form.write(Files.createDirectories(reranker));
      form.describe(Files.createDirectory(encoder), false);
      Files.createLink(encoder.resolve("model.safetensors"), reranker.resolve("model.safetensors"));
    }
    try (CrossEncoder scorer = CrossEncoder.open(builder(reranker));
        EmbeddingEngine embedder = builder(encoder).outputs(Output.DENSE).open()) {
      System.out.printf(
          Locale.ROOT,
          "%s, %s, %s%n",
          embedder.backend().device(),
          embedder.backend().precision(),
          embedder.backend().version());
      measure(scorer, embedder);
    }
  }

  private EngineBuilder builder(Path model) {
    Map<String, String> all = new HashMap<>(settings);
    all.put("luciole.model", model.toString());
    return EmbeddingEngine.builder(LucioleConfig.of(all)).maxLength(number("length"));
  }

  private void measure(CrossEncoder scorer, EmbeddingEngine embedder) {
    Random random = new Random(7);
    int words = wordsOf(embedder, random);
    List<String> passages = new ArrayList<>();
    for (int i = 0; i < number("pairs"); i++) {
      passages.add(Texts.ofWords(random, words));
    }
    Pass bestPairs = Pass.NONE;
    Pass bestTexts = Pass.NONE;
    for (int pass = -1; pass < number("passes"); pass++) {
      Pass pairs = pass(scorer.engine(), () -> score(scorer, passages), passages.size());
      Pass texts = pass(embedder, () -> embed(embedder, passages), passages.size());
      System.out.printf(
          Locale.ROOT,
          "%s %s pairs, %s texts of %d tokens: %.3f%n",
          pass < 0 ? "warm-up" : "pass",
          pairs,
          texts,
          number("length"),
          pairs.perSecond / texts.perSecond);
      if (pass >= 0) {
        bestPairs = bestPairs.better(pairs);
        bestTexts = bestTexts.better(texts);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "best: %s pairs (%.0f tokens/s), %s texts (%.0f tokens/s): %.3f%n",
        bestPairs,
        bestPairs.perSecond * number("length"),
        bestTexts,
        bestTexts.perSecond * number("length"),
        bestPairs.perSecond / bestTexts.perSecond);
  }

  /** How many words are a twentieth more than the limit. */
  private int wordsOf(EmbeddingEngine embedder, Random random) {
    int sample = 100;
    int tokens = 0;
    for (int i = 0; i < 20; i++) {
      tokens += embedder.embed(Texts.ofWords(random, sample)).join().tokenCount() - 2;
    }
    return (int) (1.05 * number("length") * 20 * sample / tokens) + 1;
  }

  /** What a pass reached, and for what part of it the device was busy. */
  private record Pass(double perSecond, double busy) {
    private static final Pass NONE = new Pass(0, 0);

    private Pass better(Pass other) {
      return other.perSecond > perSecond ? other : this;
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "%.1f/s (device busy %.1f %%)", perSecond, 100 * busy);
    }
  }

  private static Pass pass(EmbeddingEngine engine, Runnable work, int count) {
    Duration busyBefore = engine.stats().busy();
    long start = System.nanoTime();
    work.run();
    double nanos = System.nanoTime() - start;
    double busy = engine.stats().busy().minus(busyBefore).toNanos() / nanos;
    return new Pass(count / nanos * 1e9, busy);
  }

  /** Every query's passages are submitted before any score is awaited, as by many callers. */
  private void score(CrossEncoder scorer, List<String> passages) {
    Random random = new Random(11);
    EmbedOptions bulk = EmbedOptions.passage().job("pairs");
    List<CompletableFuture<PairScore>> scores = new ArrayList<>(passages.size());
    for (int from = 0; from < passages.size(); from += PASSAGES) {
      List<String> some = passages.subList(from, Math.min(from + PASSAGES, passages.size()));
      scores.addAll(scorer.submitAll(Texts.ofWords(random, QUERY_WORDS), some, bulk));
    }
    for (CompletableFuture<PairScore> score : scores) {
      requireFull(score.join().tokenCount());
    }
  }

  private void embed(EmbeddingEngine embedder, List<String> passages) {
    for (Embedding embedding : embedder.embedAll(passages, EmbedOptions.passage())) {
      requireFull(embedding.tokenCount());
    }
  }

  private void requireFull(int tokens) {
    if (tokens != number("length")) {
      throw new IllegalStateException("expected " + number("length") + " tokens, got " + tokens);
    }
  }
}
