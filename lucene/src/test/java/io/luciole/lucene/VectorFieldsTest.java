package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.Output;
import io.luciole.Scores;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.ToDoubleFunction;
import java.util.stream.Stream;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.KnnByteVectorField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.document.TextField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Vectors in an application's own documents, and the queries and rescorers for them. */
@Tag("lucene-10.0")
class VectorFieldsTest {
  private static final long SEED = 20_261_129;
  private static final int DOCUMENTS = 300;

  /** Ids and scores of a list. */
  private static List<ScoredId> ids(IndexSearcher searcher, TopDocs hits) throws IOException {
    List<ScoredId> ids = new ArrayList<>();
    for (ScoreDoc hit : hits.scoreDocs) {
      ids.add(new ScoredId(searcher.storedFields().document(hit.doc).get("isbn"), hit.score));
    }
    return ids;
  }

  private static List<ScoredId> best(
      Map<String, Embedding> of, int top, ToDoubleFunction<Embedding> score) {
    return of.entrySet().stream()
        .map(e -> new ScoredId(e.getKey(), score.applyAsDouble(e.getValue())))
        .filter(hit -> hit.score() != 0)
        .sorted(Comparator.comparingDouble(ScoredId::score).reversed())
        .limit(top)
        .toList();
  }

  /** The same documents with scores that differ by rounding alone; equal ones in any order. */
  private static void assertAlike(List<ScoredId> found, List<ScoredId> expected, double off) {
    assertThat(found).hasSameSizeAs(expected);
    for (int i = 0; i < found.size(); i++) {
      assertThat(found.get(i).score()).isCloseTo(expected.get(i).score(), within(off));
    }
    double last = expected.get(expected.size() - 1).score() + off;
    assertThat(found.stream().filter(h -> h.score() > last).map(ScoredId::id))
        .containsExactlyInAnyOrderElementsOf(
            expected.stream().filter(h -> h.score() > last).map(ScoredId::id).toList());
  }

