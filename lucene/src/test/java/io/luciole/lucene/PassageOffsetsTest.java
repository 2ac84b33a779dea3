package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.model.Chunker.Chunk;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import org.apache.lucene.document.Document;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.IndexWriter;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Passages that applications cut themselves have to stand in the text of their document. */
@Tag("lucene-10.4")
class PassageOffsetsTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final HybridSchema SCHEMA = HybridSchema.builder(4, true).chunks(64, 0).build();
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));
  private static final SourceDocument FIREFLY = SourceDocument.of("d1", "a title", "firefly short");

  @ParameterizedTest
  @CsvSource({"5, 500", "-1, 5", "6, 5", "13, 14", "0, -1"})
  void passageOutsideTheText_isRefusedWithBothNamed(int start, int end) throws IOException {
    List<Chunk> passages = List.of(new Chunk(0, 7, 3), new Chunk(start, end, 3));
    List<Embedding> embeddings = List.of(EMBEDDING, EMBEDDING);

    assertThatThrownBy(() -> SCHEMA.toBlock(FIREFLY, passages, embeddings))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("13 characters")
        .hasMessageContaining("from " + start + " to " + end);
    try (Directory index = new ByteBuffersDirectory();
        HybridIndexer indexer =
            HybridIndexer.open(index, MODEL, WriteOptions.defaults().schema(SCHEMA))) {
      assertThat(indexer.put(FIREFLY, passages, embeddings))
          .failsWithin(Duration.ofMinutes(1))
          .withThrowableThat()
          .withCauseInstanceOf(IllegalArgumentException.class)
          .withMessageContaining("13 characters");
      assertThat(indexer.hasUncommittedChanges()).isFalse();
    }
  }

  @Test
  void passageOfTheWholeTextAndEmptyOnes_areWritten() throws IOException {
    List<Chunk> passages = List.of(new Chunk(0, 13, 3), new Chunk(0, 0, 2), new Chunk(13, 13, 2));
    try (Directory index = new ByteBuffersDirectory();
        HybridIndexer indexer =
            HybridIndexer.open(index, MODEL, WriteOptions.defaults().schema(SCHEMA))) {
      assertThat(indexer.put(FIREFLY, passages, List.of(EMBEDDING, EMBEDDING, EMBEDDING)).join())
          .isFalse();
    }
  }

  /** Another program, or an earlier version, may have written it. */
  @ParameterizedTest
  @EnumSource(Leg.class)
  void documentWhosePassageLiesOutside_isFoundWithoutIt(Leg leg) throws IOException {
    try (Directory index = new ByteBuffersDirectory()) {
      try (IndexWriter writer =
          new IndexWriter(
              index, new IndexWriterConfig(SCHEMA.analyzer()).setCodec(SCHEMA.codec()))) {
        List<Document> outside = block("outside", new Chunk(0, 7, 3), new Chunk(8, 13, 3));
        for (Document passage : outside.subList(0, 2)) {
          passage.removeField(SchemaFields.PASSAGE);
          passage.add(
              new NumericDocValuesField(SchemaFields.PASSAGE, new PassageOffsets(5, 500).encode()));
        }
        writer.addDocuments(outside);
        writer.addDocuments(block("within", new Chunk(0, 7, 3)));
        writer.setLiveCommitData(CommitMark.userData(SCHEMA, MODEL).entrySet());
        writer.commit();
      }
      try (HybridSearcher searcher = HybridSearcher.over(index).open()) {
        List<Hit> hits =
            searcher.search(HybridQuery.of("firefly").embedding(EMBEDDING).legs(leg)).hits();

        assertThat(hits).extracting(Hit::id).containsExactlyInAnyOrder("outside", "within");
        for (Hit hit : hits) {
          assertThat(hit.passage())
              .isEqualTo(
                  hit.id().equals("within")
                      ? Optional.of(new Passage(0, 7, "firefly"))
                      : Optional.empty());
        }
      }
    }
  }

  private static List<Document> block(String id, Chunk... passages) {
    return SCHEMA.toBlock(
        SourceDocument.of(id, "", "firefly short"),
        List.of(passages),
        Collections.nCopies(passages.length, EMBEDDING));
  }
}
