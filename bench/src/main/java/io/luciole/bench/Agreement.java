package io.luciole.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.SparseVector;
import io.luciole.internal.Cosine;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.ToDoubleBiFunction;
import java.util.stream.IntStream;

/**
 * How far the vectors of two settings are apart, on the same texts: a precision, a device or a
 * backend against another.
 *
 * <pre>
 * java … io.luciole.bench.Agreement luciole.model=DIR a.luciole.precision=fp32 b.luciole.precision=int8 \
 *     [queries=QUERIES.jsonl] [most=1000] TEXTS.jsonl …
 * </pre>
 *
 * <p>{@code luciole.…=} without a letter goes for both. Prints, for each file of {@code {"text":
 * …}} lines, the mean and the smallest cosine of the dense vectors; the largest and the mean
 * difference of the sparse weights, and that mean over the mean weight; the mean and the smallest
 * cosine of the ColBERT rows of the first 100 texts; and with queries, how many of b's ten best
 * texts of a query are among a's, by dense and by sparse score. Outputs that the model lacks are
 * left out.
 */
public final class Agreement {
  private static final int COLBERT_TEXTS = 100;
  private static final int BEST = 10;

  private final EmbeddingEngine a;
  private final EmbeddingEngine b;

  private Agreement(EmbeddingEngine a, EmbeddingEngine b) {
    this.a = a;
    this.b = b;
  }

  /** Runs the comparison; see the class. */
  public static void main(String[] args) throws IOException {
    Map<String, String> a = new HashMap<>();
    Map<String, String> b = new HashMap<>();
    List<Path> files = new ArrayList<>();
    List<String> queries = List.of();
    int most = Integer.MAX_VALUE;
    for (String arg : args) {
      int eq = arg.indexOf('=');
      String key = eq < 0 ? "" : arg.substring(0, eq);
      String value = arg.substring(eq + 1);
      switch (key) {
        case "" -> files.add(Path.of(value));
        case "queries" -> queries = texts(Path.of(value), Integer.MAX_VALUE);
        case "most" -> most = Integer.parseInt(value);
        default -> {
          if (!key.startsWith("b.")) {
            a.put(key.startsWith("a.") ? key.substring(2) : key, value);
          }
          if (!key.startsWith("a.")) {
            b.put(key.startsWith("b.") ? key.substring(2) : key, value);
          }
        }
      }
    }
    try (EmbeddingEngine first = EmbeddingEngine.builder(LucioleConfig.of(a)).open();
        EmbeddingEngine second = EmbeddingEngine.builder(LucioleConfig.of(b)).open()) {
      System.out.printf("a: %s%nb: %s%n", described(first), described(second));
      for (Path file : files) {
        System.out.println(file.getFileName() + ":");
        new Agreement(first, second).compare(texts(file, most), queries);
      }
    }
  }

  private static String described(EmbeddingEngine engine) {
    return engine.modelName()
        + " on "
        + engine.backend().device()
        + ", "
        + engine.backend().precision()
        + ", "
        + engine.backend().version();
  }