  @ParameterizedTest
  @EnumSource
  void vectors_ofAnOwnIndex_areFoundByExactScores(SparseForm form) throws IOException {
    VectorFields fields = OwnIndex.fields().sparseForm(form).prefix("v.").build();
    try (OwnIndex index = new OwnIndex(fields).fill(SEED, DOCUMENTS);
        DirectoryReader reader = DirectoryReader.open(index.directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      Embedding query = OwnIndex.embedding("firefly light river stone");
      VectorQueries queries = fields.queries();

      assertAlike(
          ids(searcher, queries.topDense(searcher, query.dense(), 20, null)),
          best(index.embeddings, 20, e -> Scores.dense(query, e)),
          1e-5);
      assertAlike(
          ids(searcher, queries.topSparse(searcher, query.sparse(), 20, null)),
          best(index.embeddings, 20, e -> Scores.sparse(query, e)),
          1e-6);
      // A weight of a posting is off by at most 1/512, absolutely or in proportion.
      assertAlike(
          ids(searcher, searcher.search(queries.sparse(query.sparse()), DOCUMENTS)),
          best(index.embeddings, DOCUMENTS, e -> Scores.sparse(query, e)),
          4.0 / 512);
    }
  }

  @Test
  void queries_besideOthers_actAsAnyQuery() throws IOException {
    VectorFields fields = OwnIndex.fields().build();
    try (OwnIndex index = new OwnIndex(fields).fill(SEED, DOCUMENTS);
        DirectoryReader reader = DirectoryReader.open(index.directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      Embedding query = OwnIndex.embedding("firefly light river stone");
      Query group = new TermQuery(new Term("group", "g2"));
      Query dense = fields.queries().dense(query.dense(), 10, group);
      Query sparse = fields.queries().sparse(query.sparse(), group);
      assertThat(searcher.count(dense)).isEqualTo(10);
      Query either =
          new BooleanQuery.Builder().add(dense, Occur.SHOULD).add(sparse, Occur.SHOULD).build();
      for (ScoreDoc hit : searcher.search(either, 10).scoreDocs) {
        int number =
            Integer.parseInt(searcher.storedFields().document(hit.doc).get("isbn").substring(4));
        assertThat(number % 5).isEqualTo(2);
        assertThat(searcher.explain(either, hit.doc).getValue().floatValue())
            .isCloseTo(hit.score, within(1e-5f));
      }
    }
  }

  @Test
  void severalEmbeddings_ofOneDocument_areSearchedApart() throws IOException {
    VectorFields title = OwnIndex.fields().prefix("title.").build();
    VectorFields text = OwnIndex.fields().name(Output.DENSE, "meaning").build();
    assertThat(title.exactField()).isEqualTo("title.sparse.exact");
    assertThat(text.denseField()).isEqualTo("meaning");
    try (Directory directory = new ByteBuffersDirectory();
        IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      String[][] books = {{"firefly", "river stone"}, {"river", "firefly"}, {"map", "salt"}};
      for (String[] book : books) {
        Document document = new Document();
        document.add(new StringField("isbn", book[0], StringField.Store.YES));
        title.addTo(document, OwnIndex.embedding(book[0]));
        text.addTo(document, OwnIndex.embedding(book[1]));
        writer.addDocument(document);
      }
      try (DirectoryReader reader = DirectoryReader.open(writer)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        Embedding query = OwnIndex.embedding("firefly");
        for (VectorFields fields : List.of(title, text)) {
          String expected = fields == title ? "firefly" : "river";
          VectorQueries of = fields.queries();
          assertThat(ids(searcher, of.topDense(searcher, query.dense(), 1, null)).get(0).id())
              .isEqualTo(expected);
          assertThat(ids(searcher, of.topSparse(searcher, query.sparse(), 9, null)))
              .extracting(ScoredId::id)
              .containsExactly(expected);
        }
      }
    }
  }

  @Test
  void passages_ofAnOwnBlockJoin_findTheirDocuments() throws IOException {
    VectorFields fields = OwnIndex.fields().build();
    String[][] books = {
      {"firefly light", "bread salt"}, {"river stone sea", "sea river"}, {"firefly", "map", "stone"}
    };
    try (Directory directory = new ByteBuffersDirectory();
        IndexWriter writer =
            new IndexWriter(directory, new IndexWriterConfig().setParentField("block"))) {
      for (int book = 0; book < books.length; book++) {
        List<Document> block = new ArrayList<>();
        for (String passage : books[book]) {
          Document document = new Document();
          fields.addTo(document, OwnIndex.embedding(passage));
          block.add(document);
        }
        Document whole = new Document();
        whole.add(new StringField("kind", "book", StringField.Store.NO));
        whole.add(new StringField("isbn", "isbn" + book, StringField.Store.YES));
        block.add(whole);
        writer.addDocuments(block);
      }
      try (DirectoryReader reader = DirectoryReader.open(writer)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        VectorQueries queries = fields.queries(new TermQuery(new Term("kind", "book")));
        Embedding query = OwnIndex.embedding("firefly light");
        Query second = new TermQuery(new Term("isbn", "isbn2"));
        for (TopDocs found :
            List.of(
                queries.topDense(searcher, query.dense(), 3, null),
                queries.topSparse(searcher, query.sparse(), 3, null))) {
          assertThat(ids(searcher, found)).extracting(ScoredId::id).startsWith("isbn0", "isbn2");
        }
        for (TopDocs found :
            List.of(
                queries.topDense(searcher, query.dense(), 3, second),
                queries.topSparse(searcher, query.sparse(), 3, second))) {
          assertThat(ids(searcher, found)).extracting(ScoredId::id).containsExactly("isbn2");
        }
        TopDocs first = queries.topDense(searcher, query.dense(), 3, null);
        ScoreDoc best =
            queries.denseRescorer(query.dense()).rescore(searcher, first, 1).scoreDocs[0];
        assertThat(best.score).isCloseTo(1, within(1e-5f));
      }
    }
  }

  @Test
  void rescorers_orderByTheExactScores() throws IOException {
    VectorFields fields = OwnIndex.fields().build();
    try (OwnIndex index = new OwnIndex(fields).fill(SEED, DOCUMENTS);
        DirectoryReader reader = DirectoryReader.open(index.directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      Embedding query = OwnIndex.embedding("firefly light river stone");
      TopDocs first = searcher.search(new TermQuery(new Term("body", "river")), 1000);
      List<String> found = ids(searcher, first).stream().map(ScoredId::id).toList();
      assertThat(found.size()).isGreaterThan(40);
      Map<String, Embedding> of = new TreeMap<>(index.embeddings);
      of.keySet().retainAll(Set.copyOf(found));
      VectorQueries queries = fields.queries();
      Scores.Weights weights = new Scores.Weights(0.4, 0.2, 0.4);

      assertAlike(
          ids(searcher, queries.denseRescorer(query.dense()).rescore(searcher, first, 7)),
          best(of, 7, e -> Scores.dense(query, e)),
          1e-5);
      assertAlike(
          ids(searcher, queries.sparseRescorer(query.sparse()).rescore(searcher, first, 7)),
          best(of, 7, e -> Scores.sparse(query, e)),
          1e-6);
      // A component of a row is off by at most 1/254 of the row's largest.
      assertAlike(
          ids(searcher, queries.colbertRescorer(query.colbert()).rescore(searcher, first, 50)),
          best(of, 50, e -> Scores.colbert(query, e)),
          0.01);
      TopDocs mixed = queries.rescorer(query, weights).rescore(searcher, first, 50);
      assertAlike(
          ids(searcher, mixed), best(of, 50, e -> Scores.weighted(query, e, weights)), 0.01);
      ScoreDoc best = mixed.scoreDocs[0];
      assertThat(
              queries
                  .rescorer(query, weights)
                  .explain(
                      searcher,
                      searcher.explain(queries.sparse(query.sparse()), best.doc),
                      best.doc)
                  .getValue()
                  .floatValue())
          .isEqualTo(best.score);
    }
  }

  @Test
  void vectors_thatDoNotFit_areRefused() {
    VectorFields fields = OwnIndex.fields().build();
    assertThatThrownBy(
            () -> fields.addTo(new Document(), Embedding.absent().withDense(new float[3])))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected a dense vector of 16 components, got 3");
    assertThatThrownBy(() -> VectorFields.builder(8, true).dense(false).sparse(false).build())
        .hasMessageContaining("at least one kind of vectors");
    assertThatThrownBy(() -> VectorFields.builder(8, true).name(Output.DENSE, "sparse").build())
        .hasMessageContaining("a name for each field");
    assertThatThrownBy(() -> fields.queries().dense(new float[3], 1))
        .hasMessage("expected a vector of 16 components, got 3");
    assertThatThrownBy(() -> VectorFields.builder(8, true).dense(false).build().denseFormat())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("dense vectors");
  }

  @ParameterizedTest
  @EnumSource(names = {"NONE", "BITS_8_ONLY"})
  void queryVectors_thatAreNotFinite_areRefused(DenseQuantization quantization) {
    VectorQueries queries = OwnIndex.fields().quantization(quantization).build().queries();
    for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
      float[] dense = new float[OwnIndex.DIMENSION];
      dense[0] = 1;
      dense[3] = bad;
      float[] rows = new float[2 * OwnIndex.ROW_DIMENSION];
      rows[OwnIndex.ROW_DIMENSION + 1] = bad;
      MultiVector colbert = MultiVector.of(OwnIndex.ROW_DIMENSION, rows);
      assertNotFinite(() -> queries.dense(dense, 3), "dense vector, got " + bad);
      assertNotFinite(() -> queries.denseRescorer(dense), "dense vector, got " + bad);
      assertNotFinite(() -> queries.colbertRescorer(colbert), "token vectors, got " + bad);
    }
  }

  private static void assertNotFinite(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected finite numbers in a query's " + message);
  }

  @Test
  void indexesOfAnotherForm_areRefused_andNotEmpty() throws IOException {
    Embedding query = OwnIndex.embedding("firefly light");
    try (OwnIndex impacts = new OwnIndex(OwnIndex.fields().build()).fill(SEED, 50);
        OwnIndex features =
            new OwnIndex(OwnIndex.fields().sparseForm(SparseForm.FEATURES).build())
                .fill(SEED, 50)) {
      for (OwnIndex asked : List.of(impacts, features)) {
        OwnIndex other = asked == impacts ? features : impacts;
        refuses(other, asked.fields.queries().sparse(query.sparse()), "postings of the form");
      }
      VectorQueries notNormalized =
          VectorFields.builder(OwnIndex.DIMENSION, false).build().queries();
      refuses(impacts, notNormalized.dense(query.dense(), 5), "MAXIMUM_INNER_PRODUCT");
      VectorQueries longer = VectorFields.builder(32, true).build().queries();
      refuses(impacts, longer.dense(new float[32], 5), "32 floats");
      VectorQueries ofWords =
          OwnIndex.fields()
              .name(Output.SPARSE, "body")
              .name(Output.DENSE, "price")
              .build()
              .queries();
      refuses(impacts, ofWords.sparse(query.sparse()), "terms of no such form");
      refuses(impacts, ofWords.dense(query.dense(), 5), "no vectors");
      VectorQueries ofBlocks = impacts.fields.queries(new TermQuery(new Term("document", "1")));
      refuses(impacts, ofBlocks.sparse(query.sparse()), "no such document");
      refuses(impacts, ofBlocks.dense(query.dense(), 5), "no such document");
    }
  }

  private static void refuses(OwnIndex index, Query query, String why) throws IOException {
    try (DirectoryReader reader = DirectoryReader.open(index.directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      Query beside =
          new BooleanQuery.Builder()
              .add(query, Occur.SHOULD)
              .add(new TermQuery(new Term("body", "river")), Occur.SHOULD)
              .build();
      for (Query asked : List.of(query, beside)) {
        assertThatThrownBy(() -> searcher.search(asked, 5))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining(why)
            .hasMessageContaining("Describe the fields as they were written");
      }
    }
  }

  @Test
  void fieldsThatNoDocumentHas_findNothing() throws IOException {
    try (Directory directory = new ByteBuffersDirectory();
        IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      Document document = new Document();
      document.add(new TextField("body", "firefly", TextField.Store.NO));
      document.add(new KnnByteVectorField("other", new byte[] {1, 2}));
      writer.addDocument(document);
      try (DirectoryReader reader = DirectoryReader.open(writer)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        Embedding query = OwnIndex.embedding("firefly");
        VectorQueries queries = OwnIndex.fields().build().queries();
        assertThat(
                Stream.of(queries.dense(query.dense(), 5), queries.sparse(query.sparse()))
                    .map(q -> count(searcher, q)))
            .containsOnly(0);
      }
    }
  }

  private static int count(IndexSearcher searcher, Query query) {
    try {
      return searcher.count(query);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }
}
