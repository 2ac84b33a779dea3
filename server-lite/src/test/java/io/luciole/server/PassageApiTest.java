package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Over HTTP, a hit of a document that is cut into passages brings the best one. */
@Timeout(120)
class PassageApiTest {
  @TempDir private Path folder;

  @Test
  void hit_bringsItsBestPassage_withHighlightsInsideIt() throws IOException {
    Path index = folder.resolve("index");
    String text = "w1 w2 w3. ".repeat(20) + "w7 w8 w9. " + "w1 w2 w3. ".repeat(20);
    try (EmbeddingEngine engine = Server.fakeEngine(new FakeBackend(), folder);
        HybridIndexer indexer =
            HybridIndexer.open(
                index,
                engine,
                WriteOptions.defaults()
                    .schema(HybridSchema.builder(engine).chunks(16, 0).build()))) {
      indexer.put(SourceDocument.of("long", "", text)).join();
    }
    try (Server server = Server.fake(new FakeBackend(), folder, c -> c.index(index))) {
      JsonNode hit =
          server
              .post("/v1/search", "{\"query\":\"w8\",\"legs\":[\"bm25\"],\"highlight\":true}")
              .json()
              .path("hits")
              .path(0);
      int start = hit.at("/passage/start").asInt();
      int end = hit.at("/passage/end").asInt();
      assertThat(hit.at("/passage/text").asText())
          .contains("w8")
          .isEqualTo(text.substring(start, end));
      JsonNode highlight = hit.path("highlights").path(0);
      assertThat(highlight.path("start").asInt()).isBetween(start, end);
      assertThat(highlight.path("end").asInt()).isBetween(start, end);
      assertThat(text.substring(highlight.path("start").asInt(), highlight.path("end").asInt()))
          .isEqualTo("w8");
    }
  }
}
