package io.luciole.lucene;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.ConcurrentMergeScheduler;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.SerialMergeScheduler;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.TieredMergePolicy;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Token vectors in 2 bits where a segment's vectors are all alike, or one is like no other. */
@Tag("lucene-10.4")
class ResidualCornersTest {
  private static final int DIMENSION = 32;
  private static final int MIN_ROWS = 512;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final List<MultiVector> documents = new ArrayList<>();

  private final VectorFields fields =
      VectorFields.builder(1, true)
          .dense(false)
          .sparse(false)
          .multiVectors(MultiVectorForm.RESIDUAL2, DIMENSION)
          .build();

  private IndexWriterConfig config(boolean merges) {
    return new IndexWriterConfig()
        .setMergePolicy(merges ? new TieredMergePolicy() : NoMergePolicy.INSTANCE)
        .setMergeScheduler(new SerialMergeScheduler())
        .setCodec(ResidualCodec.of(fields, MIN_ROWS));
  }

  private static MultiVector rows(float[]... rows) {
    float[] values = new float[rows.length * DIMENSION];
    for (int r = 0; r < rows.length; r++) {
      System.arraycopy(rows[r], 0, values, r * DIMENSION, DIMENSION);
    }
    return MultiVector.of(DIMENSION, values);
  }

  private float[] direction() {
    float[] row = new float[DIMENSION];
    for (int d = 0; d < DIMENSION; d++) {
      row[d] = (float) random.nextGaussian();
    }
    return VectorUtil.l2normalize(row);
  }

  private static MultiVector same(float[] row) {
    return rows(row, row, row, row);
  }

  private void write(Directory directory, List<MultiVector> segment) throws IOException {
    try (IndexWriter writer = new IndexWriter(directory, config(false))) {
      for (MultiVector rows : segment) {
        Document document = new Document();
        fields.addTo(document, Embedding.absent().withColbert(rows));
        writer.addDocument(document);
        documents.add(rows);
      }
    }
  }

