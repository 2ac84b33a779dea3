package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.SparseVector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.index.ReaderUtil;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What becomes of postings in blocks when a process ends in a merge, or files are not whole. */
@Tag("lucene-10.4")
class BlockDamageTest {
  private static final int SEGMENTS = 12;
  private static final int DOCUMENTS = 500;
  private static final int TOKENS = 400;

  private final long seed = new Random().nextLong();
  private final Random random = new Random(seed);
  private final List<SparseVector> queries = new ArrayList<>();

  @TempDir Path folder;
  private Path index = Path.of("");
  private List<String> expected = List.of();

  @BeforeEach
  void writeSegments() throws IOException {
    index = folder.resolve("index");
    try (FSDirectory directory = FSDirectory.open(index);
        IndexWriter writer =
            new IndexWriter(
                directory,
                BlockPostingsTest.config(true)
                    .setUseCompoundFile(false)
                    .setMergePolicy(NoMergePolicy.INSTANCE))) {
      for (int s = 0; s < SEGMENTS; s++) {
        for (int d = 0; d < DOCUMENTS; d++) {
          Document document = new Document();
          new ImpactPostings(256).add(document, "sparse", vector(10 + random.nextInt(40)));
          document.add(new NumericDocValuesField("number", s * DOCUMENTS + d));
          writer.addDocument(document);
        }
        writer.commit();
      }
    }
    for (int q = 0; q < 20; q++) {
      queries.add(vector(12));
    }
    expected = found(index);
  }

  private SparseVector vector(int length) {
    int[] ids = random.ints(0, TOKENS).distinct().limit(length).sorted().toArray();
    float[] weights = new float[length];
    for (int i = 0; i < length; i++) {
      weights[i] = 0.01f + random.nextFloat();
    }
    return SparseVector.of(ids, weights);
  }

  /** Of each query, its best documents: numbers and scores, in an order that no merge changes. */
  private List<String> found(Path of) throws IOException {
    VectorQueries fields =
        VectorFields.builder(4, true)
            .dense(false)
            .sparseForm(SparseForm.BLOCKS)
            .exactSparse(false)
            .build()
            .queries();
    List<String> all = new ArrayList<>();
    try (FSDirectory directory = FSDirectory.open(of);
        DirectoryReader reader = DirectoryReader.open(directory)) {
      IndexSearcher searcher = new IndexSearcher(reader);
      for (SparseVector query : queries) {
        List<String> hits = new ArrayList<>();
        int count = SEGMENTS * DOCUMENTS;
        for (ScoreDoc hit :
            searcher.search(
                    fields.sparse(query, count, null),
                    new TopScoreDocCollectorManager(count, null, count))
                .scoreDocs) {
          var leaf = reader.leaves().get(ReaderUtil.subIndex(hit.doc, reader.leaves()));
          var numbers = leaf.reader().getNumericDocValues("number");
          assertThat(numbers.advanceExact(hit.doc - leaf.docBase)).isTrue();
          hits.add(numbers.longValue() + " " + hit.score);
        }
        hits.sort(null);
        all.add(String.join(", ", hits));
      }
    }
    return all;
  }

  /** The process that is killed. */
  static final class Merger {
    private Merger() {}

    public static void main(String[] args) throws IOException {
      try (FSDirectory directory = FSDirectory.open(Path.of(args[0]));
          IndexWriter writer =
              new IndexWriter(
                  directory, BlockPostingsTest.config(true).setUseCompoundFile(false))) {
        System.out.println("started");
        writer.forceMerge(4);
        writer.commit();
        writer.forceMerge(1);
        writer.commit();
        System.out.println("done");
      }
    }
  }

  @Test
  void killedWhileMerging_everythingIsFoundAsBefore() throws Exception {
    kill(2);
  }

  @Tag("long")
  @Test
  void killedThirtyTimesWhileMerging_everythingIsFoundAsBefore() throws Exception {
    kill(30);
  }

  private void kill(int times) throws Exception {
    for (int kill = 0; kill < times; kill++) {
      Path copy = folder.resolve("copy" + kill);
      Files.createDirectory(copy);
      for (Path file : files("")) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
      KilledProcess.run(Merger.class, copy, random.nextInt(500));
      try (FSDirectory directory = FSDirectory.open(copy)) {
        BlockPostingsTest.check(directory);
      }
      assertThat(found(copy)).as("seed %d, kill %d", seed, kill).isEqualTo(expected);
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

  /** The search fails or finds what it did, and the index is not sound. */
  private void assertTold(String what) {
    List<String> told = new ArrayList<>();
    try {
      assertThat(found(index)).as("seed %d, %s", seed, what).isEqualTo(expected);
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

  @Test
  void postingsThatAreCut_areTold() throws IOException {
    Path file = files(".lbp").get(random.nextInt(SEGMENTS));
    byte[] whole = Files.readAllBytes(file);
    for (int cut : new int[] {0, 1, 16, 17, random.nextInt(whole.length), whole.length - 1}) {
      Files.write(file, Arrays.copyOf(whole, cut));
      assertTold(file + " cut to " + cut);
    }
    Files.write(file, whole);
    assertThat(found(index)).isEqualTo(expected);
  }

  @Test
  void postingsThatAreMissing_areTold() throws IOException {
    Files.delete(files(".lbp").get(random.nextInt(SEGMENTS)));
    assertTold("missing");
  }

  @Test
  void postingsOfAnotherSegment_areTold() throws IOException {
    List<Path> postings = files(".lbp");
    Files.write(postings.get(3), Files.readAllBytes(postings.get(7)));
    assertTold("another segment's");
  }

  /** A page of zeros, as file systems leave them after a loss of power. */
  @Test
  void pagesOfZeros_areTold() throws IOException {
    Path file = files(".lbp").get(random.nextInt(SEGMENTS));
    byte[] whole = Files.readAllBytes(file);
    for (int from = 0; from < whole.length; from += 4096) {
      byte[] zeros = whole.clone();
      Arrays.fill(zeros, from, Math.min(whole.length, from + 4096), (byte) 0);
      Files.write(file, zeros);
      assertTold("zeros from " + from);
    }
  }
}
