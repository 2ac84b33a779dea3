package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.lucene.analysis.standard.StandardAnalyzer;
import org.apache.lucene.document.BinaryDocValuesField;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.KeywordField;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.SearcherManager;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What an application's writer does to the views that hybrid searches see. */
@Tag("lucene-10.0")
class OwnViewsTest {
  private static final String GONE = "gone";
  private static final String PARENT = "parent";
  private static final VectorFields VECTORS = OwnIndex.fields().build();
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("m", OwnIndex.DIMENSION, "0a".repeat(32), "0b".repeat(32), "");
  private static final ModelFingerprint OTHER =
      new ModelFingerprint("n", OwnIndex.DIMENSION, "0a".repeat(32), "0c".repeat(32), "");

  /** Matches every document. */
  private static final Query EVERY_TEXT = LongField.newRangeQuery("length", 1, Long.MAX_VALUE);

  private final StandardAnalyzer analyzer = new StandardAnalyzer();
  private final ByteBuffersDirectory directory = new ByteBuffersDirectory();
  private IndexWriter writer;

  @BeforeEach
  void open() throws IOException {
    writer =
        new IndexWriter(
            directory,
            new IndexWriterConfig(analyzer)
                .setSoftDeletesField(GONE)
                .setParentField(PARENT)
                .setMergePolicy(NoMergePolicy.INSTANCE));
  }

  @AfterEach
  void close() throws IOException {
    writer.close();
    directory.close();
  }

  /** Writes passages and their document; without passages the document has the vectors. */
  private void put(String id, String text, String... passages) throws IOException {
    List<Document> block = new ArrayList<>();
    for (String passage : passages) {
      Document part = new Document();
      part.add(new KeywordField("key", id, Field.Store.NO));
      part.add(new TextField("body", passage, Field.Store.NO));
      VECTORS.addTo(part, OwnIndex.embedding(passage));
      block.add(part);
    }
    Document whole = new Document();
    whole.add(new KeywordField("key", id, Field.Store.NO));
    whole.add(new BinaryDocValuesField("name", new BytesRef(id)));
    whole.add(new TextField("body", text, Field.Store.YES));
    whole.add(new LongField("length", text.length(), Field.Store.NO));
    new TypedField("length", MetadataType.LONG).add(whole, (long) text.length());
    if (passages.length == 0) {
      VECTORS.addTo(whole, OwnIndex.embedding(text));
    }
    block.add(whole);
    writer.softUpdateDocuments(new Term("key", id), block, new NumericDocValuesField(GONE, 1));
  }

  private SearcherBuilder describe(SearcherBuilder builder) {
    return builder
        .vectors(VECTORS)
        .words("body", analyzer)
        .idField("key")
        .text("body")
        .embedder(new OwnIndex.Embedder());
  }

  private static List<String> texts(HybridSearcher searcher, String query) {
    return searcher.search(HybridQuery.of(query).top(50)).hits().stream()
        .map(hit -> hit.id() + ": " + hit.text())
        .toList();
  }

  @Test
  void softlyDeletedDocuments_areFoundByNoLeg_whateverTheReaderShows() throws IOException {
    put("a", "light of fireflies");
    put("b", "light of the moon");
    put("c", "light of lamps");
    writer.commit();
    put("a", "light of candles");
    writer.updateDocValues(new Term("key", "b"), new NumericDocValuesField(GONE, 1));
    writer.commit();
    try (SearcherManager nearRealTime = new SearcherManager(writer, null);
        SearcherManager ofCommits = new SearcherManager(directory, null);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      assertThat(reader.numDocs()).as("shown by Lucene").isEqualTo(4);
      for (SearcherBuilder builder :
          List.of(
              HybridSearcher.over(nearRealTime),
              HybridSearcher.over(ofCommits),
              HybridSearcher.over(reader),
              HybridSearcher.over(directory))) {
        try (HybridSearcher searcher = describe(builder).open()) {
          for (Leg leg : Leg.values()) {
            assertThat(searcher.search(HybridQuery.of("light").legs(leg)).hits())
                .as(leg.id())
                .extracting(Hit::text)
                .containsExactlyInAnyOrder("light of candles", "light of lamps");
          }
          assertThat(searcher.documents()).isEqualTo(2);
          assertThat(searcher.contains("a")).isTrue();
          assertThat(searcher.contains("b")).isFalse();
        }
      }
    }
  }

  /** Ids of the two types of doc values that fields of strings have; and none, but stored. */
  @ParameterizedTest
  @ValueSource(strings = {"name", "key", "body"})
  void softlyDeletedDocuments_areNeitherListedNorCounted_whateverTheReaderShows(String idField)
      throws IOException {
    HybridSchema schema =
        HybridSchema.builder(OwnIndex.DIMENSION, true)
            .multiVectors(MultiVectorForm.INT8, OwnIndex.ROW_DIMENSION)
            .metadata("length", MetadataType.LONG)
            .build();
    put("a", "light of fireflies");
    put("b", "light of the moon");
    put("c", "light of lamps");
    writer.commit();
    put("a", "light of candles");
    writer.updateDocValues(new Term("key", "b"), new NumericDocValuesField(GONE, 1));
    writer.commit();
    MetadataBounds any = MetadataBounds.atLeast(0);
    Arrangement byLength =
        Arrangement.NONE
            .sort(MetadataSort.descending("length"))
            .facet(Facet.of("length"))
            .facet(Facet.ranges("length", List.of(any)));
    try (SearcherManager ofCommits = new SearcherManager(directory, null);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      for (SearcherBuilder builder :
          List.of(
              HybridSearcher.over(ofCommits),
              HybridSearcher.over(reader),
              HybridSearcher.over(directory))) {
        try (HybridSearcher searcher =
            builder.schema(schema).words("body", analyzer).idField(idField).text("body").open()) {
          for (String text : List.of("", "light")) {
            SearchResult result =
                searcher.search(
                    HybridQuery.of(text).legs(Leg.BM25).arrange(byLength).filter(EVERY_TEXT));
            assertThat(result.hits())
                .as("hits of \"%s\"", text)
                .extracting(Hit::text)
                .containsExactly("light of candles", "light of lamps");
            assertThat(result.matches().value()).isEqualTo(2);
            assertThat(result.facets())
                .containsExactly(
                    new FacetCounts(
                        "length",
                        List.of(new FacetCounts.Value(14L, 1), new FacetCounts.Value(16L, 1)),
                        2,
                        2),
                    new FacetCounts("length", List.of(new FacetCounts.Value(any, 2)), 2, 1));
          }
        }
      }
    }
  }

