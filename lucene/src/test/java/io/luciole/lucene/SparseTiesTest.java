package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntToDoubleFunction;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.BinaryDocValues;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.FilterDirectoryReader;
import org.apache.lucene.index.FilterLeafReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.util.BytesRef;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** Sparse searches of documents whose weights are equal once they are rounded. */
@Tag("lucene-10.0")
class SparseTiesTest {
  private static final long SEED = 20_261_130;
  private static final int TOP = 10;
  private static final VectorFields FIELDS =
      VectorFields.builder(OwnIndex.DIMENSION, true).dense(false).build();
  private static final SparseVector QUERY = SparseVector.of(new int[] {5}, new float[] {1});

  /** What no score exceeds its rounded one by. */
  private static final float ERROR = 0.5f / 256;

  /** A reader that counts how often a document's exact weights are read. */
  private static final class CountingReader extends FilterDirectoryReader {
    private final AtomicInteger read;

    CountingReader(DirectoryReader reader, AtomicInteger read) throws IOException {
      super(
          reader,
          new SubReaderWrapper() {
            @Override
            public LeafReader wrap(LeafReader leaf) {
              return counting(leaf, read);
            }
          });
      this.read = read;
    }

    private static LeafReader counting(LeafReader leaf, AtomicInteger read) {
      return new FilterLeafReader(leaf) {
        @Override
        public BinaryDocValues getBinaryDocValues(String field) throws IOException {
          BinaryDocValues values = in.getBinaryDocValues(field);
          return field.equals(FIELDS.exactField()) ? counting(values, read) : values;
        }

        @Override
        public CacheHelper getCoreCacheHelper() {
          return in.getCoreCacheHelper();
        }

        @Override
        public CacheHelper getReaderCacheHelper() {
          return in.getReaderCacheHelper();
        }
      };
    }

    private static BinaryDocValues counting(BinaryDocValues values, AtomicInteger read) {
      return new BinaryDocValues() {
        @Override
        public boolean advanceExact(int target) throws IOException {
          return values.advanceExact(target);
        }

        @Override
        public BytesRef binaryValue() throws IOException {
          read.incrementAndGet();
          return values.binaryValue();
        }

        @Override
        public int docID() {
          return values.docID();
        }

        @Override
        public int nextDoc() throws IOException {
          return values.nextDoc();
        }

        @Override
        public int advance(int target) throws IOException {
          return values.advance(target);
        }

        @Override
        public long cost() {
          return values.cost();
        }
      };
    }

    @Override
    protected DirectoryReader doWrapDirectoryReader(DirectoryReader other) throws IOException {
      return new CountingReader(other, read);
    }

    @Override
    public CacheHelper getReaderCacheHelper() {
      return in.getReaderCacheHelper();
    }
  }

  private record Answer(TopDocs found, int read) {}

  /** Searches an index of so many documents, of which each has one weight. */
  private static Answer search(int documents, IntToDoubleFunction weights) throws IOException {
    AtomicInteger read = new AtomicInteger();
    try (ByteBuffersDirectory directory = new ByteBuffersDirectory()) {
      try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
        for (int i = 0; i < documents; i++) {
          Document document = new Document();
          SparseVector of =
              SparseVector.of(new int[] {5}, new float[] {(float) weights.applyAsDouble(i)});
          FIELDS.addTo(document, Embedding.absent().withSparse(of));
          writer.addDocument(document);
        }
        writer.forceMerge(1);
      }
      try (DirectoryReader reader = new CountingReader(DirectoryReader.open(directory), read)) {
        return new Answer(
            FIELDS.queries().topSparse(new IndexSearcher(reader), QUERY, TOP, null), read.get());
      }
    }
  }

  @Test
  void tiesWithinTheBound_areSearchedExactly_andReadOnce() throws IOException {
    int documents = 5_000;
    // All round to 51/256, the largest comes last.
    Answer answer = search(documents, i -> 0.1985 + 0.0015 * i / documents);
    assertThat(answer.found().scoreDocs)
        .extracting(hit -> hit.doc)
        .containsExactly(4999, 4998, 4997, 4996, 4995, 4994, 4993, 4992, 4991, 4990);
    assertThat(answer.read()).isEqualTo(documents);
  }

  @Test
  void tiesBeyondTheBound_costNoMore_andScoresAreOffByRoundingAtMost() throws IOException {
    int documents = VectorSearch.MOST_CANDIDATES + 5_000;
    Answer equal = search(documents, i -> 0.2);
    assertThat(equal.read()).isEqualTo(VectorSearch.MOST_CANDIDATES);
    assertThat(equal.found().scoreDocs)
        .extracting(hit -> hit.doc)
        .containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);

    SplittableRandom random = new SplittableRandom(SEED);
    double[] weights = random.doubles(documents, 0.1985, 0.2005).toArray();
    Answer different = search(documents, i -> weights[i]);
    assertThat(different.read()).isEqualTo(VectorSearch.MOST_CANDIDATES);
    float last = different.found().scoreDocs[TOP - 1].score;
    List<Integer> found = new ArrayList<>();
    for (ScoreDoc hit : different.found().scoreDocs) {
      assertThat(hit.score).isEqualTo((float) weights[hit.doc]);
      found.add(hit.doc);
    }
    assertThat(found).as("seed %d", SEED).doesNotHaveDuplicates();
    assertThat((float) Arrays.stream(weights).max().orElseThrow())
        .isLessThanOrEqualTo(last + 2 * ERROR);
  }

  @Test
  void productsOfKeptBytes_areThoseOfTheirVectors() {
    SplittableRandom random = new SplittableRandom(SEED);
    for (int i = 0; i < 200; i++) {
      SparseVector query = vector(random, random.nextInt(8));
      SparseVector document = vector(random, random.nextInt(60));
      assertThat(SparseBytes.dot(query, SparseBytes.encode(document)))
          .as("seed %d, %s and %s", SEED, query, document)
          .isEqualTo(query.dot(document));
    }
  }

  private static SparseVector vector(SplittableRandom random, int tokens) {
    int[] ids = random.ints(tokens, 0, 300).distinct().sorted().toArray();
    float[] weights = new float[ids.length];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = 0.01f + (float) random.nextDouble();
    }
    return SparseVector.of(ids, weights);
  }
}
