package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FullDiskTest {
  @TempDir Path folder;

  private void indexAll(Path index, List<SourceDocument> documents, long room) throws IOException {
    WriteOptions options = WriteOptions.defaults().bufferMiB(1);
    AtomicLong left = new AtomicLong(room);
    IndexFolder small = IndexFolder.open(index, () -> new SmallDisk(FSDirectory.open(index), left));
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open();
        HybridIndexer indexer = HybridIndexer.open(small, engine, options)) {
      indexer.indexAll(documents.iterator(), progress -> {});
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {0, 1_000, 50_000, 200_000})
  void newIndex_thatDoesNotFit_saysSoAndLeavesNothing(long room) {
    Path index = folder.resolve("index");
    assertThatThrownBy(() -> indexAll(index, new Texts(1).documents(2000), room))
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("The disk is full")
        .hasMessageContaining("No index was made");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void existingIndex_thatDoesNotFit_standsAsOfItsLastCommit() throws IOException {
    Path index = folder.resolve("index");
    indexAll(index, new Texts(1).documents(100), Long.MAX_VALUE);
    for (long room : new long[] {0, 100, 10_000, 100_000}) {
      assertThatThrownBy(() -> indexAll(index, new Texts(2).documents(2000), room))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("The disk is full")
          .hasMessageContaining("stands as of its last commit");
      try (HybridSearcher searcher = HybridSearcher.open(index)) {
        assertThat(searcher.documents()).isEqualTo(100);
        assertThat(searcher.search(new Texts(1).documents(1).get(0).text()).hits().get(0).id())
            .isEqualTo("d0");
      }
    }
    indexAll(index, new Texts(2).documents(200), Long.MAX_VALUE);
    assertThat(IndexDescription.read(index).documents()).isEqualTo(200);
  }
}
