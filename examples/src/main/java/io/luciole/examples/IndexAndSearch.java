package io.luciole.examples;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.DocumentSource;
import io.luciole.lucene.FolderReader;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexingReport;
import java.nio.file.Files;
import java.nio.file.Path;

/** Indexes a folder of texts, or BEIR's corpus.jsonl, and searches it by meaning and by words. */
public final class IndexAndSearch {
  private IndexAndSearch() {}

  /**
   * Indexes the input and prints the three best hits.
   *
   * @param args the folder or file to index, the folder of the index, the query; all optional
   */
  public static void main(String[] args) {
    Path input = Path.of(args.length > 0 ? args[0] : "examples/corpus/corpus.jsonl");
    Path index = Path.of(args.length > 1 ? args[1] : "target/example-index");
    String query = args.length > 2 ? args[2] : "insects whose home is made of chewed timber";

    try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open()) {
      // Reading, embedding and writing run at the same time. indexAll commits at its end.
      try (DocumentSource source =
              Files.isDirectory(input) ? FolderReader.open(input) : BeirReader.corpus(input);
          HybridIndexer indexer = HybridIndexer.open(index, engine)) {
        IndexingReport report = indexer.indexAll(source, progress -> {});
        System.out.println(report.added() + " added, " + report.updated() + " updated");
      }

      // The index records the model of its vectors and refuses any other.
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        for (Hit hit : searcher.search(HybridQuery.of(query).top(3)).hits()) {
          System.out.printf("%d. %s  %.4f  %s%n", hit.rank(), hit.id(), hit.score(), hit.legs());
        }
      }
    }
  }
}
