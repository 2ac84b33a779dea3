package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.StringField;
import org.apache.lucene.index.ByteVectorValues;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.index.LeafReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.Term;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.apache.lucene.util.VectorUtil;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Dense vectors of bytes without floats beside them. */
class DenseBytesTest {
  private static final long SEED = 20_261_129;
  private static final int DIMENSION = 64;

  @TempDir Path folder;

  private static float[] random(Random random) {
    float[] vector = new float[DIMENSION];
    for (int i = 0; i < DIMENSION; i++) {
      vector[i] = (float) random.nextGaussian();
    }
    return VectorUtil.l2normalize(vector);
  }

  private static VectorFields fields(DenseQuantization quantization) {
    return VectorFields.builder(DIMENSION, true).sparse(false).quantization(quantization).build();
  }

  private static Document document(VectorFields fields, int n, float[] vector) {
    Document document = new Document();
    document.add(new StringField("n", Integer.toString(n), StringField.Store.YES));
    fields.addTo(document, Embedding.absent().withDense(vector));
    return document;
  }

  @Test
  @Tag("lucene-10.0")
  void bytes_keepDirectionsAndDropLengths() {
    Random random = new Random(SEED);
    for (int i = 0; i < 200; i++) {
      float[] vector = random(random);
      float[] read = DenseBytes.decode(DenseBytes.encode(vector));
      assertThat(VectorUtil.dotProduct(read, read)).isCloseTo(1, within(1e-5f));
      assertThat(VectorUtil.dotProduct(read, vector)).isGreaterThan(0.9998f);
      float[] query = random(random);
      assertThat(DenseBytes.dot(query, DenseBytes.encode(vector), new float[DIMENSION]))
          .isCloseTo(VectorUtil.dotProduct(query, vector), within(0.01f));
    }
    assertThat(DenseBytes.encode(new float[DIMENSION])).containsOnly((byte) 0);
    assertThat(DenseBytes.decode(new byte[DIMENSION])).containsOnly(0f);
    float[] tiny = new float[DIMENSION];
    tiny[3] = Float.MIN_VALUE;
    assertThat(DenseBytes.encode(tiny)[3]).isEqualTo((byte) 127);
  }

  /** By Lucene's own codec, in several segments, with deleted documents and a zero vector. */
  @Test
  @Tag("lucene-10.0")
  void searches_findTheNearest_withScoresOfTheBytesAndTheQuerysFloats() throws IOException {
    Random random = new Random(SEED);
    VectorFields fields = fields(DenseQuantization.BITS_8_ONLY);
    List<float[]> vectors = new ArrayList<>();
    try (Directory directory = new ByteBuffersDirectory();
        IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
      for (int i = 0; i < 300; i++) {
        vectors.add(i == 7 ? new float[DIMENSION] : random(random));
        writer.addDocument(document(fields, i, vectors.get(i)));
        if (i % 120 == 119) {
          writer.commit();
        }
      }
      writer.deleteDocuments(new TermQuery(new Term("n", "5")));
      try (DirectoryReader reader = DirectoryReader.open(writer)) {
        IndexSearcher searcher = new IndexSearcher(reader);
        for (int q = 0; q < 20; q++) {
          float[] query = random(random);
          ScoreDoc[] found = fields.queries().topDense(searcher, query, 10, null).scoreDocs;
          assertThat(found).hasSize(10);
          for (ScoreDoc hit : found) {
            int n = Integer.parseInt(searcher.storedFields().document(hit.doc).get("n"));
            assertThat(n).isNotIn(5, 7);
            float[] kept = DenseBytes.decode(DenseBytes.encode(vectors.get(n)));
            assertThat(hit.score).isCloseTo(VectorUtil.dotProduct(query, kept), within(1e-5f));
          }
          int[] better = {0};
          for (int i = 0; i < 300; i++) {
            float[] kept = DenseBytes.decode(DenseBytes.encode(vectors.get(i)));
            if (i != 5 && VectorUtil.dotProduct(query, kept) > found[9].score + 1e-5f) {
              better[0]++;
            }
          }
          assertThat(better[0]).as("seed %d, query %d", SEED, q).isLessThanOrEqualTo(10);
        }
        assertThat(fields.queries().topDense(searcher, new float[DIMENSION], 10, null).scoreDocs)
            .isEmpty();
        for (LeafReaderContext leaf : reader.leaves()) {
          DenseVectors dense = new DenseVectors(leaf.reader(), fields);
          for (int d = 0; d < leaf.reader().maxDoc(); d++) {
            int n = Integer.parseInt(searcher.storedFields().document(leaf.docBase + d).get("n"));
            if (n == 7) {
              assertThat(dense.vector(d)).isEmpty();
            } else {
              float[] kept = DenseBytes.decode(DenseBytes.encode(vectors.get(n)));
              assertThat(dense.vector(d).orElseThrow()).containsExactly(kept);
            }
          }
        }
      }
    }
  }

