package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Scores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.ToDoubleBiFunction;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts cut into passages: documents are found by their best passage, once each. */
@Tag("lucene-10.5")
class PassagesTest {
  private static final HybridSchema.Chunks CHUNKS = new HybridSchema.Chunks(24, 6);

  @TempDir Path folder;
  private final long seed = new Random().nextLong();
  private final Texts texts = new Texts(seed);
  private final List<SourceDocument> documents = new ArrayList<>();
  private final Map<String, List<Embedding>> embeddings = new HashMap<>();
  private EmbeddingEngine engine;
  private HybridIndexer indexer;
  private Path index;

  @BeforeEach
  void open() {
    engine = FakeModel.withAll().open();
    index = folder.resolve("index");
    indexer = HybridIndexer.open(index, engine, options(DenseQuantization.NONE));
    for (int i = 0; i < 60; i++) {
      StringBuilder text = new StringBuilder();
      for (int sentence = 0; sentence < i % 9; sentence++) {
        text.append(texts.text(5 + sentence)).append(". ");
      }
      documents.add(
          new SourceDocument(
              "d" + i,
              i % 2 == 0 ? "Title " + texts.text(2) : "",
              text.toString(),
              Map.of("group", "g" + i % 3)));
    }
    documents.forEach(d -> indexer.put(d).join());
    indexer.commit();
    for (SourceDocument document : documents) {
      embeddings.put(document.id(), embed(document));
    }
  }

  private WriteOptions options(DenseQuantization quantization) {
    return WriteOptions.defaults()
        .schema(
            HybridSchema.builder(engine)
                .quantization(quantization)
                .analyzer("standard")
                .multiVectors(MultiVectorForm.FLOAT32)
                .chunks(CHUNKS.tokens(), CHUNKS.overlap())
                .build());
  }

  private List<Embedding> embed(SourceDocument document) {
    EmbedOptions all = EmbedOptions.passage().outputs(engine.backend().outputs());
    return engine.embedAll(Passages.cut(document, engine, CHUNKS).contents(), all);
  }

  private Embedding query(String text) {
    return engine.embed(text, EmbedOptions.query().outputs(engine.backend().outputs())).join();
  }

  @AfterEach
  void close() {
    indexer.close();
    engine.close();
  }

  /** Every document by its best passage, best first. */
  private Map<String, Double> best(
      Embedding query, ToDoubleBiFunction<Embedding, Embedding> score) {
    Map<String, Double> best = new HashMap<>();
    embeddings.forEach((id, passages) ->
        best.put(
            id, passages.stream().mapToDouble(p -> score.applyAsDouble(query, p)).max().orElse(0)));
    return best;
  }

