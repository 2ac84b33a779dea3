package io.luciole.lucene;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.Output;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.lucene.codecs.DocValuesFormat;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.CheckIndex;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.CorruptIndexException;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.SlowCodecReaderWrapper;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Rescorer;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.IndexOutput;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Token vectors in 2 bits a component beside centroids. */
@Tag("lucene-10.4")
class ResidualFormatTest {
  private static final long SEED = 20_261_129;
  private static final int DIMENSION = 30;
  private static final int MIN_ROWS = 600;
  private static final int ROWS = 6;

  private final VectorFields fields =
      VectorFields.builder(1, true)
          .dense(false)
          .sparse(false)
          .multiVectors(MultiVectorForm.RESIDUAL2, DIMENSION)
          .build();

  private final Random random = new Random(SEED);
  private final float[][] topics = new float[40][];
  private final Map<String, MultiVector> documents = new TreeMap<>();

  ResidualFormatTest() {
    for (int t = 0; t < topics.length; t++) {
      topics[t] = row(new float[DIMENSION], 1);
    }
  }

  private float[] row(float[] around, double spread) {
    float[] row = new float[DIMENSION];
    for (int d = 0; d < DIMENSION; d++) {
      row[d] = around[d] + (float) (spread * random.nextGaussian());
    }
    return VectorUtil.l2normalize(row);
  }

  private MultiVector rows(int count) {
    float[] values = new float[count * DIMENSION];
    for (int r = 0; r < count; r++) {
      float[] row = row(topics[random.nextInt(topics.length)], 0.08);
      System.arraycopy(row, 0, values, r * DIMENSION, DIMENSION);
    }
    return MultiVector.of(DIMENSION, values);
  }

  private IndexWriterConfig config() {
    return new IndexWriterConfig()
        .setMergePolicy(NoMergePolicy.INSTANCE)
        .setCodec(ResidualCodec.of(fields, MIN_ROWS));
  }

  /** Writes a segment of documents; each ninth has no vectors. */
  private void segment(Directory directory, String prefix, int count) throws IOException {
    try (IndexWriter writer = new IndexWriter(directory, config())) {
      for (int i = 0; i < count; i++) {
        String id = prefix + i;
        Document document = new Document();
        document.add(new StringField("id", id, StringField.Store.YES));
        MultiVector rows = rows(i % 9 == 8 ? 0 : ROWS);
        documents.put(id, rows);
        fields.addTo(document, Embedding.absent().withColbert(rows));
        writer.addDocument(document);
      }
    }
  }

  private static void merge(Directory directory, IndexWriterConfig config) throws IOException {
    config.setMergePolicy(new TieredMergePolicy()).setMergeScheduler(new SerialMergeScheduler());
    try (IndexWriter writer = new IndexWriter(directory, config)) {
      writer.forceMerge(1);
    }
  }