  @Test
  @Tag("lucene-10.0")
  void vectorsInTheOtherForm_areRefused() throws IOException {
    VectorFields bytes = fields(DenseQuantization.BITS_8_ONLY);
    VectorFields floats = fields(DenseQuantization.NONE);
    for (boolean ofBytes : new boolean[] {true, false}) {
      try (Directory directory = new ByteBuffersDirectory();
          IndexWriter writer = new IndexWriter(directory, new IndexWriterConfig())) {
        float[] vector = random(new Random(SEED));
        writer.addDocument(document(ofBytes ? bytes : floats, 1, vector));
        try (DirectoryReader reader = DirectoryReader.open(writer)) {
          IndexSearcher searcher = new IndexSearcher(reader);
          VectorFields other = ofBytes ? floats : bytes;
          assertThatThrownBy(() -> searcher.count(other.queries().dense(vector, 1)))
              .isInstanceOf(IndexException.class)
              .hasMessageContaining(ofBytes ? "64 floats" : "64 bytes")
              .hasMessageContaining(ofBytes ? "BYTE" : "FLOAT32");
          DenseVectors none = new DenseVectors(reader.leaves().get(0).reader(), other);
          assertThat(none.vector(0)).isEmpty();
        }
      }
    }
  }

  @Test
  @Tag("lucene-10.0")
  void modelThatDoesNotNormalise_isRefused() {
    assertThatThrownBy(() ->
            HybridSchema.builder(8, false).quantization(DenseQuantization.BITS_8_ONLY).build())
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("normalises")
        .hasMessageContaining("choose 8bit");
  }

  @Test
  @Tag("lucene-10.4")
  void index_keepsNoFloats_andSaysSo_alsoWhenMerged() throws IOException {
    Path index = folder.resolve("index");
    List<float[]> vectors = new ArrayList<>();
    Random random = new Random(SEED);
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE).open()) {
      int dimension = engine.backend().dimension();
      HybridSchema schema =
          HybridSchema.builder(engine).quantization(DenseQuantization.BITS_8_ONLY).build();
      assertThat(HybridSchema.parse(schema.toString())).isEqualTo(schema);
      try (HybridIndexer indexer =
          HybridIndexer.open(index, engine, WriteOptions.defaults().schema(schema))) {
        for (int i = 0; i < 50; i++) {
          float[] vector = new float[dimension];
          for (int d = 0; d < dimension; d++) {
            vector[d] = (float) random.nextGaussian();
          }
          VectorUtil.l2normalize(vector);
          vectors.add(vector);
          indexer
              .put(SourceDocument.of("d" + i, "", ""), Embedding.ofTokens(1).withDense(vector))
              .join();
          if (i == 20) {
            indexer.commit();
          }
        }
        indexer.commitMerged();
      }
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        Embedding query = Embedding.ofTokens(1).withDense(vectors.get(9));
        SearchResult result =
            searcher.search(HybridQuery.of("").embedding(query).legs(Leg.DENSE).top(3));
        assertThat(result.hits().get(0).id()).isEqualTo("d9");
        assertThat(result.leg(Leg.DENSE).get(0).score()).isCloseTo(1, within(1e-3));
        boolean unused =
            searcher.withSearcher(lucene -> {
              LeafReader segment = lucene.getIndexReader().leaves().get(0).reader();
              ByteVectorValues values = segment.getByteVectorValues(SchemaFields.DENSE);
              assertThat(values.size()).isEqualTo(50);
              assertThat(
                      segment
                          .getFieldInfos()
                          .fieldInfo(SchemaFields.DENSE)
                          .getVectorSimilarityFunction())
                  .isEqualTo(VectorSimilarityFunction.COSINE);
              return true;
            });
      }
    }
  }
}
