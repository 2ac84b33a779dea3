package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.testkit.MiniM3;
import io.luciole.testkit.ReferenceText;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Search with a real model's weights against the reference's own figures. */
class MiniM3SearchTest {
  private static final long SEED = 20_261_122;
  private static final double SCORE_TOLERANCE = 2e-4;

  @TempDir private static Path folder;
  private static final Random RANDOM = new Random(SEED);
  private static final Map<String, Embedding> EMBEDDINGS = new LinkedHashMap<>();
  private static final Map<String, String> TEXTS = new HashMap<>();
  private static final List<String> WORDS = new ArrayList<>();
  private static EmbeddingEngine engine;
  private static HybridSearcher searcher;

  @BeforeAll
  static void index() {
    engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(MiniM3.source())
            .outputs(Output.DENSE, Output.SPARSE, Output.COLBERT)
            .threads(1)
            .open();
    HybridSchema schema =
        HybridSchema.builder(engine).multiVectors(MultiVectorForm.FLOAT32).build();
    // One writer, so that documents stand in the index as they come.
    WriteOptions options = WriteOptions.defaults().schema(schema).writerThreads(1);
    try (HybridIndexer indexer = HybridIndexer.open(folder.resolve("index"), engine, options)) {
      for (ReferenceText reference : MiniM3.texts()) {
        if (reference.maxTokens() == 1024) {
          put(indexer, reference.id(), reference.text());
          reference.verify(requireNonNull(EMBEDDINGS.get(reference.id())));
          WORDS.addAll(List.of(reference.text().split("\\s+", 200)));
        }
      }
      for (int i = 0; i < 250; i++) {
        put(indexer, "random" + i, words(3 + RANDOM.nextInt(40)));
      }
      for (int i = 0; i < 20; i++) {
        put(indexer, "twin" + i, String.valueOf(TEXTS.get("random" + i)));
      }
      indexer.commit();
    }
    searcher = HybridSearcher.open(folder.resolve("index"), engine);
  }

  private static void put(HybridIndexer indexer, String id, String text) {
    Embedding embedding =
        engine.embed(text, EmbedOptions.passage().outputs(engine.outputs())).join();
    indexer.put(SourceDocument.of(id, "", text), embedding).join();
    EMBEDDINGS.put(id, embedding);
    TEXTS.put(id, text);
  }

  private static String words(int count) {
    return RANDOM
        .ints(count, 0, WORDS.size())
        .mapToObj(WORDS::get)
        .collect(Collectors.joining(" "));
  }

  @AfterAll
  static void close() {
    searcher.close();
    engine.close();
  }

  private static Embedding query(String text) {
    return engine.embed(text, EmbedOptions.query().outputs(engine.outputs())).join();
  }

  @Test
  void sparseLeg_equalsBruteForceOverTheReferenceWeights() {
    for (int q = 0; q < 200; q++) {
      String text = words(1 + q % 30);
      Embedding query = query(text);
      List<ScoredId> expected = new ArrayList<>();
      EMBEDDINGS.forEach((id, embedding) -> {
        float score = query.sparse().dot(embedding.sparse());
        if (score > 0) {
          expected.add(new ScoredId(id, score));
        }
      });
      // A stable sort: ties stay in the order of the index.
      expected.sort(Comparator.comparingDouble(ScoredId::score).reversed());
      int depth = 1 + q % 50;
      assertThat(
              searcher.search(HybridQuery.of(text).legs(Leg.SPARSE).depth(depth)).leg(Leg.SPARSE))
          .as("seed %d, query %d: %s", SEED, q, text)
          .isEqualTo(expected.subList(0, Math.min(depth, expected.size())));
    }
  }

  @Test
  void denseLeg_overAllDocuments_equalsBruteForce() {
    for (int q = 0; q < 50; q++) {
      String text = words(1 + q % 30);
      Embedding query = query(text);
      List<ScoredId> found =
          searcher.search(HybridQuery.of(text).legs(Leg.DENSE).depth(1_000_000)).leg(Leg.DENSE);
      assertThat(found).hasSameSizeAs(EMBEDDINGS.keySet());
      double before = Double.POSITIVE_INFINITY;
      for (ScoredId hit : found) {
        Embedding passage = EMBEDDINGS.get(hit.id());
        assertThat(passage).isNotNull();
        if (passage != null) {
          assertThat(hit.score()).isCloseTo(Scores.dense(query, passage), within(1e-5));
        }
        assertThat(hit.score()).isLessThanOrEqualTo(before);
        before = hit.score();
      }
    }
  }

  @Test
  void scoresOfTheReferencesPairs_areComputeScores() throws Exception {
    JsonNode expected =
        new ObjectMapper().readTree(MiniM3.folder().resolve("expected_scores.json").toFile());
    JsonNode weights = expected.path("weights");
    Map<String, Scores.Weights> ways =
        Map.of(
            "dense", new Scores.Weights(1, 0, 0),
            "sparse", new Scores.Weights(0, 1, 0),
            "colbert", HybridQuery.Rerank.COLBERT,
            "sparse+dense",
                new Scores.Weights(weights.get(0).asDouble(), weights.get(1).asDouble(), 0),
            "colbert+sparse+dense",
                new Scores.Weights(
                    weights.get(0).asDouble(),
                    weights.get(1).asDouble(),
                    weights.get(2).asDouble()));
    int pairs = expected.path("pairs").size();
    assertThat(pairs).isPositive();
    ways.forEach((name, of) -> {
      for (int i = 0; i < pairs; i++) {
        String text = String.valueOf(TEXTS.get(expected.path("pairs").get(i).get(0).asText()));
        String passage = expected.path("pairs").get(i).get(1).asText();
        SearchResult result =
            searcher.search(
                HybridQuery.of(text).depth(1000).rerank(new HybridQuery.Rerank(1000, of)));
        ScoredId hit =
            result.fused().stream().filter(h -> h.id().equals(passage)).findFirst().orElseThrow();
        assertThat(hit.score())
            .as("%s, pair %d", name, i)
            .isCloseTo(
                expected.path("scores").path(name).get(i).asDouble(), within(SCORE_TOLERANCE));
      }
    });
  }
}
