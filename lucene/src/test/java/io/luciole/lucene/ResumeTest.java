package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.apache.lucene.codecs.KnnVectorsReader;
import org.apache.lucene.codecs.hnsw.HnswGraphProvider;
import org.apache.lucene.codecs.perfield.PerFieldKnnVectorsFormat;
import org.apache.lucene.index.CodecReader;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.util.VectorUtil;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ResumeTest {
  @TempDir Path folder;

  /** Documents that fail to come at some point, unless they are to come. */
  private static final class Interrupted extends LookAheadSource {
    private final List<SourceDocument> documents;
    private final int end;
    private final String identity;
    private int at;

    Interrupted(List<SourceDocument> documents, int end, String identity) {
      this.documents = documents;
      this.end = end;
      this.identity = identity;
    }

    @Override
    @Nullable SourceDocument read() {
      if (at == end) {
        throw new SourceException("the line is cut", false);
      }
      if (at == documents.size()) {
        return null;
      }
      pause();
      return documents.get(at++);
    }

    private static void pause() {
      try {
        Thread.sleep(2); // So that commits fall between documents.
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }

    @Override
    public String name() {
      return "interrupted";
    }

    @Override
    public String identity() {
      return identity;
    }

    @Override
    public double fractionRead() {
      return (double) at / documents.size();
    }

    @Override
    public void close() {}
  }

  @Test
  void interruptedRun_goesOnWhereItsLastCommitStands() {
    Path index = folder.resolve("index");
    List<SourceDocument> documents = new Texts(3).documents(120);
    WriteOptions options = WriteOptions.defaults().commitEvery(Duration.ofMillis(50));
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
        assertThatThrownBy(
                () -> indexer.indexAll(new Interrupted(documents, 80, "state 1"), progress -> {}))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining("the line is cut");
      }
      IndexDescription interrupted = IndexDescription.read(index);
      assertThat(interrupted.complete()).isFalse();
      long committed = interrupted.documents();
      assertThat(committed).isPositive().isLessThanOrEqualTo(80);

      try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
        IndexingReport report =
            indexer.indexAll(new Interrupted(documents, -1, "state 1"), progress -> {});
        assertThat(report.skipped()).isEqualTo(committed);
        assertThat(report.added()).isEqualTo(120 - committed);
        assertThat(report.updated()).isZero();
      }
      assertThat(IndexDescription.read(index).documents()).isEqualTo(120);
      assertThat(IndexDescription.read(index).complete()).isTrue();

      // A source that has changed, or a run that had ended, is read whole.
      try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
        IndexingReport report =
            indexer.indexAll(new Interrupted(documents, -1, "state 1"), progress -> {});
        assertThat(report.skipped()).isZero();
        assertThat(report.updated()).isEqualTo(120);
      }
    }
  }

  @Test
  void changedSource_isReadWholeAgain() {
    Path index = folder.resolve("index");
    List<SourceDocument> documents = new Texts(3).documents(100);
    WriteOptions options = WriteOptions.defaults().commitEvery(Duration.ofMillis(50));
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
        assertThatThrownBy(
                () -> indexer.indexAll(new Interrupted(documents, 60, "state 1"), progress -> {}))
            .isInstanceOf(IndexException.class);
      }
      long committed = IndexDescription.read(index).documents();
      try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
        IndexingReport report =
            indexer.indexAll(new Interrupted(documents, -1, "state 2"), progress -> {});
        assertThat(report.skipped()).isZero();
        assertThat(report.updated()).isEqualTo(committed);
        assertThat(report.added()).isEqualTo(100 - committed);
      }
      assertThat(IndexDescription.read(index).documents()).isEqualTo(100);
    }
  }

  /** Nodes of the graphs of all segments. */
  private static int graphNodes(DirectoryReader reader) throws IOException {
    int nodes = 0;
    for (LeafReaderContext leaf : reader.leaves()) {
      KnnVectorsReader all = ((CodecReader) leaf.reader()).getVectorReader();
      KnnVectorsReader dense =
          ((PerFieldKnnVectorsFormat.FieldsReader) all).getFieldReader(SchemaFields.DENSE);
      nodes += ((HnswGraphProvider) dense).getGraph(SchemaFields.DENSE).size();
    }
    return nodes;
  }

  @Test
  void bulkLoad_makesTheGraphOnceInTheEnd() throws Exception {
    int documents = 3000;
    Random random = new Random(1);
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE).open()) {
      for (DenseQuantization quantization : DenseQuantization.values()) {
        Path index = folder.resolve(quantization.id());
        WriteOptions options =
            WriteOptions.defaults()
                .bulk(true)
                .schema(HybridSchema.builder(engine).quantization(quantization).build());
        List<float[]> vectors = new ArrayList<>();
        try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
          for (int i = 0; i < documents; i++) {
            float[] vector = new float[FakeModel.DIMENSION];
            for (int d = 0; d < vector.length; d++) {
              vector[d] = (float) random.nextGaussian();
            }
            VectorUtil.l2normalize(vector);
            vectors.add(vector);
            var unused =
                indexer.put(
                    SourceDocument.of("d" + i, "", ""), Embedding.ofTokens(1).withDense(vector));
          }
          indexer.commit();
          try (DirectoryReader reader = DirectoryReader.open(FSDirectory.open(index))) {
            assertThat(graphNodes(reader)).isZero();
          }
          assertFinds(index, engine, vectors);
          indexer.commitMerged();
        }
        try (DirectoryReader reader = DirectoryReader.open(FSDirectory.open(index))) {
          assertThat(reader.leaves()).hasSize(1);
          assertThat(graphNodes(reader)).isEqualTo(documents);
        }
        assertFinds(index, engine, vectors);
      }
    }
  }

  private static void assertFinds(Path index, EmbeddingEngine engine, List<float[]> vectors) {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      int found = 0;
      for (int i = 0; i < 100; i++) {
        Embedding query = Embedding.ofTokens(1).withDense(vectors.get(i * 29));
        SearchResult result =
            searcher.search(HybridQuery.of("").embedding(query).legs(Leg.DENSE).top(1));
        found += result.hits().get(0).id().equals("d" + i * 29) ? 1 : 0;
      }
      assertThat(found).isGreaterThanOrEqualTo(95);
    }
  }

  @Test
  void bulkLoad_endsInOneSegment() throws Exception {
    Path index = folder.resolve("index");
    WriteOptions options =
        WriteOptions.defaults().bulk(true).commitEvery(Duration.ofMillis(5)).writerThreads(3);
    try (EmbeddingEngine engine = FakeModel.withAll().open()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, engine, options)) {
        IndexingReport report =
            indexer.indexAll(new Texts(3).documents(500).iterator(), progress -> {});
        assertThat(report.added()).isEqualTo(500);
      }
      try (FSDirectory directory = FSDirectory.open(index);
          DirectoryReader reader = DirectoryReader.open(directory)) {
        assertThat(reader.leaves()).hasSize(1);
        assertThat(reader.numDocs()).isEqualTo(500);
      }
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        assertThat(searcher.search(HybridQuery.of(new Texts(3).documents(1).get(0).text())).hits())
            .first()
            .extracting(Hit::id)
            .isEqualTo("d0");
      }
    }
  }
}
