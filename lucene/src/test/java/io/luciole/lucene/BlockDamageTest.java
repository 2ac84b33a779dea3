package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.SparseVector;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.NoMergePolicy;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;

/** What becomes of postings in blocks when a process ends in a merge, or files are not whole. */
@Tag("lucene-10.4")
class BlockDamageTest extends DamageTestCase {
  private static final int SEGMENTS = 12;
  private static final int DOCUMENTS = 500;
  private static final int TOKENS = 400;

  private final List<SparseVector> queries = new ArrayList<>();

  private List<String> expected = List.of();

  BlockDamageTest() {
    super(".lbp", Merger.class, 500);
  }

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
          hits.add(number(reader, hit) + " " + hit.score);
        }
        hits.sort(null);
        all.add(String.join(", ", hits));
      }
    }
    return all;
  }

  @Override
  void assertAsBefore(Path of, String what) throws IOException {
    assertThat(found(of)).as("seed %d, %s", seed, what).isEqualTo(expected);
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
}
