package io.luciole.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SourceDocument;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IndexMetersTest {
  @TempDir Path folder;

  @Test
  void searchesDocumentsAndCommits_areTimed() throws Exception {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    IndexMeters meters = new IndexMeters(registry, false, "index", "fake");
    Path index = folder.resolve("index");
    try (EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
                .model(FakeModel.write(Files.createDirectory(folder.resolve("model")), 512))
                .backend(new FakeBackend())
                .open();
        HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.addListener(meters);
      for (int i = 0; i < 10; i++) {
        indexer.put(SourceDocument.of("d" + i, "", "w" + i)).join();
      }
      indexer.commit();
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        searcher.addListener(meters);
        assertThat(searcher.search("w3").hits()).isNotEmpty();
      }
    }
    assertThat(
            registry
                .get("luciole.index.document")
                .tags("index", "fake", "outcome", "written")
                .timer()
                .count())
        .isEqualTo(10);
    assertThat(registry.get("luciole.index.commit").timer().count()).isEqualTo(1);
    assertThat(registry.get("luciole.search").tag("partial", "false").timer().count()).isEqualTo(1);
    assertThat(registry.get("luciole.search.embedding").timer().count()).isEqualTo(1);
  }
}
