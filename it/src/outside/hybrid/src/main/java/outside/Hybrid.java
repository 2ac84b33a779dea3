package outside;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SourceDocument;
import java.nio.file.Path;
import java.util.List;

/** Hybrid search with Luciole, in ten lines. */
public final class Hybrid {
  private Hybrid() {}

  static List<Hit> answer(Path folder, String query) {
    try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open()) {
      try (HybridIndexer indexer = HybridIndexer.open(folder, engine)) {
        indexer.put(SourceDocument.of("d1", "Fireflies", "On summer evenings they glow."));
        indexer.put(SourceDocument.of("d2", "Inflation", "Prices rise, and wages follow."));
      }
      try (HybridSearcher searcher = HybridSearcher.open(folder, engine)) {
        return searcher.search(HybridQuery.of(query).top(1)).hits();
      }
    }
  }
}
