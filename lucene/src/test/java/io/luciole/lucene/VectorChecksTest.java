package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.apache.lucene.document.Document;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Vectors with components that are not finite are refused in every form, and not kept in part. */
@Tag("lucene-10.5")
class VectorChecksTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final float[] NOT_FINITE = {
    Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY
  };

  private static Embedding embedding(float dense, float token) {
    return Embedding.ofTokens(2)
        .withDense(new float[] {0, dense, 0, 0})
        .withSparse(SparseVector.EMPTY)
        .withColbert(MultiVector.of(2, new float[] {1, 0, 0, token}));
  }

  @ParameterizedTest
  @EnumSource(DenseQuantization.class)
  void denseVectors_thatAreNotFinite_areRefused(DenseQuantization quantization) {
    VectorFields fields =
        VectorFields.builder(4, true).sparse(false).quantization(quantization).build();
    for (float component : NOT_FINITE) {
      Document document = new Document();
      assertThatThrownBy(() -> fields.addTo(document, embedding(component, 1)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "expected a dense vector of finite numbers, got a component that is " + component);
      assertThat(document.getFields()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(MultiVectorForm.class)
  void tokenVectors_thatAreNotFinite_areRefused(MultiVectorForm form) {
    VectorFields fields =
        VectorFields.builder(4, true).dense(false).sparse(false).multiVectors(form, 2).build();
    for (float component : NOT_FINITE) {
      Document document = new Document();
      assertThatThrownBy(() -> fields.addTo(document, embedding(1, component)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "expected token vectors of finite numbers, got a component that is " + component);
      assertThat(document.getFields()).isEmpty();
    }
  }

  @ParameterizedTest
  @EnumSource(DenseQuantization.class)
  void put_failsAndWritesNothing(DenseQuantization quantization) throws IOException {
    HybridSchema schema =
        HybridSchema.builder(4, true)
            .quantization(quantization)
            .multiVectors(MultiVectorForm.INT8, 2)
            .build();
    try (Directory index = new ByteBuffersDirectory();
        HybridIndexer indexer =
            HybridIndexer.open(index, MODEL, WriteOptions.defaults().schema(schema))) {
      for (Embedding refused : new Embedding[] {embedding(Float.NaN, 1), embedding(1, Float.NaN)}) {
        assertThat(indexer.put(SourceDocument.of("d", "", "words"), refused))
            .failsWithin(Duration.ofMinutes(1))
            .withThrowableThat()
            .withCauseInstanceOf(IllegalArgumentException.class)
            .withMessageContaining("of finite numbers");
      }
      assertThat(indexer.hasUncommittedChanges()).isFalse();
      assertThat(indexer.put(SourceDocument.of("d", "", "words"), embedding(1, 1)).join())
          .isFalse();
    }
  }

  /** Otherwise one document would make all scores of its segment NaN, where they are quantised. */
  @ParameterizedTest
  @EnumSource(DenseQuantization.class)
  void denseVector_whoseSquaresOverflow_isRefused_andOthersAreFound(DenseQuantization quantization)
      throws IOException {
    HybridSchema schema =
        HybridSchema.builder(4, true).sparse(false).quantization(quantization).build();
    VectorQueries queries = schema.vectorFields().queries();
    try (Directory index = new ByteBuffersDirectory()) {
      try (HybridIndexer indexer =
          HybridIndexer.open(index, MODEL, WriteOptions.defaults().schema(schema))) {
        assertThat(indexer.put(SourceDocument.of("d", "", ""), embedding(1, 1)).join()).isFalse();
        assertThat(indexer.put(SourceDocument.of("far", "", ""), embedding(1e15f, 1)).join())
            .isFalse();
        assertThat(indexer.put(SourceDocument.of("refused", "", ""), embedding(-1e20f, 1)))
            .failsWithin(Duration.ofMinutes(1))
            .withThrowableThat()
            .withCauseInstanceOf(IllegalArgumentException.class)
            .withMessageContaining("from -1.0E15 to 1.0E15, got a component that is -1.0E20");
      }
      try (DirectoryReader reader = DirectoryReader.open(index)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        assertThat(queries.topDense(searcher, new float[] {0, 1, 0, 0}, 9, null).scoreDocs)
            .hasSize(2);
      }
    }
    assertThatThrownBy(() -> queries.dense(new float[] {0, 1e20f, 0, 0}, 9))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from -1.0E15 to 1.0E15 in a query's dense vector, got 1.0E20");
  }

  @ParameterizedTest
  @EnumSource(MultiVectorForm.class)
  void tokenVectors_whoseSquaresOverflow_areRefused(MultiVectorForm form) {
    VectorFields fields =
        VectorFields.builder(4, true).dense(false).sparse(false).multiVectors(form, 2).build();
    assertThatThrownBy(() -> fields.addTo(new Document(), embedding(1, 1e20f)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from -1.0E15 to 1.0E15, got a component that is 1.0E20");
  }

  private static Embedding sparse(float... weights) {
    int[] ids = new int[weights.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = 5 + i;
    }
    return Embedding.ofTokens(2).withSparse(SparseVector.of(ids, weights));
  }

  /** Lucene counts a document's frequencies in an int, and cannot keep a larger one. */
  @ParameterizedTest
  @EnumSource(names = {"IMPACTS", "BLOCKS"})
  void sparseWeights_thatLuceneCannotCount_areRefused_andTheLargestAreFound(SparseForm form)
      throws IOException {
    HybridSchema schema = HybridSchema.builder(4, true).dense(false).sparseForm(form).build();
    VectorQueries queries = schema.vectorFields().queries();
    float largest = Math.nextDown(0x1p31f / 256);
    try (Directory index = new ByteBuffersDirectory()) {
      try (HybridIndexer indexer =
          HybridIndexer.open(index, MODEL, WriteOptions.defaults().schema(schema))) {
        assertThat(indexer.put(SourceDocument.of("a", "", ""), sparse(largest)).join()).isFalse();
        assertThat(indexer.put(SourceDocument.of("b", "", ""), sparse(1)).join()).isFalse();
        for (Embedding refused :
            new Embedding[] {sparse(largest, 1), sparse(0x1p31f / 256), sparse(1e15f)}) {
          assertThat(indexer.put(SourceDocument.of("a", "", ""), refused))
              .failsWithin(Duration.ofMinutes(1))
              .withThrowableThat()
              .withCauseInstanceOf(IllegalArgumentException.class)
              .withMessageContaining("at most 2147483647 together, got 2.")
              .withMessageContaining("each is its weight times 256");
        }
      }
      try (DirectoryReader reader = DirectoryReader.open(index)) {
        ScoreDoc[] found =
            queries.topSparse(new IndexSearcher(reader), sparse(2).sparse(), 9, null).scoreDocs;
        assertThat(found).extracting(hit -> hit.score).containsExactly(2 * largest, 2f);
      }
    }
  }

  @Test
  void features_thatLuceneCannotCount_areRefused() {
    VectorFields fields =
        VectorFields.builder(4, true).dense(false).sparseForm(SparseForm.FEATURES).build();
    float[] weights = new float[70_000];
    Arrays.fill(weights, 0.2f);
    assertThatThrownBy(() -> fields.addTo(new Document(), sparse(weights)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("of 70000 tokens")
        .hasMessageContaining("keep the weights in the form impacts or blocks");
  }

  /** Otherwise scores are infinite, and their differences not numbers. */
  @ParameterizedTest
  @EnumSource(SparseForm.class)
  void sparseWeights_whoseProductsOverflow_areRefused(SparseForm form) {
    VectorFields fields = VectorFields.builder(4, true).dense(false).sparseForm(form).build();
    VectorQueries queries = fields.queries();
    SparseVector query = sparse(1, 2e15f).sparse();
    for (ThrowingCallable call :
        List.<ThrowingCallable>of(
            () -> queries.sparse(query),
            () -> queries.sparse(query, 3, null),
            () -> queries.sparseRescorer(query))) {
      assertThatThrownBy(call)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "expected sparse weights up to 1.0E15 of a query, got 2.0E15 for the token id 6");
    }
    assertThatThrownBy(() -> fields.addTo(new Document(), sparse(1, 3e38f)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected sparse weights up to 1.0E15 of a document, got 3.0E38");
  }
}
