package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.CrossEncoder;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.Lane;
import io.luciole.PairScore;
import io.luciole.model.ModelSource;
import io.luciole.spi.BackendException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.apache.lucene.search.IndexSearcher;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Searches whose best hits are scored by a reranker that reads query and passage together. */
class ModelRerankTest {
  private static final Path FIXTURE = Path.of("../backend-onnx/src/test/resources/reranker");

  @TempDir Path temp;

  private CrossEncoder reranker() throws IOException {
    Path folder = Files.createDirectory(temp.resolve("reranker"));
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(FIXTURE.resolve(name), folder.resolve(name));
    }
    Files.copy(FakeModel.MINI_M3.resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    return CrossEncoder.open(
        EmbeddingEngine.builder().model(ModelSource.path(folder)).backend("onnx").device("cpu"));
  }

  @Test
  void hits_areInTheOrderOfTransformersScores() throws IOException {
    List<JsonNode> expected = new ArrayList<>();
    for (String line : Files.readAllLines(FIXTURE.resolve("ranking.jsonl"))) {
      expected.add(new ObjectMapper().readTree(line));
    }
    String query = expected.get(0).path("query").asText();
    List<SourceDocument> documents = new ArrayList<>();
    for (int i = 0; i < expected.size(); i++) {
      documents.add(SourceDocument.of("rank" + i, "", expected.get(i).path("passage").asText()));
    }
    Collections.shuffle(documents, new Random(3));
    Path index = temp.resolve("index");
    try (EmbeddingEngine engine = FakeModel.withAll().open();
        CrossEncoder reranker = reranker()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
        for (SourceDocument document : documents) {
          CompletableFuture<Boolean> unused = indexer.put(document);
        }
      }
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        HybridQuery plain = HybridQuery.of(query).top(100);
        SearchResult result = searcher.search(plain.rerank(PassageScorer.of(reranker), 100));

        assertThat(result.partial()).isFalse();
        assertThat(ids(result))
            .containsExactlyElementsOf(
                IntStream.range(0, expected.size()).mapToObj(i -> "rank" + i).toList());
        for (int i = 0; i < expected.size(); i++) {
          assertThat(result.hits().get(i).score())
              .isEqualTo(expected.get(i).path("score").asDouble(), within(1e-4));
        }
        assertThat(result.hits().get(0).explain().toString()).contains("reranker's model", "auto");
      }
    }
  }

  @Test
  void depth_leavesTheOthersInTheirOrder() throws IOException {
    try (SearchFixture f = fixture("depth");
        CrossEncoder reranker = reranker()) {
      for (int q = 0; q < 3; q++) {
        String text = f.texts.text(6);
        HybridQuery plain = HybridQuery.of(text).top(60);
        SearchResult before = f.searcher.search(plain);
        SearchResult after = f.searcher.search(plain.rerank(PassageScorer.of(reranker), 25));
        List<String> contents = before.hits().subList(0, 25).stream().map(Hit::text).toList();
        List<PairScore> scores = reranker.scoreAll(text, contents);
        List<Float> sorted =
            scores.stream().map(PairScore::value).sorted(Comparator.reverseOrder()).toList();
        for (int i = 0; i < 25; i++) {
          int was = ids(before).indexOf(after.hits().get(i).id());
          assertThat(was).isBetween(0, 24);
          assertThat(after.hits().get(i).score())
              .isEqualTo(scores.get(was).value(), within(1e-5))
              .isEqualTo(sorted.get(i), within(1e-5));
        }
        assertThat(ids(after).subList(25, 60)).isEqualTo(ids(before).subList(25, 60));
      }
    }
  }

  @Test
  void timePassed_leavesTheOrderOfTheFusion_andSaysSo() {
    List<CompletableFuture<List<Float>>> never = new CopyOnWriteArrayList<>();
    Map<String, EmbedOptions> asked = new ConcurrentHashMap<>();
    PassageScorer slow =
        (query, passages, options) -> {
          asked.put(query, options);
          never.add(new CompletableFuture<>());
          return never.get(never.size() - 1);
        };
    try (SearchFixture f = fixture("slow")) {
      HybridQuery plain = HybridQuery.of(f.texts.text(6)).legs(Leg.BM25);
      Duration timeout = Duration.ofMillis(500);
      SearchResult result = f.searcher.search(plain.rerank(slow, 10).timeout(timeout));
      // A machine with other work may be late with the words, too.
      while (!result.incomplete().isEmpty() || never.isEmpty()) {
        timeout = timeout.multipliedBy(4);
        result = f.searcher.search(plain.rerank(slow, 10).timeout(timeout));
      }

      assertThat(result.partial()).isTrue();
      assertThat(result.incomplete()).isEmpty();
      assertThat(ids(result)).isEqualTo(ids(f.searcher.search(plain)));
      assertThat(never).allMatch(CompletableFuture::isCancelled);
      EmbedOptions options = requireNonNull(asked.get(plain.text()));
      assertThat(options.lane()).isEqualTo(Lane.INTERACTIVE);
      assertThat(options.timeout().orElseThrow()).isBetween(Duration.ZERO, timeout);
    }
  }

  @Test
  void failure_isTheSearchs() {
    PassageScorer broken =
        (query, passages, options) ->
            CompletableFuture.failedFuture(new BackendException("no device"));
    try (SearchFixture f = fixture("broken")) {
      assertThatThrownBy(() -> f.searcher.search(HybridQuery.of("fox").rerank(broken, 10)))
          .isInstanceOf(BackendException.class);
    }
  }

  @Test
  void longTexts_areScoredByTheirBestPassage_withTheTitle() {
    Path index = temp.resolve("passages");
    List<String> scored = new ArrayList<>();
    PassageScorer scorer =
        (query, passages, options) -> {
          scored.addAll(passages);
          return CompletableFuture.completedFuture(Collections.nCopies(passages.size(), 1f));
        };
    try (EmbeddingEngine engine = FakeModel.withAll().open()) {
      HybridSchema schema = HybridSchema.builder(engine).chunks(24, 0).build();
      try (HybridIndexer indexer =
          HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema))) {
        CompletableFuture<Boolean> unused =
            indexer.put(
                SourceDocument.of(
                    "d",
                    "Beetles",
                    "Stocks fell on Monday. ".repeat(8) + "Fireflies glow at dusk."));
      }
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        SearchResult result =
            searcher.search(HybridQuery.of("Fireflies glow at dusk.").rerank(scorer, 10));
        Hit hit = result.hits().get(0);
        assertThat(scored).containsExactly("Beetles " + hit.passage().orElseThrow().text());
        assertThat(scored.get(0)).contains("glow").hasSizeLessThan(hit.text().length());
        assertThat(hit.score()).isEqualTo(1);
      }
    }
  }

  @Test
  void indexWithoutTexts_isRefused() throws IOException {
    PassageScorer scorer = (query, passages, options) -> new CompletableFuture<>();
    try (SearchFixture f = fixture("texts")) {
      f.searcher.withSearcher(searcher -> {
        try (HybridSearcher own =
            HybridSearcher.over(new IndexSearcher(searcher.getIndexReader()))
                .vectors(f.indexer.schema().vectorFields())
                .engine(f.engine)
                .open()) {
          assertThatThrownBy(() -> own.search(HybridQuery.of("fox").rerank(scorer, 10)))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("SearcherBuilder.text");
        }
        return null;
      });
    }
  }

  private SearchFixture fixture(String name) {
    return new SearchFixture(temp.resolve(name), 5, b -> b.build());
  }

  private static List<String> ids(SearchResult result) {
    return result.hits().stream().map(Hit::id).toList();
  }
}
