package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A searcher whose index is deleted, and another made in its place, tells so: Lucene takes the
 * other for the same where both have had as many changes.
 */
@Tag("lucene-10.4")
class ReplacedIndexTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final WriteOptions OPTIONS =
      WriteOptions.defaults().schema(HybridSchema.builder(4, true).build()).writerThreads(1);
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));

  @TempDir private Path folder;
  private Path index;

  @BeforeEach
  void fill() {
    index = folder.resolve("index");
    write(index, "old", 1);
  }

  private static void write(Path index, String id, int commits) {
    try (HybridIndexer indexer = HybridIndexer.open(index, MODEL, OPTIONS)) {
      for (int i = 0; i < commits; i++) {
        assertThat(indexer.put(SourceDocument.of(id + i, "", "text"), EMBEDDING).join()).isFalse();
        indexer.commit();
      }
    }
  }

  private void replace(int commits) {
    LiveIndex.delete(index);
    assertThat(Files.exists(index)).isFalse();
    write(index, "new", commits);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void refresh_tellsThatTheIndexWasReplaced(int commits) throws IOException {
    try (Directory directory = FSDirectory.open(index);
        HybridSearcher searcher = HybridSearcher.over(directory).open()) {
      replace(commits);
      for (int time = 0; time < 2; time++) {
        assertThatThrownBy(searcher::refresh)
            .isInstanceOf(IndexException.class)
            .hasMessageContaining(index.toString())
            .hasMessageContaining("open another searcher");
        assertThat(searcher.contains("old0")).isTrue();
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void refresh_ofSeveralIndexes_tellsWhichWasReplaced(int commits) throws IOException {
    Path other = folder.resolve("other");
    write(other, "other", 1);
    try (Directory first = FSDirectory.open(other);
        Directory second = FSDirectory.open(index);
        DirectoryReader reader = ShardsReader.open(List.of(other, index), List.of(first, second))) {
      replace(commits);
      assertThatThrownBy(() -> DirectoryReader.openIfChanged(reader))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("The index " + index)
          .hasMessageContaining("open another searcher");
      assertThat(reader.numDocs()).isEqualTo(2);
    }
  }

  @Test
  void refresh_followsTheSameIndex() throws IOException {
    try (Directory directory = FSDirectory.open(index);
        HybridSearcher searcher = HybridSearcher.over(directory).open()) {
      assertThat(searcher.refresh()).isFalse();
      write(index, "more", 2);
      assertThat(searcher.refresh()).isTrue();
      assertThat(searcher.refresh()).isFalse();
      assertThat(searcher.documents()).isEqualTo(3);
    }
  }
}
