package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apache.lucene.document.DoubleField;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a search answers at the edges. */
class SearchCornersTest {
  @TempDir Path folder;
  private SearchFixture f;

  @BeforeEach
  void open() {
    f =
        new SearchFixture(
            folder.resolve("index"), 7, b -> b.multiVectors(MultiVectorForm.INT8).build());
  }

  @AfterEach
  void close() {
    f.close();
  }

  private static List<String> ids(SearchResult result) {
    return result.hits().stream().map(Hit::id).toList();
  }

  @Test
  void noHitsWanted_givesNoneButTheLists() {
    SearchResult result = f.searcher.search(HybridQuery.of("firefly").top(0));
    assertThat(result.hits()).isEmpty();
    assertThat(result.fused()).isNotEmpty();
  }

  @Test
  void moreHitsWantedThanThereAre_givesAll() {
    SearchResult result =
        f.searcher.search(
            HybridQuery.of("firefly").top(Integer.MAX_VALUE).depth(Integer.MAX_VALUE));
    assertThat(result.hits()).hasSize(f.documents.size());
    assertThat(result.leg(Leg.DENSE)).hasSize(f.documents.size());
  }

  @Test
  void emptyIndex_answersNothing() {
    Path empty = folder.resolve("empty");
    try (HybridIndexer indexer = HybridIndexer.open(empty, f.engine)) {
      indexer.indexAll(List.<SourceDocument>of().iterator(), progress -> {});
    }
    try (HybridSearcher searcher = HybridSearcher.open(empty, f.engine)) {
      SearchResult result =
          searcher.search(HybridQuery.of("x").filter(HybridQuery.metadata("a", "b")));
      assertThat(result.hits()).isEmpty();
      assertThat(result.legs()).containsOnlyKeys(Leg.values());
      assertThat(searcher.search("").hits()).isEmpty();
    }
  }

  @Test
  void textsWithoutWeights_areFoundByTheOtherLegs() {
    Path empty = folder.resolve("weightless");
    try (HybridIndexer indexer = HybridIndexer.open(empty, f.engine)) {
      Embedding weightless = f.engine.embed("firefly").join().withSparse(SparseVector.EMPTY);
      indexer.put(SourceDocument.of("a", "", "firefly"), weightless).join();
    }
    try (HybridSearcher searcher = HybridSearcher.open(empty, f.engine)) {
      SearchResult result = searcher.search("firefly");
      assertThat(ids(result)).containsExactly("a");
      assertThat(result.leg(Leg.SPARSE)).isEmpty();
    }
  }

  @Test
  void queryWithoutWords_isAnsweredByTheDenseLeg() {
    for (String text : List.of("", "   ", "!?", "\u0000")) {
      SearchResult result = f.searcher.search(text);
      assertThat(result.leg(Leg.BM25)).isEmpty();
      assertThat(result.leg(Leg.DENSE)).hasSize(100);
    }
    assertThat(f.searcher.search(HybridQuery.of("").legs(Leg.BM25, Leg.SPARSE)).hits()).isEmpty();
  }

