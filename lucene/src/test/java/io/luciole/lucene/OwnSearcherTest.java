package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.SortedNumericSortField;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Hybrid search over what an application has. */
@Tag("lucene-10.0")
class OwnSearcherTest {
  private static final long SEED = 20_261_130;
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("m", OwnIndex.DIMENSION, "0a".repeat(32), "0b".repeat(32), "");

  private final OwnIndex.Embedder embedder = new OwnIndex.Embedder();
  private OwnIndex index;
  private DirectoryReader reader;

  @BeforeEach
  void fill() throws IOException {
    index = new OwnIndex(OwnIndex.fields().build()).fill(SEED, 200);
    reader = DirectoryReader.open(index.directory);
  }

  @AfterEach
  void close() throws IOException {
    reader.close();
    index.close();
  }

  private SearcherBuilder describe(SearcherBuilder builder) {
    return builder
        .vectors(index.fields)
        .words("body", index.analyzer)
        .idField("isbn")
        .text("body")
        .embedder(embedder);
  }

  private HybridQuery query() {
    return HybridQuery.of(index.texts.get(17)).depth(50);
  }

  private static List<String> ids(SearchResult result) {
    return result.hits().stream().map(Hit::id).toList();
  }

  @Test
  void denseScores_areThoseOfTheFieldOfIdsThatWasNamed() throws IOException {
    try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).open()) {
      Embedding query = OwnIndex.embedding(index.texts.get(17));
      List<Hit> hits = searcher.search(query().legs(Leg.BM25).top(20)).hits();
      assertThat(hits).hasSizeGreaterThan(5);
      Map<String, Double> scores = DenseScores.of(searcher, query, hits);
      assertThat(scores).hasSameSizeAs(hits);
      scores.forEach((id, score) ->
          assertThat(score)
              .isCloseTo(
                  Scores.dense(query, requireNonNull(index.embeddings.get(id))), within(1e-4)));
    }
  }

  @Test
  void everythingOfAnApplication_isSearchedAlike() throws IOException {
    try (ExecutorService threads = Executors.newFixedThreadPool(2);
        SearcherManager manager = new SearcherManager(index.directory, null)) {
      List<SearcherBuilder> all =
          List.of(
              HybridSearcher.over(index.directory),
              HybridSearcher.over(reader),
              HybridSearcher.over(new IndexSearcher(reader)),
              HybridSearcher.over(new IndexSearcher(reader)).executor(threads),
              HybridSearcher.over(manager));
      List<ScoredId> first = null;
      for (SearcherBuilder builder : all) {
        try (HybridSearcher searcher = describe(builder).open()) {
          SearchResult result = searcher.search(query());
          assertThat(ids(result).get(0)).isEqualTo("isbn17");
          assertThat(result.hits().get(0).text()).isEqualTo(index.texts.get(17));
          assertThat(result.hits().get(0).legs()).containsOnlyKeys(Leg.values());
          assertThat(searcher.documents()).isEqualTo(index.embeddings.size());
          assertThat(searcher.contains("isbn17")).isTrue();
          first = first == null ? result.fused() : first;
          assertThat(result.fused()).isEqualTo(first);
        }
      }
      // What was given is still open.
      assertThat(new IndexSearcher(reader).count(new TermQuery(new Term("isbn", "isbn17"))))
          .isOne();
      manager.maybeRefresh();
    }
    assertThat(embedder.queries.get()).isEqualTo(5);
  }

  @Test
  void filters_areTheApplications() throws IOException {
    try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).open()) {
      Query cheap = LongField.newRangeQuery("price", 0, 20);
      SearchResult result =
          searcher.search(query().top(100).filter(cheap).filter(Leg.BM25, group("g2")));
      assertThat(result.hits()).isNotEmpty();
      for (Hit hit : result.hits()) {
        int number = Integer.parseInt(hit.id().substring(4));
        assertThat(number * 7919L % 100).isLessThanOrEqualTo(20);
        if (hit.legs().containsKey(Leg.BM25)) {
          assertThat(number % 5).isEqualTo(2);
        }
      }
    }
  }

  private static Query group(String group) {
    return new TermQuery(new Term("group", group));
  }

  @Test
  void results_areSortedAndCountedByTheApplication() throws IOException {
    try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).open()) {
      SearchResult result = searcher.search(query());
      List<Long> prices =
          searcher.withSearcher(
              result,
              lucene -> {
                Query found = new RankedDocsQuery(lucene.getIndexReader(), result.docs());
                assertThat(lucene.count(found)).isEqualTo(result.fused().size());
                TopDocs again = lucene.search(found, 5);
                assertThat(Arrays.stream(again.scoreDocs).map(h -> h.doc))
                    .isEqualTo(
                        Arrays.stream(result.docs().scoreDocs).limit(5).map(h -> h.doc).toList());
                assertThat(again.scoreDocs[0].score).isEqualTo(result.docs().scoreDocs[0].score);
                assertThat(lucene.explain(found, again.scoreDocs[1].doc).getValue().floatValue())
                    .isEqualTo(again.scoreDocs[1].score);
                TopDocs byPrice =
                    lucene.search(
                        found,
                        100,
                        new Sort(new SortedNumericSortField("price", SortField.Type.LONG)));
                return Arrays.stream(byPrice.scoreDocs).map(hit -> price(lucene, hit.doc)).toList();
              });
      assertThat(prices).hasSize(result.fused().size()).isSorted();
      assertThat(prices.get(0)).isLessThan(prices.get(prices.size() - 1));
    }
  }

  private static long price(IndexSearcher searcher, int doc) {
    try {
      return searcher.storedFields().document(doc).getField("price").numericValue().longValue();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void rankedDocs_belongToTheirView() throws IOException {
    try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).open();
        DirectoryReader other = DirectoryReader.open(index.writer)) {
      SearchResult result = searcher.search(query());
      Query found = new RankedDocsQuery(reader, result.docs());
      assertThatThrownBy(() -> new IndexSearcher(other).search(found, 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("the searcher that found them");
    }
  }

  @Test
  void managers_showWhatTheyWereRefreshedTo_andKeepViews() throws IOException {
    try (SearcherManager manager = new SearcherManager(index.writer, null);
        HybridSearcher searcher = describe(HybridSearcher.over(manager)).open()) {
      SearchResult before = searcher.search(query());
      index.put("new", index.texts.get(17), 1, "g1");
      assertThat(ids(searcher.search(query()))).isEqualTo(ids(before));
      assertThat(searcher.refresh()).isTrue();
      assertThat(ids(searcher.search(query()))).contains("new");
      assertThat(ids(searcher.search(query().view(before.view())))).isEqualTo(ids(before));
      int now = searcher.withSearcher(OwnSearcherTest::countNew);
      int then = searcher.withSearcher(before, OwnSearcherTest::countNew);
      assertThat(now).isEqualTo(1);
      assertThat(then).isZero();
      index.put("later", index.texts.get(17), 1, "g1");
      manager.maybeRefreshBlocking();
      assertThat(ids(searcher.search(query()))).contains("new", "later");
    }
  }

  private static int countNew(IndexSearcher lucene) throws IOException {
    return lucene.count(new TermQuery(new Term("isbn", "new")));
  }

  @Test
  void ids_areReadFromAnyField() throws IOException {
    for (String field : List.of("isbn", "price", "shelf", "group")) {
      try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).idField(field).open()) {
        Hit hit = searcher.search(query()).hits().get(0);
        String expected =
            switch (field) {
              case "isbn" -> "isbn17";
              case "price" -> Long.toString(17 * 7919L % 100);
              case "shelf" -> "s" + 17 * 7919L % 100;
              default -> "g2";
            };
        assertThat(hit.id()).isEqualTo(expected);
        if (field.equals("isbn")) {
          assertThat(searcher.contains(expected)).isTrue();
        }
      }
    }
    try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).idField("no").open()) {
      assertThatThrownBy(() -> searcher.search(query()))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("Expected an id in the field \"no\"");
    }
  }

  @Test
  void contains_refusesAFieldWithoutTerms() throws IOException {
    try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).idField("price").open()) {
      assertThatThrownBy(() -> searcher.contains("39"))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("expected terms in the field of ids \"price\"");
    }
  }

  @Test
  void idsThatAreNoText_areRefused() throws IOException {
    try (Directory directory = new ByteBuffersDirectory();
        IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      Document document = new Document();
      document.add(new BinaryDocValuesField("uuid", new BytesRef(new byte[] {(byte) 0xff, 1})));
      document.add(new TextField("body", "alpha", Field.Store.NO));
      index.fields.addTo(document, OwnIndex.embedding("alpha"));
      writer.addDocument(document);
      writer.commit();
      try (HybridSearcher searcher =
          describe(HybridSearcher.over(directory)).idField("uuid").open()) {
        assertThatThrownBy(() -> searcher.search("alpha"))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining("Expected ids in UTF-8 in the field \"uuid\"");
      }
    }
  }

  @Test
  void vectorsAlone_areSearchedWithoutWords() throws IOException {
    try (HybridSearcher searcher =
        HybridSearcher.over(reader)
            .vectors(index.fields)
            .idField("isbn")
            .embedder(embedder)
            .open()) {
      assertThat(searcher.legs()).containsExactly(Leg.DENSE, Leg.SPARSE);
      Hit hit = searcher.search(query().rerank(20)).hits().get(0);
      assertThat(hit.id()).isEqualTo("isbn17");
      assertThat(hit.explain().toString()).contains("colbert, score by the kept vectors");
      assertThatThrownBy(() -> searcher.search(query().legs(Leg.BM25)))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(searcher::schema).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(searcher::fingerprint).isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void unmarkedIndexes_needASchema_andMarkedOnesNone() throws IOException {
    assertThatThrownBy(() -> HybridSearcher.over(index.directory).open())
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("something else wrote")
        .hasMessageContaining("HybridSearcher.over(…).schema or vectors");
    try (SearcherManager manager = new SearcherManager(index.directory, null)) {
      assertThatThrownBy(() -> HybridSearcher.over(manager).open())
          .isInstanceOf(IndexException.class)
          .hasMessageStartingWith("The index of the manager is a Lucene index that");
    }
    HybridSchema schema =
        HybridSchema.builder(OwnIndex.DIMENSION, true)
            .multiVectors(MultiVectorForm.INT8, OwnIndex.ROW_DIMENSION)
            .build();
    index.writer.setLiveCommitData(CommitMark.userData(schema, MODEL).entrySet());
    index.writer.commit();
    Function<SearcherBuilder, SearcherBuilder> ids = builder -> builder.idField("isbn");
    try (HybridSearcher searcher =
        ids.apply(HybridSearcher.over(index.directory)).embedder(embedder).open()) {
      assertThat(searcher.schema()).isEqualTo(schema);
      assertThat(searcher.fingerprint()).isEqualTo(MODEL);
      assertThat(ids(searcher.search(query().legs(Leg.DENSE))).get(0)).isEqualTo("isbn17");
    }
    assertThatThrownBy(() ->
            HybridSearcher.over(index.directory)
                .schema(HybridSchema.builder(OwnIndex.DIMENSION, true).build())
                .open())
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("Leave the schema to the index");
    QueryEmbedder otherModel =
        new QueryEmbedder() {
          @Override
          public Set<Output> outputs() {
            return embedder.outputs();
          }

          @Override
          public CompletableFuture<Embedding> embed(String text, EmbedOptions options) {
            return embedder.embed(text, options);
          }

          @Override
          public Optional<ModelFingerprint> fingerprint() {
            return Optional.of(
                new ModelFingerprint(
                    "n", OwnIndex.DIMENSION, "0a".repeat(32), "0c".repeat(32), ""));
          }
        };
    assertThatThrownBy(() -> HybridSearcher.over(index.directory).embedder(otherModel).open())
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("holds vectors of the model m")
        .hasMessageContaining("the engine runs n");
    assertThatThrownBy(
            () -> HybridSearcher.over(reader).schema(schema).vectors(index.fields).open())
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void otherForms_areRefusedBySearches() throws IOException {
    VectorFields features =
        VectorFields.builder(OwnIndex.DIMENSION, true).sparseForm(SparseForm.FEATURES).build();
    try (HybridSearcher searcher = describe(HybridSearcher.over(reader)).vectors(features).open()) {
      assertThatThrownBy(() -> searcher.search(query()))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("postings of the form FEATURES")
          .hasMessageContaining("the form IMPACTS");
    }
  }

  @Test
  void closed_isRefused() throws IOException {
    HybridSearcher searcher = describe(HybridSearcher.over(reader)).open();
    searcher.close();
    assertThatThrownBy(() -> searcher.search("x")).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(searcher::refresh).isInstanceOf(IllegalStateException.class);
  }
}
