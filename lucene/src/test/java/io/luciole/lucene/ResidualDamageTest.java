package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * What becomes of token vectors in 2 bits when a process ends in a merge, or files are not whole.
 */
@Tag("lucene-10.4")
class ResidualDamageTest extends DamageTestCase {
  private static final int DIMENSION = 30;
  private static final int MIN_ROWS = 600;
  private static final int SEGMENTS = 10;
  private static final int DOCUMENTS = 150;
  private static final int ROWS = 6;

  /**
   * Every third segment has so few documents that they are not compressed before they are merged.
   */
  private static final int FEW = 40;

  private static final VectorFields FIELDS =
      VectorFields.builder(1, true)
          .dense(false)
          .sparse(false)
          .multiVectors(MultiVectorForm.RESIDUAL2, DIMENSION)
          .build();

  private final List<MultiVector> queries = new ArrayList<>();

  private List<Map<Long, Float>> expected = List.of();

  ResidualDamageTest() {
    super("." + ResidualFormat.EXTENSION, Merger.class, 700);
  }

  private static IndexWriterConfig config() {
    return new IndexWriterConfig()
        .setUseCompoundFile(false)
        .setCodec(ResidualCodec.of(FIELDS, MIN_ROWS));
  }

  @BeforeEach
  void writeSegments() throws IOException {
    index = folder.resolve("index");
    try (FSDirectory directory = FSDirectory.open(index);
        IndexWriter writer =
            new IndexWriter(directory, config().setMergePolicy(NoMergePolicy.INSTANCE))) {
      for (int s = 0; s < SEGMENTS; s++) {
        for (int d = 0; d < (s % 3 == 2 ? FEW : DOCUMENTS); d++) {
          Document document = new Document();
          FIELDS.addTo(document, Embedding.absent().withColbert(rows(ROWS)));
          document.add(new NumericDocValuesField("number", s * DOCUMENTS + d));
          writer.addDocument(document);
        }
        writer.commit();
      }
    }
    for (int q = 0; q < 3; q++) {
      queries.add(rows(4));
    }
    expected = found(index);
  }

  private MultiVector rows(int count) {
    float[] values = new float[count * DIMENSION];
    for (int r = 0; r < count; r++) {
      float[] row = new float[DIMENSION];
      for (int d = 0; d < DIMENSION; d++) {
        row[d] = (float) random.nextGaussian();
      }
      System.arraycopy(VectorUtil.l2normalize(row), 0, values, r * DIMENSION, DIMENSION);
    }
    return MultiVector.of(DIMENSION, values);
  }

  /** Of each query the scores of all documents, by their numbers. */
  private List<Map<Long, Float>> found(Path of) throws IOException {
    List<Map<Long, Float>> all = new ArrayList<>();
    try (FSDirectory directory = FSDirectory.open(of);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      for (MultiVector query : queries) {
        Map<Long, Float> scores = new TreeMap<>();
        for (ScoreDoc hit :
            FIELDS
                .queries()
                .colbertRescorer(query)
                .rescore(
                    searcher,
                    searcher.search(DocumentReader.all(), reader.maxDoc()),
                    reader.maxDoc())
                .scoreDocs) {
          scores.put(number(reader, hit), hit.score);
        }
        all.add(scores);
      }
    }
    return all;
  }

  /** As before but for what a merge has compressed since. */
  @Override
  void assertAsBefore(Path of, String what) throws IOException {
    List<Map<Long, Float>> found = found(of);
    for (int q = 0; q < found.size(); q++) {
      Map<Long, Float> before = expected.get(q);
      assertThat(found.get(q).keySet()).as("seed %d, %s", seed, what).isEqualTo(before.keySet());
      found
          .get(q)
          .forEach((number, score) -> {
            boolean compressed = number / DOCUMENTS % 3 != 2;
            assertThat(score)
                .as("seed %d, %s, %d", seed, what, number)
                .isCloseTo(
                    before.getOrDefault(number, Float.NaN), within(compressed ? 1e-5f : 0.3f));
          });
    }
  }

  /** The process that is killed. */
  static final class Merger {
    private Merger() {}

    public static void main(String[] args) throws IOException {
      try (FSDirectory directory = FSDirectory.open(Path.of(args[0]));
          IndexWriter writer = new IndexWriter(directory, config())) {
        System.out.println("started");
        for (int segments = SEGMENTS - 1; segments > 0; segments--) {
          writer.forceMerge(segments);
          writer.commit();
        }
        System.out.println("done");
      }
    }
  }

  @Test
  void bytesThatAreDamaged_areTold() throws IOException {
    for (Path file : List.of(file(), addresses())) {
      byte[] whole = Files.readAllBytes(file);
      int step = Math.max(1, whole.length / 50);
      for (int at = random.nextInt(step); at < whole.length; at += 1 + random.nextInt(2 * step)) {
        byte[] damaged = whole.clone();
        damaged[at] ^= (byte) (1 + random.nextInt(255));
        Files.write(file, damaged);
        assertTold(file + ", byte " + at);
      }
      Files.write(file, whole);
    }
  }

  /** The addresses of a segment's vectors: the values beside a file of vectors. */
  private Path addresses() throws IOException {
    return index.resolve(file().getFileName().toString().replace(".lrv", ".dvd"));
  }
}