  @Test
  void passagesOfBlocks_findTheirDocuments() throws IOException {
    Map<String, Double> expected = new TreeMap<>();
    Embedding query = OwnIndex.embedding("red fox");
    Texts random = new Texts(7);
    for (int i = 0; i < 30; i++) {
      String[] passages = {random.text(4), random.text(5), "red " + random.text(2)};
      put("d" + i, String.join(" ", passages), passages);
      double best = Double.NEGATIVE_INFINITY;
      for (String passage : passages) {
        float[] vector = OwnIndex.embedding(passage).dense();
        best = Math.max(best, VectorUtil.dotProduct(query.dense(), vector));
      }
      expected.put("d" + i, best);
    }
    writer.commit();
    try (HybridSearcher searcher =
        describe(HybridSearcher.over(directory)).documents(new FieldExistsQuery(PARENT)).open()) {
      assertThat(searcher.documents()).isEqualTo(30);
      SearchResult result = searcher.search(HybridQuery.of("red fox").top(50));
      assertThat(result.leg(Leg.DENSE)).hasSize(30);
      for (ScoredId hit : result.leg(Leg.DENSE)) {
        assertThat(hit.score()).isCloseTo(expected.get(hit.id()), within(1e-5));
      }
      assertThat(result.leg(Leg.SPARSE)).hasSize(30);
      assertThat(result.leg(Leg.BM25)).as("words of documents, not of passages").hasSize(30);
      assertThat(result.hits()).extracting(Hit::id).hasSize(30).doesNotHaveDuplicates();
      HybridQuery filtered =
          HybridQuery.of("red fox").top(50).filter(new TermQuery(new Term("key", "d3")));
      assertThat(searcher.search(filtered).hits()).extracting(Hit::id).containsExactly("d3");
    }
    assertThatThrownBy(
            () -> HybridSearcher.over(directory).documents(new FieldExistsQuery(PARENT)).open())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected vectors");
  }

  /** Each view that is kept holds files open, and the application alone refreshes its manager. */
  @Test
  void viewsOfAManagerThatOnlyTheApplicationRefreshes_areBounded() throws IOException {
    put("a", "light");
    try (SearcherManager manager = new SearcherManager(writer, null);
        HybridSearcher searcher = describe(HybridSearcher.over(manager)).open()) {
      List<DirectoryReader> readers = new ArrayList<>();
      for (int i = 0; i < KeptViews.MAX_COUNT + 20; i++) {
        put("a", "light " + i);
        manager.maybeRefreshBlocking();
        assertThat(searcher.search(HybridQuery.of("light").legs(Leg.BM25)).hits())
            .extracting(Hit::text)
            .containsExactly("light " + i);
        readers.add(searcher.withSearcher(lucene -> (DirectoryReader) lucene.getIndexReader()));
      }
      assertThat(readers).doesNotHaveDuplicates();
      assertThat(readers.stream().filter(reader -> reader.getRefCount() > 0))
          .hasSizeBetween(KeptViews.MAX_COUNT, KeptViews.MAX_COUNT + 1);
    }
  }

  @Test
  void commitOfAnotherModel_isRefusedOnceTheManagerShowsIt() throws IOException {
    HybridSchema schema =
        HybridSchema.builder(OwnIndex.DIMENSION, true)
            .multiVectors(MultiVectorForm.INT8, OwnIndex.ROW_DIMENSION)
            .build();
    put("a", "light");
    writer.setLiveCommitData(CommitMark.userData(schema, MODEL).entrySet());
    writer.commit();
    try (SearcherManager manager = new SearcherManager(directory, null);
        HybridSearcher searcher = describe(HybridSearcher.over(manager)).open()) {
      assertThat(texts(searcher, "light")).containsExactly("a: light");
      put("b", "light");
      writer.setLiveCommitData(CommitMark.userData(schema, OTHER).entrySet());
      writer.commit();
      assertThat(texts(searcher, "light")).containsExactly("a: light");
      manager.maybeRefreshBlocking();
      for (int i = 0; i < 2; i++) {
        assertThatThrownBy(() -> searcher.search("light"))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining("holds vectors of the model n")
            .hasMessageContaining("the engine runs m");
      }
      writer.setLiveCommitData(CommitMark.userData(schema, MODEL).entrySet());
      put("b", "more light");
      writer.commit();
      manager.maybeRefreshBlocking();
      assertThat(texts(searcher, "light")).contains("a: light", "b: more light");
    }
  }
}
