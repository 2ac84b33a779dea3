package io.luciole.spark;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.commons.io.FileUtils;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;

/**
 * What Spark costs: a corpus through a job and through the engine alone, in turns, in one process.
 * Prints the medians of the rounds; on a machine that does other things, their ratio means little.
 */
final class Throughput {
  private static final int ROUNDS = 3;
  private static final int FILES = 8;

  private Throughput() {}

  /**
   * Measures from a command line: {@code MODEL DOCUMENTS}, and the engine's settings as system
   * properties.
   */
  public static void main(String[] args) throws Exception {
    Path folder = Files.createTempDirectory("luciole-spark");
    try {
      share(folder, args[0], Integer.parseInt(args[1]));
    } finally {
      FileUtils.deleteDirectory(folder.toFile());
    }
    System.exit(0);
  }

  /** The job's share of the engine's throughput. */
  static double share(Path folder, String model, int documents) {
    Path corpus = Corpus.write(folder.resolve("corpus"), documents, FILES);
    List<String> texts = IntStream.range(0, documents).mapToObj(Corpus::text).toList();
    try (SparkRun spark = SparkRun.start(folder, Map.of("spark.master", "local[*]"))) {
      EmbeddingEngine engine = ExecutorEngines.get(Map.of("luciole.model", model));
      Dataset<Row> rows = LucioleEmbeddings.of(model).apply(spark.documents(corpus));
      List<Long> alone = new ArrayList<>();
      List<Long> jobs = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        alone.add(nanos(() -> embed(engine, texts)));
        jobs.add(nanos(() -> rows.write().format("noop").mode("overwrite").save()));
      }
      double share = (double) median(alone) / median(jobs);
      System.out.printf(
          "%d documents: engine %.0f texts/s, job %.0f texts/s, share %.3f%n",
          documents, documents * 1e9 / median(alone), documents * 1e9 / median(jobs), share);
      return share;
    }
  }

  private static void embed(EmbeddingEngine engine, List<String> texts) {
    Iterator<Embedding> embeddings = engine.embedAll(texts.iterator(), EmbedOptions.passage());
    long read = 0;
    while (embeddings.hasNext()) {
      read += embeddings.next().dense().length;
    }
    long expected = (long) texts.size() * engine.backend().dimension();
    if (read != expected) {
      throw new IllegalStateException("expected " + expected + " components, got " + read);
    }
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