  private float[] scores(Directory directory, float[] query) throws IOException {
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      TopDocs all = searcher.search(DocumentReader.all(), reader.maxDoc());
      float[] scores = new float[reader.maxDoc()];
      for (ScoreDoc hit :
          fields
              .queries()
              .colbertRescorer(rows(query))
              .rescore(searcher, all, reader.maxDoc())
              .scoreDocs) {
        scores[hit.doc] = hit.score;
      }
      return scores;
    }
  }

  private void assertNear(Directory directory, double off) throws IOException {
    for (int q = 0; q < 5; q++) {
      float[] query = direction();
      float[] scores = scores(directory, query);
      for (int d = 0; d < scores.length; d++) {
        assertThat((double) scores[d])
            .as("seed %d, document %d", seed, d)
            .isCloseTo(rows(query).maxSim(documents.get(d)), within(off));
      }
    }
  }

  @Test
  void vectorsThatAreAllTheSame_haveTheirScore() throws IOException {
    float[] same = direction();
    try (Directory directory = new ByteBuffersDirectory()) {
      write(directory, Collections.nCopies(200, same(same)));
      assertNear(directory, 0.02);
    }
  }

  @Test
  void vectorUnlikeAllOthers_whichAreTheSame_hasAboutItsScore() throws IOException {
    float[] same = direction();
    try (Directory directory = new ByteBuffersDirectory()) {
      List<MultiVector> segment = new ArrayList<>(Collections.nCopies(40_000, same(same)));
      segment.set(2_021, same(direction()));
      write(directory, segment);
      assertNear(directory, 0.3);
    }
  }

  @Test
  void vectorsOfAnotherSegment_whichAreTheSame_haveAboutTheirScore() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      write(directory, Collections.nCopies(200, same(direction())));
      write(directory, List.of(same(direction()), same(direction())));
      try (IndexWriter writer = new IndexWriter(directory, config(true))) {
        writer.forceMerge(1);
      }
      assertNear(directory, 0.3);
    }
  }

  @Test
  void componentThatIsZeroInAllOtherVectors_givesAFiniteScore() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      List<MultiVector> segment = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        float[] row = direction();
        row[7] = 0;
        segment.add(same(VectorUtil.l2normalize(row)));
      }
      write(directory, segment);
      float[] odd = new float[DIMENSION];
      odd[7] = 1;
      write(directory, List.of(same(odd)));
      try (IndexWriter writer = new IndexWriter(directory, config(true))) {
        writer.forceMerge(1);
      }
      assertNear(directory, 0.5);
    }
  }

  @Test
  void vectorsOfAllLengths_haveFiniteScores() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      List<MultiVector> segment = new ArrayList<>();
      for (int i = 0; i < 300; i++) {
        float[] row = direction();
        if (i % 50 == 7) {
          for (int d = 0; d < DIMENSION; d++) {
            row[d] *= i % 100 == 7 ? 1e5f : 1e-5f;
          }
        }
        segment.add(i == 33 ? same(new float[DIMENSION]) : same(row));
      }
      write(directory, segment);
      for (float score : scores(directory, direction())) {
        assertThat(score).isFinite();
      }
    }
  }

  /** Several threads add, replace and delete, while segments are flushed and merged. */
  @Test
  void changesOfSeveralThreads_leaveEachDocumentItsVectors() throws Exception {
    for (boolean sorted : new boolean[] {false, true}) {
      try (Directory directory = new ByteBuffersDirectory()) {
        IndexWriterConfig config =
            config(true).setMergeScheduler(new ConcurrentMergeScheduler()).setMaxBufferedDocs(70);
        if (sorted) {
          config.setIndexSort(new Sort(new SortField("order", SortField.Type.LONG)));
        }
        Map<Integer, MultiVector> kept = new ConcurrentHashMap<>();
        try (IndexWriter writer = new IndexWriter(directory, config)) {
          List<Callable<Boolean>> threads = new ArrayList<>();
          for (int t = 0; t < 4; t++) {
            int first = t * 1000;
            long of = random.nextLong();
            threads.add(() -> change(writer, kept, first, new Random(of)));
          }
          try (ExecutorService executor = Executors.newFixedThreadPool(4)) {
            for (Future<Boolean> done : executor.invokeAll(threads)) {
              assertThat(done.get()).isTrue();
            }
          }
          writer.commit();
          assertKept(directory, kept);
          writer.forceMerge(1);
        }
        assertKept(directory, kept);
        BlockPostingsTest.check(directory);
      }
    }
  }

  private boolean change(
      IndexWriter writer, Map<Integer, MultiVector> kept, int first, Random random)
      throws IOException {
    for (int i = 0; i < 500; i++) {
      int id = first + random.nextInt(300);
      Term term = new Term("id", Integer.toString(id));
      if (random.nextInt(5) == 0) {
        writer.deleteDocuments(term);
        kept.remove(id);
        continue;
      }
      float[] values = new float[random.nextInt(8) * DIMENSION];
      for (int v = 0; v < values.length; v++) {
        values[v] = (float) random.nextGaussian();
      }
      for (int row = 0; row < values.length; row += DIMENSION) {
        float[] one = Arrays.copyOfRange(values, row, row + DIMENSION);
        System.arraycopy(VectorUtil.l2normalize(one), 0, values, row, DIMENSION);
      }
      MultiVector rows = MultiVector.of(DIMENSION, values);
      Document document = new Document();
      document.add(new StringField("id", term.text(), Field.Store.YES));
      document.add(new NumericDocValuesField("order", random.nextInt(20)));
      fields.addTo(document, Embedding.absent().withColbert(rows));
      writer.updateDocument(term, document);
      kept.put(id, rows);
    }
    return true;
  }

  private void assertKept(Directory directory, Map<Integer, MultiVector> kept) throws IOException {
    MultiVector query = rows(direction(), direction());
    try (DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      TopDocs all = searcher.search(DocumentReader.all(), reader.maxDoc());
      assertThat(all.scoreDocs).as("seed %d", seed).hasSize(kept.size());
      for (ScoreDoc hit :
          fields
              .queries()
              .colbertRescorer(query)
              .rescore(searcher, all, reader.maxDoc())
              .scoreDocs) {
        int id = Integer.parseInt(searcher.storedFields().document(hit.doc).get("id"));
        MultiVector rows = requireNonNull(kept.get(id));
        assertThat((double) hit.score)
            .as("seed %d, document %d", seed, id)
            .isCloseTo(rows.rows() == 0 ? 0 : query.maxSim(rows), within(0.3));
      }
    }
  }
}
