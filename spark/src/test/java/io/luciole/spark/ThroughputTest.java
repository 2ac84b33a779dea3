package io.luciole.spark;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What Spark costs: a corpus through a job and through the engine alone, in turns, in one process.
 * Prints the medians of the rounds; on a machine that does other things, their ratio means little.
 */
@Tag("long")
class ThroughputTest {
  private static final int DOCUMENTS = Integer.getInteger("luciole.test.documents", 11_429);
  private static final int ROUNDS = 3;
  private static final double LEAST = 0.9;

  @TempDir private Path folder;

  @Test
  void job_embedsNearlyAsFastAsTheEngineAlone() {
    Path corpus = Corpus.write(folder.resolve("corpus"), DOCUMENTS, 8);
    List<String> texts = IntStream.range(0, DOCUMENTS).mapToObj(Corpus::text).toList();
    try (SparkRun spark = SparkRun.start(folder, Map.of())) {
      EmbeddingEngine engine = ExecutorEngines.get(Map.of("luciole.model", "starter"));
      Dataset<Row> rows = LucioleEmbeddings.of("starter").apply(spark.documents(corpus));
      List<Long> alone = new ArrayList<>();
      List<Long> jobs = new ArrayList<>();
      for (int round = 0; round < ROUNDS; round++) {
        alone.add(nanos(() -> embed(engine, texts)));
        jobs.add(nanos(() -> rows.write().format("noop").mode("overwrite").save()));
      }
      double share = (double) median(alone) / median(jobs);
      System.out.printf(
          "%d documents: engine %.0f texts/s, job %.0f texts/s, share %.3f%n",
          DOCUMENTS, DOCUMENTS * 1e9 / median(alone), DOCUMENTS * 1e9 / median(jobs), share);
      assertThat(share).isGreaterThanOrEqualTo(LEAST);
    }
  }

  private static void embed(EmbeddingEngine engine, List<String> texts) {
    Iterator<Embedding> embeddings = engine.embedAll(texts.iterator(), EmbedOptions.passage());
    long read = 0;
    while (embeddings.hasNext()) {
      read += embeddings.next().dense().length;
    }
    assertThat(read).isEqualTo((long) texts.size() * engine.backend().dimension());
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
