package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import java.io.IOException;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An application's own index that is described otherwise than it was written. */
@Tag("lucene-10.4")
class OtherFormTest {
  private static final int DIMENSION = 4;
  private static final SparseVector QUERY = SparseVector.of(new int[] {3, 5}, new float[] {1, 2});
  private static final MultiVector ROWS =
      MultiVector.of(DIMENSION, new float[] {0.5f, 0.5f, 0.5f, 0.5f, 0, 1, 0, 0});

  private static VectorFields sparse(SparseWeights weights) {
    return VectorFields.builder(1, true).dense(false).sparseWeights(weights).build();
  }

  private static VectorFields rows(MultiVectorForm form) {
    return VectorFields.builder(1, true)
        .dense(false)
        .sparse(false)
        .multiVectors(form, DIMENSION)
        .build();
  }

  private static SparseVector weights(float first) {
    return SparseVector.of(new int[] {3, 5}, new float[] {first, 0.25f});
  }

  private static void add(Directory directory, VectorFields fields, Embedding embedding)
      throws IOException {
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      Document document = new Document();
      fields.addTo(document, embedding);
      writer.addDocument(document);
    }
  }

  private static void merge(Directory directory) throws IOException {
    try (IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      writer.forceMerge(1);
    }
  }

  @Test
  void weightsOfAnotherScale_areRefused() throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      add(directory, sparse(SparseWeights.BITS_10), Embedding.absent().withSparse(weights(0.5f)));
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        for (SparseWeights other :
            new SparseWeights[] {SparseWeights.EXACT, SparseWeights.BITS_8}) {
          VectorQueries queries = sparse(other).queries();
          assertThatThrownBy(() -> searcher.search(queries.sparse(QUERY), 1))
              .isInstanceOf(IndexException.class)
              .hasMessageContaining("weights times 256 in the field \"sparse\"")
              .hasMessageContaining("found weights times 1024");
          TopDocs all = new TopDocs(searcher.search(DocumentReader.all(), 1).totalHits, hits());
          assertThatThrownBy(() -> queries.sparseRescorer(QUERY).rescore(searcher, all, 1))
              .isInstanceOf(IndexException.class)
              .hasMessageContaining("found weights times 1024");
        }
        TopDocs found = sparse(SparseWeights.BITS_10).queries().topSparse(searcher, QUERY, 1, null);
        assertThat(found.scoreDocs[0].score).isEqualTo(1);
      }
    }
  }

  @Test
  void exactWeightsOfSomeDocuments_leaveThoseOfThePostingsToTheOthers() throws IOException {
    VectorFields exact = sparse(SparseWeights.EXACT);
    try (Directory directory = new ByteBuffersDirectory()) {
      add(directory, exact, Embedding.absent().withSparse(weights(0.501f)));
      add(directory, sparse(SparseWeights.BITS_8), Embedding.absent().withSparse(weights(0.75f)));
      merge(directory);
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        assertThat(reader.leaves()).hasSize(1);
        TopDocs found = exact.queries().topSparse(searcher, QUERY, 2, null);
        assertThat(found.scoreDocs).extracting(hit -> hit.doc).containsExactly(1, 0);
        assertThat(found.scoreDocs[0].score).isEqualTo(1.25f);
        assertThat(found.scoreDocs[1].score).isCloseTo(1.001f, within(1e-6f));
      }
    }
  }

  @ParameterizedTest
  @EnumSource(MultiVectorForm.class)
  void tokenVectorsOfAnotherForm_areRefused(MultiVectorForm form) throws IOException {
    try (Directory directory = new ByteBuffersDirectory()) {
      add(directory, rows(form), Embedding.absent().withColbert(ROWS));
      try (DirectoryReader reader = DirectoryReader.open(directory)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        TopDocs all = new TopDocs(searcher.search(DocumentReader.all(), 1).totalHits, hits());
        for (MultiVectorForm other : MultiVectorForm.values()) {
          var rescorer = rows(other).queries().colbertRescorer(ROWS);
          // Without its format, RESIDUAL2 is written as INT8.
          if ((form == MultiVectorForm.FLOAT32) == (other == MultiVectorForm.FLOAT32)) {
            assertThat(rescorer.rescore(searcher, all, 1).scoreDocs[0].score)
                .isCloseTo(1, within(0.01f));
          } else {
            assertThatThrownBy(() -> rescorer.rescore(searcher, all, 1))
                .isInstanceOf(IndexException.class)
                .hasMessageContaining("of the form " + other)
                .hasMessageContaining("in the field \"colbert\"");
          }
        }
      }
    }
  }

  @Test
  void tokenVectorsOfAnotherDimension_areRefused() throws IOException {
    for (MultiVectorForm form : MultiVectorForm.values()) {
      try (Directory directory = new ByteBuffersDirectory()) {
        add(directory, rows(form), Embedding.absent().withColbert(ROWS));
        try (DirectoryReader reader = DirectoryReader.open(directory)) {
          IndexSearcher searcher = new IndexSearcher(reader);
          TopDocs all = new TopDocs(searcher.search(DocumentReader.all(), 1).totalHits, hits());
          VectorFields wider =
              VectorFields.builder(1, true)
                  .dense(false)
                  .sparse(false)
                  .multiVectors(form, DIMENSION + 3)
                  .build();
          MultiVector query = MultiVector.of(DIMENSION + 3, new float[DIMENSION + 3]);
          assertThatThrownBy(() -> wider.queries().colbertRescorer(query).rescore(searcher, all, 1))
              .isInstanceOf(IndexException.class)
              .hasMessageContaining("of 7 components");
        }
      }
    }
  }

  private static ScoreDoc[] hits() {
    return new ScoreDoc[] {new ScoreDoc(0, 1)};
  }
}
