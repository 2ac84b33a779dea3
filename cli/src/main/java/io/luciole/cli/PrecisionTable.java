package io.luciole.cli;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.LucioleException;
import io.luciole.internal.Cosine;
import io.luciole.spi.Precision;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;

/**
 * Measures a model in each precision that the backend offers, on this machine: tokens a second of a
 * batch of texts, the median time of one query, and the cosine of the texts' dense vectors to those
 * in fp32. What a backend refuses is told with its reason.
 */
final class PrecisionTable {
  private static final int TEXTS = 16;
  private static final int PASSES = 2;
  private static final int QUERIES = 9;
  private static final String QUERY = "which insects glow in the dark, and why?";

  private final EngineOptions options;
  private final LucioleConfig config;

  PrecisionTable(EngineOptions options, LucioleConfig config) {
    this.options = options;
    this.config = config;
  }

  /** Lines to print, with a head. */
  List<String> lines() {
    List<String> lines = new ArrayList<>();
    lines.add("precision   tokens/s   one query, ms   cosine to fp32: mean, smallest");
    List<float[]> exact = List.of();
    for (Precision precision : Precision.values()) {
      try (EmbeddingEngine engine = options.open(options.builder(config).precision(precision))) {
        List<float[]> vectors = new ArrayList<>();
        String speed = speed(engine, vectors);
        if (precision == Precision.FP32) {
          exact = vectors;
        }
        lines.add(
            String.format(
                Locale.ROOT, "%-9s %s   %s", precision.id(), speed, deviation(exact, vectors)));
      } catch (LucioleException e) {
        String reason = String.valueOf(e.getMessage()).lines().findFirst().orElse("");
        lines.add(String.format(Locale.ROOT, "%-9s not offered: %s", precision.id(), reason));
      }
    }
    return lines;
  }

  /** Texts of about 100 tokens, all different. */
  private static List<String> texts() {
    return IntStream.range(0, TEXTS)
        .mapToObj(text ->
            IntStream.range(0, 5)
                .mapToObj(i ->
                    "Fireflies glow at dusk over the rice fields, and number "
                        + (5 * text + i)
                        + " of them waits for an answer. ")
                .reduce("", String::concat))
        .toList();
  }

  private static String speed(EmbeddingEngine engine, List<float[]> vectors) {
    List<String> texts = texts();
    engine.embed(QUERY, EmbedOptions.query()).join();
    double best = 0;
    for (int pass = 0; pass < PASSES; pass++) {
      long start = System.nanoTime();
      List<Embedding> all = engine.embedAll(texts, EmbedOptions.passage());
      double seconds = (System.nanoTime() - start) / 1e9;
      long tokens = all.stream().mapToLong(Embedding::tokenCount).sum();
      best = Math.max(best, tokens / seconds);
      vectors.clear();
      all.forEach(embedding -> vectors.add(embedding.dense()));
    }
    double[] millis = new double[QUERIES];
    for (int i = 0; i < QUERIES; i++) {
      long start = System.nanoTime();
      engine.embed(QUERY, EmbedOptions.query()).join();
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    return String.format(Locale.ROOT, "%10.0f   %13.1f", best, millis[QUERIES / 2]);
  }

  private static String deviation(List<float[]> exact, List<float[]> vectors) {
    if (exact.size() != vectors.size()) {
      return "fp32 is not offered";
    }
    double[] cosines =
        IntStream.range(0, exact.size())
            .mapToDouble(i -> Cosine.of(exact.get(i), vectors.get(i)))
            .toArray();
    return String.format(
        Locale.ROOT,
        "%.6f, %.6f",
        Arrays.stream(cosines).average().orElse(0),
        Arrays.stream(cosines).min().orElse(0));
  }
}
