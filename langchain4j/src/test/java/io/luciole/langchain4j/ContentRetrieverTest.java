package io.luciole.langchain4j;

import static dev.langchain4j.store.embedding.filter.MetadataFilterBuilder.metadataKey;
import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.langchain4j.rag.content.Content;
import dev.langchain4j.rag.content.ContentMetadata;
import dev.langchain4j.rag.content.retriever.ContentRetriever;
import dev.langchain4j.rag.query.Query;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Scores;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.testkit.MiniM3;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Contents of indexes that others wrote. */
class ContentRetrieverTest {
  private static final String LONG =
      "The harbour was full of ships. ".repeat(12)
          + "Fireflies glow in summer nights. "
          + "Bread is baked before dawn. ".repeat(12);

  private static EmbeddingEngine engine;
  @TempDir Path folder;

  @BeforeAll
  static void open() {
    engine = EmbeddingEngine.builder().model(MiniM3.source()).device("cpu").open();
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private HybridSearcher index(UnaryOperator<SchemaBuilder> schema) {
    WriteOptions options =
        WriteOptions.defaults().schema(schema.apply(HybridSchema.builder(engine)).build());
    try (HybridIndexer indexer = HybridIndexer.open(folder, engine, options)) {
      indexer.put(new SourceDocument("long", "Nature", LONG, Map.of("year", 1999))).join();
      indexer
          .put(new SourceDocument("short", "", "A glow worm.", Map.of("year", 2024, "ok", true)))
          .join();
      indexer.put(new SourceDocument("other", "", "Winter came.", Map.of())).join();
    }
    return HybridSearcher.open(folder, engine);
  }

  private static double score(Content content) {
    return (double) requireNonNull(content.metadata().get(ContentMetadata.SCORE), "score");
  }

  @Test
  void contents_areTheHitsOfTheSearch() {
    try (HybridSearcher searcher = index(builder -> builder)) {
      ContentRetriever retriever = LucioleContentRetriever.builder(searcher, engine).build();
      List<Content> contents = retriever.retrieve(Query.from("glow worm"));
      List<Hit> hits = searcher.search("glow worm").hits();
      assertThat(contents)
          .extracting(content -> content.metadata().get(ContentMetadata.EMBEDDING_ID))
          .isEqualTo(hits.stream().map(Hit::id).toList());
      Embedding query = engine.embed("glow worm", EmbedOptions.query()).join();
      for (int i = 0; i < hits.size(); i++) {
        Embedding text =
            engine
                .embed(SourceDocument.of("x", hits.get(i).title(), hits.get(i).text()).content())
                .join();
        assertThat(score(contents.get(i)))
            .isCloseTo((1 + Scores.dense(query, text)) / 2, within(1e-5));
        assertThat(contents.get(i).textSegment().text()).isEqualTo(hits.get(i).text());
      }
      assertThat(contents.get(0).textSegment().metadata().toMap())
          .isEqualTo(Map.of("year", 2024L, "ok", "true"));
    }
  }

  @Test
  void passage_isWhatIsRetrieved() {
    try (HybridSearcher searcher = index(builder -> builder.chunks(64, 0))) {
      ContentRetriever retriever =
          LucioleContentRetriever.builder(searcher, engine)
              .queries(query -> query.legs(Leg.BM25, Leg.SPARSE))
              .filter(metadataKey("year").isLessThan(2000))
              .build();
      Content content = retriever.retrieve(Query.from("Fireflies glow in summer")).get(0);
      assertThat(content.textSegment().text())
          .contains("Fireflies")
          .hasSizeLessThan(LONG.length() / 2);
      assertThat(content.textSegment().metadata().getString("title")).isEqualTo("Nature");
      assertThat(score(content)).isBetween(0.5, 1.0);
    }
  }

  @Test
  void leastScoreAndFilter_holdForEveryContent() {
    try (HybridSearcher searcher = index(builder -> builder)) {
      LucioleContentRetriever.Builder builder = LucioleContentRetriever.builder(searcher, engine);
      List<Content> all = builder.build().retrieve(Query.from("glow"));
      double best = all.stream().mapToDouble(content -> score(content)).max().orElseThrow();
      assertThat(builder.minScore(best).maxResults(1).build().retrieve(Query.from("glow")))
          .extracting(ContentRetrieverTest::score)
          .containsExactly(best);
      builder
          .minScore(0)
          .dynamicFilter(
              query -> query.text().equals("glow") ? metadataKey("year").isEqualTo(1999) : null);
      assertThat(builder.maxResults(3).build().retrieve(Query.from("glow"))).hasSize(1);
      assertThat(builder.build().retrieve(Query.from("worm"))).hasSize(3);
    }
  }

  @Test
  void indexWithoutDenseVectors_givesContentsWithoutScores() {
    try (HybridSearcher searcher = index(builder -> builder.dense(false))) {
      LucioleContentRetriever.Builder builder = LucioleContentRetriever.builder(searcher, engine);
      assertThat(builder.build().retrieve(Query.from("glow worm")).get(0).metadata())
          .containsOnlyKeys(ContentMetadata.EMBEDDING_ID);
      assertThatThrownBy(() -> builder.minScore(0.5).build())
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected an index with normalised dense vectors for a minScore");
      assertThatThrownBy(() -> builder.maxResults(0)).hasMessageContaining("at least 1, got 0");
    }
  }
}