  private void assertLeg(List<ScoredId> found, Map<String, Double> expected, double tolerance) {
    List<Double> scores =
        expected.values().stream().filter(s -> s != 0).sorted(Comparator.reverseOrder()).toList();
    assertThat(found.stream().map(ScoredId::id).toList())
        .as("seed %d", seed)
        .doesNotHaveDuplicates();
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.get(i).score())
          .as("seed %d, %s", seed, found.get(i).id())
          .isCloseTo(expected.getOrDefault(found.get(i).id(), Double.NaN), within(tolerance))
          .isCloseTo(scores.get(i), within(tolerance));
    }
  }

  @Test
  void legs_findDocumentsByTheirBestPassageOnceEach() {
    assertThat(embeddings.values().stream().mapToInt(List::size).max().orElse(0)).isGreaterThan(4);
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(searcher.documents()).isEqualTo(60);
      for (int q = 0; q < 50; q++) {
        String text = texts.text(1 + q % 10);
        Embedding query = query(text);
        SearchResult result = searcher.search(HybridQuery.of(text).depth(1000).top(100));
        assertThat(result.hits()).hasSize(60);
        assertThat(result.leg(Leg.DENSE)).hasSize(60);
        assertLeg(result.leg(Leg.DENSE), best(query, Scores::dense), 1e-6);
        assertLeg(result.leg(Leg.SPARSE), best(query, (a, b) -> a.sparse().dot(b.sparse())), 0);
        SearchResult short5 = searcher.search(HybridQuery.of(text).legs(Leg.SPARSE).depth(5));
        assertThat(short5.leg(Leg.SPARSE))
            .isEqualTo(
                result.leg(Leg.SPARSE).subList(0, Math.min(5, result.leg(Leg.SPARSE).size())));
        assertThat(result.leg(Leg.BM25).stream().map(ScoredId::id).toList())
            .doesNotHaveDuplicates();
      }
    }
  }

  @Test
  void quantizedVectors_areScoredAgainExactly() {
    for (DenseQuantization quantization : DenseQuantization.values()) {
      Path own = folder.resolve(quantization.id());
      try (HybridIndexer of = HybridIndexer.open(own, engine, options(quantization))) {
        documents.forEach(document -> of.put(document).join());
        of.commit();
      }
      try (HybridSearcher searcher = HybridSearcher.open(own, engine)) {
        String text = texts.text(6);
        SearchResult result = searcher.search(HybridQuery.of(text).legs(Leg.DENSE));
        assertThat(result.leg(Leg.DENSE)).hasSize(60);
        assertLeg(
            result.leg(Leg.DENSE),
            best(query(text), (a, b) -> Scores.dense(a, ExactnessTest.kept(b, quantization))),
            1e-6);
      }
    }
  }

  @Test
  void hit_namesThePassageThatFits() {
    String text =
        "The bridge fell. ".repeat(12) + "Fireflies glow. " + "Salt is bread. ".repeat(12);
    indexer.put(SourceDocument.of("long", "", text)).join();
    indexer.commit();
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      for (Leg leg : Leg.values()) {
        SearchResult result = searcher.search(HybridQuery.of("Fireflies glow").legs(leg).top(60));
        Hit hit =
            result.hits().stream().filter(h -> h.id().equals("long")).findFirst().orElseThrow();
        Passage passage = hit.passage().orElseThrow();
        assertThat(passage.text()).as("%s", leg).contains("Fireflies glow.");
        assertThat(text.substring(passage.start(), passage.end())).isEqualTo(passage.text());
        assertThat(passage.text().length()).isLessThan(text.length() / 2);
        assertThat(hit.text()).isEqualTo(text);
      }
      // What an empty text has is one passage without characters.
      Hit empty =
          searcher.search(HybridQuery.of("x").top(100)).hits().stream()
              .filter(h -> h.id().equals("d9"))
              .findFirst()
              .orElseThrow();
      assertThat(empty.passage()).contains(new Passage(0, 0, ""));
    }
  }

  @Test
  void rerank_takesTheBestPassage() {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      for (int q = 0; q < 10; q++) {
        String text = texts.text(4);
        SearchResult result = searcher.search(HybridQuery.of(text).rerank(20).matchedTokens(true));
        Map<String, Double> expected =
            best(query(text), (a, b) -> Scores.weighted(a, b, HybridQuery.Rerank.COLBERT));
        for (Hit hit : result.hits()) {
          assertThat(hit.score())
              .as("seed %d", seed)
              .isCloseTo(expected.getOrDefault(hit.id(), Double.NaN), within(1e-5));
          assertThat(hit.passage()).isPresent();
        }
      }
    }
  }

  @Test
  void filters_areOfDocuments() {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      HybridQuery query = HybridQuery.of(texts.text(20)).depth(1000).top(1000);
      SearchResult all = searcher.search(query);
      List<Query> filters =
          List.of(
              HybridQuery.metadata("group", "g1"),
              new TermQuery(new Term(SchemaFields.ID, "d7")),
              searcher.queries().bm25("firefly river", null));
      for (Query filter : filters) {
        SearchResult filtered = searcher.search(query.filter(filter));
        List<String> allowed =
            switch (filters.indexOf(filter)) {
              case 0 ->
                  documents.stream()
                      .filter(d -> d.metadata().all("group").contains("g1"))
                      .map(SourceDocument::id)
                      .toList();
              case 1 -> List.of("d7");
              default ->
                  documents.stream()
                      .filter(d ->
                          List.of(d.content().split("\\W+")).contains("firefly")
                              || List.of(d.content().split("\\W+")).contains("river"))
                      .map(SourceDocument::id)
                      .toList();
            };
        for (Leg leg : Leg.values()) {
          ScoredLists.assertAlike(
              "seed %d, %s, %s".formatted(seed, leg, filter),
              filtered.leg(leg),
              all.leg(leg).stream().filter(hit -> allowed.contains(hit.id())).toList());
        }
      }
    }
  }

  @Test
  void updatesAndDeletes_takeTheWholeBlock() throws Exception {
    indexer.delete("d8");
    assertThat(indexer.put(SourceDocument.of("d17", "", "Short now.")).join()).isTrue();
    indexer.commit();
    IndexDescription description = IndexDescription.read(index);
    assertThat(description.documents()).isEqualTo(59);
    int passages =
        documents.stream()
            .filter(d -> !d.id().equals("d8") && !d.id().equals("d17"))
            .mapToInt(d -> embed(d).size())
            .sum();
    assertThat(description.passages()).isEqualTo(passages + 1);
    assertThat(description.schema().chunks()).contains(CHUNKS);
    indexer.close();
    // What comes in another session replaces what was there, too.
    try (HybridIndexer again = HybridIndexer.open(index, engine)) {
      for (SourceDocument document : documents) {
        assertThat(again.put(document).join()).isEqualTo(!document.id().equals("d8"));
      }
      again.delete("no such document");
      again.commit();
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(60);
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      assertThat(new IndexSearcher(reader).count(new TermQuery(new Term(SchemaFields.ID, "d17"))))
          .isEqualTo(1 + embed(documents.get(17)).size());
    }
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      SearchResult result = searcher.search(HybridQuery.of(texts.text(9)).depth(1000).top(1000));
      assertThat(result.hits()).hasSize(60);
    }
  }

  @Test
  void plainQueries_matchDocuments() throws Exception {
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher plain = new IndexSearcher(reader);
      LegQueries queries = new LegQueries(IndexDescription.read(index).schema());
      Embedding query = query("firefly light");
      Query filter = HybridQuery.metadata("group", "g2");
      for (Query of :
          List.of(
              queries.vectors().dense(query.dense(), 60, filter),
              queries.vectors().sparse(query.sparse(), filter),
              queries.bm25("firefly light", filter))) {
        TopDocs top = plain.search(of, 100);
        assertThat(top.scoreDocs).isNotEmpty();
        for (var hit : top.scoreDocs) {
          assertThat(plain.storedFields().document(hit.doc).get(SchemaFields.METADATA))
              .contains("\"g2\"");
        }
      }
    }
  }

  @Test
  void wholeTextAndItsVectors_areRefused() {
    Embedding some = query("x");
    assertThatThrownBy(() -> indexer.put(documents.get(0), some))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("passages");
    assertThatThrownBy(() -> indexer.schema().toDocument(documents.get(0), some))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("toBlock");
    assertThatThrownBy(() -> HybridSchema.builder(engine).chunks(64, 33))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("overlap must be from 0 to 16, got 33");
  }
}
