package io.luciole.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * How far the vectors of two settings are apart, on the same texts:
 *
 * <pre>
 * java … io.luciole.bench.Agreement a.luciole.device=cpu b.luciole.device=cuda:0 … TEXTS.jsonl …
 * </pre>
 *
 * <p>{@code luciole.…=} without a letter goes for both. Prints the smallest cosine of the dense
 * vectors and the largest difference of a sparse weight for each file.
 */
public final class Agreement {
  private Agreement() {}

  /** Runs the comparison; see the class. */
  public static void main(String[] args) throws IOException {
    Map<String, String> a = new HashMap<>();
    Map<String, String> b = new HashMap<>();
    List<Path> files = new ArrayList<>();
    for (String arg : args) {
      int eq = arg.indexOf('=');
      if (eq < 0) {
        files.add(Path.of(arg));
        continue;
      }
      String key = arg.substring(0, eq);
      String value = arg.substring(eq + 1);
      if (!key.startsWith("b.")) {
        a.put(key.startsWith("a.") ? key.substring(2) : key, value);
      }
      if (!key.startsWith("a.")) {
        b.put(key.startsWith("b.") ? key.substring(2) : key, value);
      }
    }
    List<List<Embedding>> first = embed(a, files);
    List<List<Embedding>> second = embed(b, files);
    for (int f = 0; f < files.size(); f++) {
      double cosine = 1;
      double weight = 0;
      int tokens = 0;
      long weights = 0;
      for (int i = 0; i < first.get(f).size(); i++) {
        Embedding x = first.get(f).get(i);
        Embedding y = second.get(f).get(i);
        tokens = Math.max(tokens, x.tokenCount());
        weights += x.sparse().size();
        cosine = Math.min(cosine, Scores.dense(x, y));
        weight = Math.max(weight, largest(x.sparse(), y.sparse()));
        weight = Math.max(weight, largest(y.sparse(), x.sparse()));
      }
      System.out.printf(
          Locale.ROOT,
          "agreement %s: %d texts of up to %d tokens, smallest cosine %.7f, largest sparse"
              + " difference %.5f of %d weights%n",
          files.get(f).getFileName(),
          first.get(f).size(),
          tokens,
          cosine,
          weight,
          weights);
    }
  }

  private static double largest(SparseVector x, SparseVector y) {
    double largest = 0;
    for (int i = 0; i < x.size(); i++) {
      largest = Math.max(largest, Math.abs(x.weight(i) - y.weightOf(x.id(i))));
    }
    return largest;
  }

  private static List<List<Embedding>> embed(Map<String, String> settings, List<Path> files)
      throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<List<Embedding>> all = new ArrayList<>();
    try (EmbeddingEngine engine = EmbeddingEngine.builder(LucioleConfig.of(settings)).open()) {
      for (Path file : files) {
        List<String> texts = new ArrayList<>();
        for (String line : Files.readAllLines(file)) {
          texts.add(json.readTree(line).path("text").asText());
        }
        all.add(
            engine.embedAll(texts, EmbedOptions.passage().outputs(Output.DENSE, Output.SPARSE)));
      }
    }
    return all;
  }
}