  private static List<String> texts(Path file, int most) throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> texts = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      if (texts.size() < most) {
        texts.add(json.readTree(line).path("text").asText());
      }
    }
    return texts;
  }

  /** Two settings' embeddings of the same texts. */
  private record Pairs(List<Embedding> a, List<Embedding> b) {}

  private void compare(List<String> texts, List<String> queries) {
    boolean sparse = a.backend().outputs().contains(Output.SPARSE);
    Set<Output> outputs = sparse ? Set.of(Output.DENSE, Output.SPARSE) : Set.of(Output.DENSE);
    Pairs passages = embed(texts, EmbedOptions.passage().outputs(outputs));
    int longest = passages.a.stream().mapToInt(Embedding::tokenCount).max().orElse(0);
    long tokens = passages.a.stream().mapToLong(Embedding::tokenCount).sum();
    System.out.printf(
        Locale.ROOT, "  %d texts, %d tokens, the longest %d%n", texts.size(), tokens, longest);
    Cosines dense = new Cosines();
    for (int i = 0; i < texts.size(); i++) {
      dense.add(passages.a.get(i).dense(), passages.b.get(i).dense());
    }
    System.out.println("  dense    " + dense);
    if (sparse) {
      System.out.println("  sparse   " + weights(passages));
    }
    if (a.backend().outputs().contains(Output.COLBERT)) {
      System.out.println("  ColBERT  " + rows(texts));
    }
    if (!queries.isEmpty()) {
      Pairs asked = embed(queries, EmbedOptions.query().outputs(outputs));
      overlap("dense", asked, passages, Scores::dense);
      if (sparse) {
        overlap("sparse", asked, passages, Scores::sparse);
      }
    }
  }

  private Pairs embed(List<String> texts, EmbedOptions options) {
    Iterator<Embedding> first = a.embedAll(texts.iterator(), options);
    Iterator<Embedding> second = b.embedAll(texts.iterator(), options);
    Pairs pairs = new Pairs(new ArrayList<>(), new ArrayList<>());
    while (first.hasNext()) {
      pairs.a.add(first.next());
      pairs.b.add(second.next());
    }
    return pairs;
  }

  private static String weights(Pairs pairs) {
    double largest = 0;
    double difference = 0;
    double sum = 0;
    long count = 0;
    for (int i = 0; i < pairs.a.size(); i++) {
      SparseVector x = pairs.a.get(i).sparse();
      SparseVector y = pairs.b.get(i).sparse();
      Set<Integer> ids = new HashSet<>();
      IntStream.range(0, x.size()).forEach(n -> ids.add(x.id(n)));
      IntStream.range(0, y.size()).forEach(n -> ids.add(y.id(n)));
      for (int id : ids) {
        double d = Math.abs(x.weightOf(id) - y.weightOf(id));
        largest = Math.max(largest, d);
        difference += d;
        sum += x.weightOf(id);
        count++;
      }
    }
    return String.format(
        Locale.ROOT,
        "%d weights: largest difference %.5f, mean %.5f, that is %.2f %% of the mean weight",
        count,
        largest,
        difference / count,
        100 * difference / sum);
  }

  private Cosines rows(List<String> texts) {
    Cosines cosines = new Cosines();
    Pairs pairs =
        embed(
            texts.subList(0, Math.min(COLBERT_TEXTS, texts.size())),
            EmbedOptions.passage().outputs(Output.COLBERT));
    for (int i = 0; i < pairs.a.size(); i++) {
      MultiVector x = pairs.a.get(i).colbert();
      MultiVector y = pairs.b.get(i).colbert();
      for (int row = 0; row < x.rows(); row++) {
        cosines.add(x.row(row), y.row(row));
      }
    }
    return cosines;
  }

  private static void overlap(
      String name, Pairs queries, Pairs passages, ToDoubleBiFunction<Embedding, Embedding> score) {
    double shared = 0;
    double first = 0;
    for (int q = 0; q < queries.a.size(); q++) {
      List<Integer> expected = best(queries.a.get(q), passages.a, score);
      List<Integer> found = best(queries.b.get(q), passages.b, score);
      first += expected.get(0).equals(found.get(0)) ? 1 : 0;
      Set<Integer> both = new HashSet<>(expected);
      both.retainAll(found);
      shared += both.size() / (double) expected.size();
    }
    System.out.printf(
        Locale.ROOT,
        "  %-8s top %d of %d queries: overlap %.4f, same first %.4f%n",
        name,
        BEST,
        queries.a.size(),
        shared / queries.a.size(),
        first / queries.a.size());
  }

  private static List<Integer> best(
      Embedding query, List<Embedding> passages, ToDoubleBiFunction<Embedding, Embedding> score) {
    double[] scores = passages.stream().mapToDouble(p -> score.applyAsDouble(query, p)).toArray();
    return IntStream.range(0, scores.length)
        .boxed()
        .sorted(Comparator.comparingDouble(i -> -scores[i]))
        .limit(BEST)
        .toList();
  }

  /** Mean and smallest of cosines. */
  private static final class Cosines {
    private double smallest = 1;
    private double sum;
    private long count;

    void add(float[] x, float[] y) {
      double cosine = Cosine.of(x, y);
      smallest = Math.min(smallest, cosine);
      sum += cosine;
      count++;
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "cosine mean %.6f, smallest %.6f", sum / count, smallest);
    }
  }
}
