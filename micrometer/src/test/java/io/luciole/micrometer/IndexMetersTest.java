package io.luciole.micrometer;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexException;
import io.luciole.lucene.SourceDocument;
import io.luciole.spi.BackendException;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

  @Test
  void documentsThatFail_areCountedByWhoseFaultItIs() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    IndexMeters meters = new IndexMeters(registry, false);
    Map.of(
            new IllegalArgumentException("not a number"), "refused",
            new IndexException("the disk is full"), "index_failed",
            new BackendException("the model failed"), "model_failed")
        .forEach((failure, outcome) -> {
          meters.onDocument(Duration.ofMillis(1), Optional.of(failure));
          assertThat(registry.get("luciole.index.document").tag("outcome", outcome).timer().count())
              .isEqualTo(1);
        });
  }

  @Test
  void close_takesTheMetersOfOneIndexAway_forGood() {
    SimpleMeterRegistry registry = new SimpleMeterRegistry();
    IndexMeters one = new IndexMeters(registry, false, "index", "one");
    IndexMeters two = new IndexMeters(registry, false, "index", "two");
    for (IndexMeters meters : List.of(one, two)) {
      meters.onCommit(Duration.ofMillis(1));
      meters.onDocument(Duration.ofMillis(1), Optional.empty());
      meters.onFailure(new IndexException("gone"), 1);
    }
    one.close();
    one.onCommit(Duration.ofMillis(1));
    one.onDocument(Duration.ofMillis(1), Optional.empty());
    assertThat(registry.find("luciole.index.commit").tag("index", "one").timer()).isNull();
    assertThat(registry.getMeters())
        .isNotEmpty()
        .allSatisfy(meter -> assertThat(meter.getId().getTag("index")).isEqualTo("two"));
  }
}
