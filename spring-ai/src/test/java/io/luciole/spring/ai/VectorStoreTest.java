package io.luciole.spring.ai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbedOptions;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.MultiVectorForm;
import io.luciole.lucene.SchemaBuilder;
import io.luciole.testkit.MiniM3;
import io.luciole.testkit.ReferenceText;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.ai.content.Media;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.TokenCountBatchingStrategy;
import org.springframework.ai.vectorstore.SearchRequest;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.util.MimeTypeUtils;

class VectorStoreTest {
  private Store store = Store.open();

  @BeforeEach
  void addReferenceTexts() {
    List<Document> documents = new ArrayList<>();
    for (ReferenceText text : MiniM3.texts()) {
      if (text.maxTokens() == 1024) {
        documents.add(new Document(text.id(), text.text(), Map.of("length", text.text().length())));
      }
    }
    store.vectors().add(documents);
  }

  @AfterEach
  void close() {
    store.close();
  }

  private List<Document> search(UnaryOperator<SearchRequest.Builder> settings) {
    return store.vectors().similaritySearch(settings.apply(SearchRequest.builder()).build());
  }

  private float[] dense(String text, EmbedOptions options) {
    return Store.MINI_M3.embed(text, options.outputs(Output.DENSE)).join().dense();
  }

  private void reopen(
      UnaryOperator<SchemaBuilder> schema, UnaryOperator<LucioleVectorStore.Builder> settings) {
    store.close();
    store = Store.open(schema, settings);
  }

  @Test
  void search_findsWhatTheHybridSearchFinds_inItsOrder() {
    for (String query : List.of("the quick brown fox", "Berlin", "search")) {
      List<Document> found = search(request -> request.query(query).topK(5));
      assertThat(found)
          .extracting(Document::getId)
          .isEqualTo(
              store.searcher().search(HybridQuery.of(query).top(5)).hits().stream()
                  .map(hit -> hit.id())
                  .toList());
    }
    assertThat(store.searcher().legs()).containsExactlyInAnyOrder(Leg.values());
  }

  @Test
  void score_isTheCosineOfTheDenseVectors_alsoOfWhatOnlyWordsFound() {
    reopen(UnaryOperator.identity(), builder -> builder.query(query -> query.legs(Leg.BM25)));
    addReferenceTexts();
    String query = MiniM3.texts().get(0).text();
    float[] vector = dense(query, EmbedOptions.query());
    List<Document> found = search(request -> request.query(query).topK(10));
    assertThat(found).hasSizeGreaterThan(1);
    for (Document document : found) {
      float[] other = dense(String.valueOf(document.getText()), EmbedOptions.passage());
      double cosine = 0;
      for (int i = 0; i < vector.length; i++) {
        cosine += vector[i] * other[i];
      }
      assertThat(document.getScore()).isCloseTo(Math.max(0, cosine), within(1e-5));
      assertThat(document.getMetadata())
          .containsEntry("distance", 1 - document.getScore())
          .containsEntry("length", String.valueOf(document.getText()).length());
    }
  }

  @Test
  void threshold_keepsTheDocumentsAboveIt_andLooksBeyondTheFirst() {
    String query = MiniM3.texts().get(2).text();
    List<Document> all = search(request -> request.query(query).topK(100));
    List<Double> scores = all.stream().map(Document::getScore).sorted().toList();
    double threshold = scores.get(scores.size() / 2);
    List<Document> found =
        search(request -> request.query(query).topK(100).similarityThreshold(threshold));
    assertThat(found).hasSizeLessThan(all.size());
    assertThat(found).isEqualTo(all.stream().filter(each -> each.getScore() >= threshold).toList());
    assertThat(search(request -> request.query(query).topK(3).similarityThreshold(threshold)))
        .isEqualTo(found.subList(0, 3));
    assertThat(search(request -> request.query(query).similarityThreshold(1))).hasSizeLessThan(2);
    assertThat(search(request -> request.query(query).topK(0))).isEmpty();
  }

  @Test
  void addedTwice_isReplaced() {
    store.vectors().add(List.of(new Document("same", "first words", Map.of("n", 1))));
    store.vectors().add(List.of(new Document("same", "second words", Map.of("n", 2))));
    List<Document> found =
        search(request -> request.query("words").topK(100)).stream()
            .filter(each -> each.getId().equals("same"))
            .toList();
    assertThat(found).hasSize(1);
    assertThat(found.get(0).getText()).isEqualTo("second words");
  }

