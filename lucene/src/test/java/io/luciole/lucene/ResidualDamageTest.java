package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What becomes of token vectors in 2 bits when a process ends in a merge, or files are not whole.
 */
@Tag("lucene-10.4")
class ResidualDamageTest {
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

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final List<MultiVector> queries = new ArrayList<>();

  @TempDir Path folder;
  private Path index = Path.of("");
  private List<Map<Long, Float>> expected = List.of();

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
          var leaf = reader.leaves().get(ReaderUtil.subIndex(hit.doc, reader.leaves()));
          var numbers = leaf.reader().getNumericDocValues("number");
          assertThat(numbers.advanceExact(hit.doc - leaf.docBase)).isTrue();
          scores.put(numbers.longValue(), hit.score);
        }
        all.add(scores);
      }
    }
    return all;
  }

  /** Asserts that scores are as before, but for what a merge has compressed since. */
  private void assertExpected(List<Map<Long, Float>> found, String what) {
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
  void killedWhileMerging_everythingScoresAsBefore() throws Exception {
    kill(2);
  }

  @Tag("long")
  @Test
  void killedThirtyTimesWhileMerging_everythingScoresAsBefore() throws Exception {
    kill(30);
  }

  private void kill(int times) throws Exception {
    for (int kill = 0; kill < times; kill++) {
      Path copy = folder.resolve("copy" + kill);
      Files.createDirectory(copy);
      for (Path file : files("")) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
      KilledProcess.run(Merger.class, copy, random.nextInt(700));
      try (FSDirectory directory = FSDirectory.open(copy)) {
        BlockPostingsTest.check(directory);
      }
      assertExpected(found(copy), "kill " + kill);
    }
  }

  private List<Path> files(String extension) throws IOException {
    try (Stream<Path> files = Files.list(index)) {
      return files
          .filter(file -> file.toString().endsWith(extension) && !file.endsWith("write.lock"))
          .sorted()
          .toList();
    }
  }

  /** The scores cannot be read or are as before, and the index is not sound. */
  private void assertTold(String what) {
    List<String> told = new ArrayList<>();
    try {
      assertExpected(found(index), what);
    } catch (IOException e) {
      told.add(e.toString());
    }
    try (FSDirectory directory = FSDirectory.open(index);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      for (var leaf : reader.leaves()) {
        ((CodecReader) leaf.reader()).checkIntegrity();
      }
    } catch (IOException e) {
      told.add(e.toString());
    }
    assertThat(told).as("seed %d, %s", seed, what).isNotEmpty();
  }

  private Path vectors() throws IOException {
    return files("." + ResidualFormat.EXTENSION).get(random.nextInt(SEGMENTS));
  }

  @Test
  void vectorsThatAreCut_areTold() throws IOException {
    Path file = vectors();
    byte[] whole = Files.readAllBytes(file);
    for (int cut : new int[] {0, 1, 16, 17, random.nextInt(whole.length), whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, cut));
      assertTold(file + " cut to " + cut);
    }
    Files.write(file, whole);
    assertExpected(found(index), "whole again");
  }

  @Test
  void vectorsThatAreMissing_orOfAnotherSegment_areTold() throws IOException {
    List<Path> all = files("." + ResidualFormat.EXTENSION);
    Files.write(all.get(3), Files.readAllBytes(all.get(7)));
    assertTold("another segment's");
    Files.delete(all.get(3));
    assertTold("missing");
  }

  /** A page of zeros, as file systems leave them after a loss of power. */
  @Test
  void pagesOfZeros_areTold() throws IOException {
    Path file = vectors();
    byte[] whole = Files.readAllBytes(file);
    for (int from = 0; from < whole.length; from += 4096) {
      byte[] zeros = whole.clone();
      Arrays.fill(zeros, from, Math.min(whole.length, from + 4096), (byte) 0);
      Files.write(file, zeros);
      assertTold("zeros from " + from);
    }
  }

  @Test
  void bytesThatAreDamaged_areTold() throws IOException {
    for (Path file : List.of(vectors(), addresses())) {
      byte[] whole = Files.readAllBytes(file);
      for (int at = random.nextInt(500); at < whole.length; at += 500 + random.nextInt(500)) {
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
    return index.resolve(vectors().getFileName().toString().replace(".lrv", ".dvd"));
  }
}