  @Test
  void queryOfManyThousandTokens_isAnsweredExactly() {
    // More than Lucene's limit of 1024 clauses, in the sparse leg and in the words.
    int[] ids = IntStream.range(4, 8000).filter(id -> id % 50 != 0).toArray();
    float[] weights = new float[ids.length];
    Arrays.fill(weights, 0.25f);
    SparseVector query = SparseVector.of(ids, weights);
    List<ScoredId> expected =
        f.bruteForce(e -> {
          double score = query.dot(e.sparse());
          return score > 0 ? score : Double.NaN;
        });
    String words =
        IntStream.range(0, 8192).mapToObj(i -> "w" + i).collect(Collectors.joining(" "))
            + " firefly";
    try (FSDirectory directory = FSDirectory.open(folder.resolve("index"));
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher plain = new IndexSearcher(reader);
      TopDocs top = plain.search(f.searcher.queries().vectors().sparse(query, null), 20);
      assertThat(top.scoreDocs).hasSize(20);
      for (int i = 0; i < 20; i++) {
        // Of the rounded weights, some 70 of them.
        assertThat((double) top.scoreDocs[i].score)
            .isCloseTo(expected.get(i).score(), within(0.05));
      }
      assertThat(plain.count(f.searcher.queries().vectors().sparse(query, null)))
          .isEqualTo(expected.size());
      assertThat(plain.count(f.searcher.queries().bm25(words, null)))
          .isEqualTo(plain.count(f.searcher.queries().bm25("firefly", null)));
      assertThat(plain.count(f.searcher.queries().bm25(words, HybridQuery.metadata("group", "g1"))))
          .isEqualTo(
              plain.count(
                  f.searcher.queries().bm25("firefly", HybridQuery.metadata("group", "g1"))));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
    String tokens = f.texts.text(8192);
    SearchResult result = f.searcher.search(HybridQuery.of(tokens).rerank(10));
    assertThat(result.hits()).hasSize(10);
    assertThat(result.tokens()).isEqualTo(1024); // mini-m3's limit
  }

  @Test
  void legOfWeightZero_isNotSearched() {
    HybridQuery query = HybridQuery.of("firefly").weight(Leg.DENSE, 0).weight(Leg.SPARSE, 0);
    SearchResult words = f.searcher.search(query.top(1000));
    assertThat(words.legs()).containsOnlyKeys(Leg.BM25);
    assertThat(ids(words))
        .isEqualTo(ids(f.searcher.search(HybridQuery.of("firefly").legs(Leg.BM25).top(1000))))
        .hasSizeLessThan(f.documents.size());
    assertThatThrownBy(() -> f.searcher.search(query.weight(Leg.BM25, 0)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("weight 0 for all", "dense", "bm25");
  }

  @Test
  void weightOfALegThatDoesNotSearch_isRefused() {
    HybridQuery query = HybridQuery.of("firefly").legs(Leg.DENSE, Leg.BM25);
    assertThatThrownBy(() -> f.searcher.search(query.weight(Leg.SPARSE, 0.3)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll("sparse", "dense, bm25");
    assertThat(f.searcher.search(query.weight(Leg.SPARSE, 0)).hits()).isNotEmpty();
  }

  @Test
  void filter_holdsInEveryLeg() {
    HybridQuery query = HybridQuery.of(f.texts.text(20)).top(1000).depth(1000);
    SearchResult all = f.searcher.search(query);
    SearchResult filtered =
        f.searcher.search(query.filter(HybridQuery.metadata("group", "g3")).top(1000));
    List<String> group =
        f.documents.stream()
            .filter(d -> d.metadata().all("group").contains("g3"))
            .map(SourceDocument::id)
            .toList();
    assertThat(group).isNotEmpty();
    for (Leg leg : Leg.values()) {
      assertThat(filtered.leg(leg)).as("%s", leg).isNotEmpty();
      ScoredLists.assertAlike(
          leg.toString(),
          filtered.leg(leg),
          all.leg(leg).stream().filter(hit -> group.contains(hit.id())).toList());
    }
  }

  @Test
  void filterOfOneLeg_bindsNoOther() {
    HybridQuery query = HybridQuery.of(f.texts.text(20)).depth(1000);
    SearchResult all = f.searcher.search(query);
    SearchResult filtered =
        f.searcher.search(query.filter(Leg.BM25, HybridQuery.metadata("group", "g3")));
    assertThat(filtered.leg(Leg.BM25)).hasSizeLessThan(all.leg(Leg.BM25).size()).isNotEmpty();
    for (Leg leg : List.of(Leg.DENSE, Leg.SPARSE)) {
      ScoredLists.assertAlike(leg.toString(), filtered.leg(leg), all.leg(leg));
    }
  }

  @Test
  void filterThatMatchesNothing_leavesNothing() {
    for (var filter :
        List.of(new MatchNoDocsQuery("none"), HybridQuery.metadata("group", "none"))) {
      SearchResult result = f.searcher.search(HybridQuery.of(f.texts.text(20)).filter(filter));
      assertThat(result.fused()).isEmpty();
    }
  }

  @Test
  void deletedDocuments_areFoundByNoLeg() {
    SearchResult result = f.searcher.search(HybridQuery.of(f.texts.text(30)).depth(1000).top(1000));
    assertThat(ids(result))
        .hasSize(f.documents.size())
        .containsExactlyInAnyOrderElementsOf(f.documents.stream().map(SourceDocument::id).toList());
  }

  @Test
  void pages_fitTogetherEvenIfTheIndexChanges() {
    HybridQuery query = HybridQuery.of(f.texts.text(12));
    List<String> whole = ids(f.searcher.search(query.top(35)));
    SearchResult first = f.searcher.search(query.top(10));
    List<String> pages = new ArrayList<>(ids(first));
    f.indexer.put(SourceDocument.of("new", "", query.text())).join();
    f.indexer.delete(whole.get(15));
    f.indexer.commit();
    assertThat(f.searcher.refresh()).isTrue();
    for (int offset = 10; offset < 35; offset += 10) {
      SearchResult page =
          f.searcher.search(query.view(first.view()).offset(offset).top(Math.min(10, 35 - offset)));
      assertThat(page.hits().get(0).rank()).isEqualTo(offset + 1);
      pages.addAll(ids(page));
    }
    assertThat(pages).isEqualTo(whole);
    assertThat(ids(f.searcher.search(query))).startsWith("new").doesNotContain(whole.get(15));
    assertThat(f.searcher.search(query.offset(5000)).hits()).isEmpty();
    assertThatThrownBy(() -> f.searcher.search(query.view(-5)))
        .isInstanceOf(ViewGoneException.class)
        .hasMessageContaining("is gone");
  }

  @Test
  void slowModel_leavesTheWordsWithinTheTimeout() throws InterruptedException {
    FakeModel slow = FakeModel.withAll();
    var gate = new CountDownLatch(1);
    try (EmbeddingEngine engine = slow.open();
        HybridSearcher searcher = HybridSearcher.open(folder.resolve("index"), engine)) {
      slow.beforeRun(batch -> {
        try {
          gate.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
        }
      });
      Duration timeout = Duration.ofMillis(300);
      SearchResult result = searcher.search(HybridQuery.of("firefly").timeout(timeout));
      // A machine with other work may be late with the words, too.
      while (result.incomplete().contains(Leg.BM25)) {
        timeout = timeout.multipliedBy(4);
        result = searcher.search(HybridQuery.of("firefly").timeout(timeout));
      }
      assertThat(result.incomplete()).containsExactlyInAnyOrder(Leg.DENSE, Leg.SPARSE);
      assertThat(result.partial()).isTrue();
      assertThat(result.leg(Leg.DENSE)).isEmpty();
      assertThat(result.hits()).isNotEmpty().allMatch(hit -> hit.legs().containsKey(Leg.BM25));
      gate.countDown();
    }
    SearchResult whole =
        f.searcher.search(HybridQuery.of("firefly").timeout(Duration.ofMinutes(5)));
    assertThat(whole.partial()).isFalse();
    assertThat(whole.incomplete()).isEmpty();
    assertThat(whole.fused()).isEqualTo(f.searcher.search("firefly").fused());
  }

  @Test
  void timeoutOfAnyLength_isTaken() {
    SearchResult whole =
        f.searcher.search(
            HybridQuery.of("firefly").timeout(ChronoUnit.FOREVER.getDuration()).rerank(10));
    assertThat(whole.partial()).isFalse();
    assertThat(whole.hits()).isNotEmpty();
  }

  @Test
  void legOrRescoringThatIndexHasNot_isRefused() {
    Path words = folder.resolve("words");
    WriteOptions options =
        WriteOptions.defaults().schema(HybridSchema.builder(f.engine).sparse(false).build());
    HybridSchema noColbert = HybridSchema.builder(f.engine).sparse(false).build();
    assertThat(noColbert.multiVectors()).isPresent();
    try (HybridIndexer indexer = HybridIndexer.open(words, f.engine, options)) {
      indexer.put(SourceDocument.of("a", "", "x")).join();
      indexer.commit();
    }
    try (HybridSearcher searcher = HybridSearcher.open(words, f.engine)) {
      assertThat(searcher.legs()).containsExactly(Leg.DENSE, Leg.BM25);
      assertThatThrownBy(() -> searcher.search(HybridQuery.of("x").legs(Leg.SPARSE)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("SPARSE");
      assertThatThrownBy(() ->
              searcher.search(
                  HybridQuery.of("x").rerank(new HybridQuery.Rerank(5, Scores.Weights.ALL))))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("Reranking needs");
    }
  }

  @Test
  void matchedTokens_ofAnIndexWithoutSparseWeights_areNone() {
    try (SearchFixture bare =
        new SearchFixture(folder.resolve("bare"), 7, b -> b.sparse(false).build())) {
      String text = bare.documents.get(0).text();
      SearchResult result = bare.searcher.search(HybridQuery.of(text).matchedTokens(true));
      assertThat(result.hits()).isNotEmpty().allMatch(hit -> hit.tokens().isEmpty());
    }
  }

  @Test
  void badNumbers_areRefusedWithTheirValue() {
    HybridQuery query = HybridQuery.of("x");
    assertThatThrownBy(() -> query.top(-1)).hasMessageContaining("-1");
    assertThatThrownBy(() -> query.depth(0)).hasMessageContaining("0");
    assertThatThrownBy(() -> query.weight(Leg.DENSE, Double.NaN)).hasMessageContaining("NaN");
    assertThatThrownBy(() -> query.offset(-2)).hasMessageContaining("-2");
    assertThatThrownBy(() -> Fusion.parse("best")).hasMessageContaining("minmax");
    assertThat(Fusion.parse(" RRF:7 ").name()).isEqualTo("rrf:7");
    for (String name : Fusion.names()) {
      String of = name.replace("K", "7");
      assertThat(Fusion.parse(of).name()).isEqualTo(of.equals("rrf") ? "rrf:60" : of);
    }
  }

  @Test
  void typedMetadata_canBeRangedOver() {
    Path index = folder.resolve("typed");
    HybridSchema schema =
        HybridSchema.builder(f.engine)
            .metadata("year", MetadataType.LONG)
            .metadata("day", MetadataType.DATE)
            .metadata("price", MetadataType.DOUBLE)
            .metadata("kind", MetadataType.KEYWORD)
            .build();
    try (HybridIndexer indexer =
        HybridIndexer.open(index, f.engine, WriteOptions.defaults().schema(schema))) {
      for (int i = 0; i < 10; i++) {
        indexer
            .put(
                new SourceDocument(
                    "d" + i,
                    "",
                    "firefly",
                    Map.of(
                        "year", "" + (2000 + i),
                        "day", "2026-11-0" + Math.max(1, i),
                        "price", i + ".5",
                        "kind", i % 2 == 0 ? "even" : "odd")))
            .join();
      }
      indexer.commit();
    }
    try (HybridSearcher searcher = HybridSearcher.open(index, f.engine)) {
      HybridQuery query = HybridQuery.of("firefly");
      String p = SchemaFields.METADATA_PREFIX;
      long day = MetadataType.parseDate("2026-11-08");
      assertThat(
              ids(searcher.search(query.filter(LongField.newRangeQuery(p + "year", 2003, 2004)))))
          .containsExactlyInAnyOrder("d3", "d4");
      assertThat(
              ids(
                  searcher.search(
                      query.filter(LongField.newRangeQuery(p + "day", day, Long.MAX_VALUE)))))
          .containsExactlyInAnyOrder("d8", "d9");
      assertThat(ids(searcher.search(query.filter(DoubleField.newRangeQuery(p + "price", 0, 1.5)))))
          .containsExactlyInAnyOrder("d0", "d1");
      assertThat(ids(searcher.search(query.filter(KeywordField.newExactQuery(p + "kind", "odd")))))
          .hasSize(5);
    }
  }
}