  @Test
  void metadata_comesBackAsItWas() {
    Map<String, Object> metadata =
        Map.of(
            "string",
            "Ada",
            "integer",
            7,
            "long",
            1L << 40,
            "double",
            2.5,
            "boolean",
            true,
            "list",
            List.of("a", 1, 2.5),
            "map",
            Map.of("inner", List.of(1, 2)));
    store.vectors().add(List.of(new Document("one", "rhinoceros", metadata)));
    Document found = search(request -> request.query("rhinoceros").topK(1)).get(0);
    assertThat(found.getMetadata()).containsAllEntriesOf(metadata);
    assertThat(search(request -> request.query("x").filterExpression("map.inner == 2")))
        .extracting(Document::getId)
        .containsExactly("one");
  }

  @Test
  void whatCannotBeKept_isRefusedByName_beforeAnythingIsWritten() {
    int before = store.searcher().documents();
    Document good = new Document("good", "text", Map.of());
    Document bad = new Document("bad", "text", Map.of("key", UUID.randomUUID()));
    assertThatThrownBy(() -> store.vectors().add(List.of(good, bad)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bad")
        .hasMessageContaining("key");
    Document image =
        new Document(
            "image",
            new Media(MimeTypeUtils.IMAGE_PNG, new ByteArrayResource(new byte[1])),
            Map.of());
    assertThatThrownBy(() -> store.vectors().add(List.of(image)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThat(store.searcher().documents()).isEqualTo(before);
  }

  @Test
  void documentsWithPassages_areFoundByTheirBest_andDeletedWhole() {
    reopen(schema -> schema.chunks(16, 0), UnaryOperator.identity());
    String text = "One sentence about cats. ".repeat(20) + "One about zebras.";
    store
        .vectors()
        .add(
            List.of(
                new Document("long", text, Map.of("kind", "a")),
                new Document("short", "A text about dogs.", Map.of("kind", "b"))));
    List<Document> found = search(request -> request.query("One about zebras."));
    assertThat(found).extracting(Document::getId).containsExactly("long", "short");
    assertThat(found.get(0).getText()).isEqualTo(text);
    assertThat(found.get(0).getScore()).isGreaterThan(0.9);
    store.vectors().delete("kind != 'b'");
    assertThat(search(request -> request.query("cats")))
        .extracting(Document::getId)
        .containsExactly("short");
  }

  @Test
  void query_ofTheApplication_isCombinedWithTheFilterOfTheRequest() {
    reopen(
        schema -> schema.multiVectors(MultiVectorForm.FLOAT32),
        builder ->
            builder.query(query -> query.rerank(5).filter(HybridQuery.metadata("tenant", "one"))));
    store
        .vectors()
        .add(
            List.of(
                new Document("a", "words", Map.of("tenant", "one", "year", 1)),
                new Document("b", "words", Map.of("tenant", "two", "year", 1)),
                new Document("c", "words", Map.of("tenant", "one", "year", 2))));
    assertThat(search(request -> request.query("words").filterExpression("year == 1")))
        .extracting(Document::getId)
        .containsExactly("a");
  }

  @Test
  void operations_areObserved() {
    TestObservationRegistry registry = TestObservationRegistry.create();
    reopen(UnaryOperator.identity(), builder -> builder.observationRegistry(registry));
    store.vectors().add(List.of(new Document("some words")));
    search(request -> request.query("words"));
    TestObservationRegistryAssert.assertThat(registry)
        .hasNumberOfObservationsWithNameEqualTo("db.vector.client.operation", 2)
        .hasAnObservationWithAKeyValue("db.system", "luciole")
        .hasAnObservationWithAKeyValue("db.operation.name", "query")
        .hasAnObservationWithAKeyValue("db.search.similarity_metric", "cosine");
  }

  @Test
  void nativeClient_isTheSearcher() {
    Optional<HybridSearcher> searcher = store.vectors().getNativeClient();
    assertThat(searcher).contains(store.searcher());
  }

  @Test
  void batchingStrategy_isRefused() {
    assertThatThrownBy(() ->
            LucioleVectorStore.builder(Store.MINI_M3, store.indexer(), store.searcher())
                .batchingStrategy(new TokenCountBatchingStrategy()))
        .isInstanceOf(UnsupportedOperationException.class)
        .hasMessageContaining("luciole.token-budget");
  }

  @Test
  void indexWithoutDenseVectors_isRefused() {
    assertThatThrownBy(() -> reopen(schema -> schema.dense(false), UnaryOperator.identity()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dense");
    store = Store.open();
  }

  @Test
  void similarity_ofReferenceTexts_isScoresDense() {
    String text = MiniM3.texts().get(4).text();
    var query = Store.MINI_M3.embed(text, EmbedOptions.query()).join();
    var passage = Store.MINI_M3.embed(text, EmbedOptions.passage()).join();
    assertThat(search(request -> request.query(text).topK(1)).get(0).getScore())
        .isCloseTo(Scores.dense(query, passage), within(1e-5));
  }
}