  /** The scores of all documents, by id. */
  private Map<String, Float> scores(Directory directory, MultiVector query) throws IOException {
    Map<String, Float> scores = new HashMap<>();
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      Rescorer rescorer = fields.queries().colbertRescorer(query);
      TopDocs all = searcher.search(DocumentReader.all(), reader.maxDoc());
      for (ScoreDoc hit : rescorer.rescore(searcher, all, reader.maxDoc()).scoreDocs) {
        scores.put(searcher.storedFields().document(hit.doc).get("id"), hit.score);
      }
    }
    return scores;
  }

  /** How many vectors each set of centroids of each segment compresses. */
  private List<List<Long>> sets(Directory directory) throws IOException {
    List<List<Long>> sets = new ArrayList<>();
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      for (LeafReaderContext leaf : reader.leaves()) {
        BinaryDocValues values = leaf.reader().getBinaryDocValues(fields.tokenVectorsField());
        assertThat(values).isInstanceOf(ResidualValues.class);
        if (values instanceof ResidualValues kept) {
          long[] rows = new long[kept.sets() + 1];
          while (kept.nextDoc() != BinaryDocValues.NO_MORE_DOCS) {
            rows[kept.centroids() + 1] += kept.rows();
          }
          sets.add(Arrays.stream(rows).boxed().toList());
        }
      }
    }
    return sets;
  }

  private void assertNear(Map<String, Float> scores, MultiVector query, double off) {
    double sum = 0;
    for (Map.Entry<String, Float> score : scores.entrySet()) {
      MultiVector rows = documents.get(score.getKey());
      assertThat(rows).isNotNull();
      if (rows != null) {
        double exact = rows.rows() == 0 ? 0 : query.maxSim(rows);
        assertThat((double) score.getValue()).isCloseTo(exact, within(10 * off));
        sum += Math.abs(score.getValue() - exact);
      }
    }
    assertThat(sum / scores.size()).as("seed %d", SEED).isLessThan(off);
  }

  private static void check(Directory directory) throws IOException {
    try (CheckIndex check = new CheckIndex(directory)) {
      ByteArrayOutputStream said = new ByteArrayOutputStream();
      check.setInfoStream(new PrintStream(said, true, UTF_8));
      assertThat(check.checkIndex().clean).as(said.toString(UTF_8)).isTrue();
    }
  }

  @Test
  void fewVectors_areKeptAsBytes_andScoreLikeThem() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      segment(directory, "a", 40);
      assertThat(sets(directory)).containsExactly(List.of(36L * ROWS));
      MultiVector query = rows(3);
      assertNear(scores(directory, query), query, 2e-3);
      check(directory);
    }
  }

  @Test
  void manyVectors_areCompressed_andScoreAboutTheSame() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      segment(directory, "a", 180);
      assertThat(sets(directory)).containsExactly(List.of(0L, 160L * ROWS));
      MultiVector query = rows(4);
      assertNear(scores(directory, query), query, 0.03);
      check(directory);
    }
  }

  @Test
  void tasksOfAQuery_shareItsProductsWithCentroids_segmentsDoNot() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      segment(directory, "a", 180);
      segment(directory, "b", 180);
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        TokenQuery query = new TokenQuery(rows(4).toArrays());
        List<ResidualScorer> scorers = new ArrayList<>();
        for (LeafReaderContext leaf : reader.leaves()) {
          for (int task = 0; task < 2; task++) {
            BinaryDocValues values = leaf.reader().getBinaryDocValues(fields.tokenVectorsField());
            scorers.add(((ResidualValues) values).scorer(query, 0));
          }
        }
        assertThat(scorers.get(1)).isSameAs(scorers.get(0));
        assertThat(scorers.get(3)).isSameAs(scorers.get(2)).isNotSameAs(scorers.get(0));
      }
    }
  }

  @Test
  void manyThreads_scoreAsOne() throws IOException {
    try (Directory directory = new ByteBuffersDirectory();
        ExecutorService threads = Executors.newFixedThreadPool(4)) {
      segment(directory, "a", 180);
      segment(directory, "b", 180);
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        TopDocs all = new IndexSearcher(reader).search(DocumentReader.all(), reader.maxDoc());
        for (int q = 0; q < 20; q++) {
          Rescorer rescorer = fields.queries().colbertRescorer(rows(4));
          ScoreDoc[] one = rescorer.rescore(new IndexSearcher(reader), all, 400).scoreDocs;
          ScoreDoc[] many =
              rescorer.rescore(new IndexSearcher(reader, threads), all, 400).scoreDocs;
          assertThat(Arrays.toString(many)).as("seed %d", SEED).isEqualTo(Arrays.toString(one));
        }
      }
    }
  }

  @Test
  void mergedSegments_copyWhatIsCompressed_andCompressTheRest() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      segment(directory, "a", 180);
      segment(directory, "b", 270);
      segment(directory, "c", 40);
      assertThat(sets(directory))
          .containsExactly(List.of(0L, 160L * ROWS), List.of(0L, 240L * ROWS), List.of(36L * ROWS));
      MultiVector query = rows(4);
      Map<String, Float> before = scores(directory, query);
      try (IndexWriter writer = new IndexWriter(directory, config())) {
        writer.deleteDocuments(new Term("id", "a3"), new Term("id", "b5"), new Term("id", "c7"));
      }
      documents.keySet().removeAll(List.of("a3", "b5", "c7"));
      merge(directory, config());
      // The vectors that were bytes go to the set that compresses most; the order is the merge's.
      assertThat(sets(directory)).hasSize(1);
      assertThat(sets(directory).get(0))
          .containsExactlyInAnyOrder(0L, 159L * ROWS, 239L * ROWS + 35L * ROWS);
      Map<String, Float> after = scores(directory, query);
      assertThat(after.keySet()).isEqualTo(documents.keySet());
      after.forEach((id, score) -> {
        if (!id.startsWith("c")) {
          assertThat(score).as(id).isCloseTo(before.getOrDefault(id, Float.NaN), within(1e-5f));
        }
      });
      assertNear(after, query, 0.03);
      check(directory);
    }
  }

  @Test
  void setsThatCompressNothingMore_areDropped_andManyRawVectorsGetTheirOwn() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      segment(directory, "a", 180);
      segment(directory, "b", 80);
      segment(directory, "c", 80);
      try (IndexWriter writer = new IndexWriter(directory, config())) {
        for (int i = 0; i < 180; i++) {
          if (i % 9 != 8) {
            writer.deleteDocuments(new Term("id", "a" + i));
            documents.remove("a" + i);
          }
        }
      }
      merge(directory, config());
      assertThat(sets(directory)).containsExactly(List.of(0L, 144L * ROWS));
      MultiVector query = rows(4);
      assertNear(scores(directory, query), query, 0.03);
      check(directory);
    }
  }

  @Test
  void readersThatWrapSegments_areMergedAsBytes() throws IOException {
    try (Directory directory = new ByteBuffersDirectory();
        Directory copy = new ByteBuffersDirectory()) {
      segment(directory, "a", 180);
      MultiVector query = rows(4);
      try (DirectoryReader reader = DirectoryReader.open(directory);
          IndexWriter writer = new IndexWriter(copy, config())) {
        List<CodecReader> readers = new ArrayList<>();
        for (LeafReaderContext leaf : reader.leaves()) {
          BinaryDocValues values = leaf.reader().getBinaryDocValues(fields.tokenVectorsField());
          assertThat(values.nextDoc()).isZero();
          MultiVector read = MultiVectorBytes.decode(values.binaryValue(), DIMENSION);
          assertThat(read.rows()).isEqualTo(ROWS);
          for (int r = 0; r < ROWS; r++) {
            MultiVector rows = documents.getOrDefault("a0", read);
            assertThat(VectorUtil.dotProduct(read.row(r), rows.row(r))).isGreaterThan(0.9f);
          }
          readers.add(SlowCodecReaderWrapper.wrap(leaf.reader()));
        }
        writer.addIndexes(readers.toArray(new CodecReader[0]));
      }
      assertNear(scores(copy, query), query, 0.04);
      check(copy);
    }
  }

  @Test
  void damagedFile_isDetected() throws IOException {
    for (boolean cut : new boolean[] {true, false}) {
      try (Directory directory = new ByteBuffersDirectory()) {
        IndexWriterConfig config = config().setUseCompoundFile(false);
        try (IndexWriter writer = new IndexWriter(directory, config)) {
          for (int i = 0; i < 150; i++) {
            Document document = new Document();
            fields.addTo(document, Embedding.absent().withColbert(rows(ROWS)));
            writer.addDocument(document);
          }
        }
        damage(directory, cut);
        if (cut) {
          assertThatThrownBy(() -> DirectoryReader.open(directory).close())
              .isInstanceOf(CorruptIndexException.class);
        } else {
          try (DirectoryReader reader = DirectoryReader.open(directory)) {
            CodecReader segment = (CodecReader) reader.leaves().get(0).reader();
            assertThatThrownBy(segment::checkIntegrity).isInstanceOf(CorruptIndexException.class);
          }
        }
      }
    }
  }

  private static void damage(Directory directory, boolean cut) throws IOException {
    for (String file : directory.listAll()) {
      if (file.endsWith("." + ResidualFormat.EXTENSION)) {
        byte[] bytes;
        try (IndexInput in = directory.openInput(file, IOContext.DEFAULT)) {
          bytes = new byte[(int) in.length()];
          in.readBytes(bytes, 0, bytes.length);
        }
        bytes[bytes.length / 2] ^= 16;
        directory.deleteFile(file);
        try (IndexOutput out = directory.createOutput(file, IOContext.DEFAULT)) {
          out.writeBytes(bytes, cut ? bytes.length - 40 : bytes.length);
        }
      }
    }
  }

  @Test
  void formatThatReadsAlone_orIsForOtherVectors_isRefused() throws IOException {
    assertThatThrownBy(() ->
            VectorFields.builder(4, true)
                .multiVectors(MultiVectorForm.INT8, 4)
                .build()
                .tokenVectorsFormat())
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("RESIDUAL2");
    assertThat(fields.tokenVectorsFormat().getName()).isEqualTo(ResidualFormat.NAME);
    assertThat(DocValuesFormat.forName(ResidualFormat.NAME)).isInstanceOf(ResidualFormat.class);
    VectorFields other =
        VectorFields.builder(1, true)
            .dense(false)
            .sparse(false)
            .multiVectors(MultiVectorForm.RESIDUAL2, DIMENSION - 1)
            .build();
    Document document = new Document();
    float[] values = new float[DIMENSION - 1];
    values[0] = 1;
    other.addTo(document, Embedding.absent().withColbert(MultiVector.of(DIMENSION - 1, values)));
    try (Directory directory = new ByteBuffersDirectory()) {
      assertThatThrownBy(
              () -> {
                try (IndexWriter writer = new IndexWriter(directory, config())) {
                  writer.addDocument(document);
                  writer.commit();
                }
              })
          .hasMessageContaining("expected token vectors of 30 components");
    }
    assertThat(fields.outputs()).containsExactly(Output.COLBERT);
  }

  @Test
  void learning_givesTheSameForTheSameVectors_andDirectionsOfLengthOne() {
    List<TokenRow> vectors = new ArrayList<>();
    for (int i = 0; i < 700; i++) {
      double[] row = new double[DIMENSION];
      float[] values = row(topics[i % topics.length], 0.08);
      for (int d = 0; d < DIMENSION; d++) {
        row[d] = values[d];
      }
      vectors.add(TokenRow.ofDirection(row));
    }
    TokenCentroids one = TokenCentroids.learn(vectors, SEED);
    TokenCentroids two = TokenCentroids.learn(vectors, SEED);
    assertThat(one.spread()).hasSize(DIMENSION).containsExactly(two.spread());
    float[] centroid = new float[DIMENSION];
    for (int c = 0; c < TokenCentroids.COUNT; c++) {
      assertThat(one.centroid(c).bytes()).containsExactly(two.centroid(c).bytes());
      one.centroid(c).decode(centroid);
      assertThat(TokenCentroids.length(centroid)).isCloseTo(1, within(0.02f));
    }
    for (TokenRow vector : vectors) {
      one.centroid(one.nearest(vector)).decode(centroid);
      float[] read = new float[DIMENSION];
      vector.decode(read);
      assertThat(VectorUtil.dotProduct(read, centroid)).isGreaterThan(0.7f);
    }
  }
}
