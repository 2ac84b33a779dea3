package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.IndexingReport;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import org.apache.lucene.util.IOUtils;

/**
 * How much of the engine's own throughput an index gets, and who waits for whom: the same texts
 * through the engine alone and through the indexer, in turns.
 *
 * <pre>IndexingOverlap MODEL CORPUS.jsonl WORK-FOLDER [documents [rounds]]</pre>
 *
 * <p>{@code ratio} is the indexer's throughput over the mean of the engine's before and after it.
 */
public final class IndexingOverlap {
  private IndexingOverlap() {}

  /** Runs it; see the class. */
  public static void main(String[] args) throws IOException {
    int limit = args.length > 3 ? Integer.parseInt(args[3]) : Integer.MAX_VALUE;
    int rounds = args.length > 4 ? Integer.parseInt(args[4]) : 2;
    List<SourceDocument> documents = new ArrayList<>();
    try (DocumentSource source = BeirReader.corpus(Path.of(args[1]))) {
      while (source.hasNext() && documents.size() < limit) {
        documents.add(source.next());
      }
    }
    Path work = Files.createDirectories(Path.of(args[2]));
    try (EmbeddingEngine engine = EmbeddingEngine.builder().model(args[0]).open()) {
      List<SourceDocument> warmUp = documents.subList(0, Math.min(200, documents.size()));
      alone(engine, warmUp);
      index(engine, warmUp, work.resolve("warm-up"));
      double before = alone(engine, documents);
      for (int round = 0; round < rounds; round++) {
        Path index = work.resolve("index-" + round);
        IndexingReport report = index(engine, documents, index);
        double seconds = report.elapsed().toNanos() / 1e9;
        double after = alone(engine, documents);
        double ours = documents.size() / seconds;
        System.out.printf(
            Locale.ROOT,
            "engine %.1f documents/s before, %.1f after; indexer %.1f (%,.0f tokens/s), ratio %.3f;"
                + " engine waits %.1f %%, writers wait %.1f %%%n",
            before,
            after,
            ours,
            report.tokens() / seconds,
            ours / ((before + after) / 2),
            100 * report.engineIdleShare(),
            100 * report.writersIdleShare());
        before = after;
      }
    }
  }

  /** Documents a second through the engine alone, their vectors collected and dropped. */
  private static double alone(EmbeddingEngine engine, List<SourceDocument> documents) {
    long start = System.nanoTime();
    Iterator<String> texts = documents.stream().map(SourceDocument::content).iterator();
    Iterator<Embedding> embeddings =
        engine.embedAll(texts, EmbedOptions.passage().outputs(engine.outputs()));
    int count = 0;
    while (embeddings.hasNext()) {
      embeddings.next();
      count++;
    }
    return count / ((System.nanoTime() - start) / 1e9);
  }

  private static IndexingReport index(
      EmbeddingEngine engine, List<SourceDocument> documents, Path index) throws IOException {
    IOUtils.rm(index);
    try (HybridIndexer indexer = HybridIndexer.open(index, engine, WriteOptions.defaults())) {
      return indexer.indexAll(documents.iterator(), progress -> {});
    } finally {
      IOUtils.rm(index);
    }
  }
}
