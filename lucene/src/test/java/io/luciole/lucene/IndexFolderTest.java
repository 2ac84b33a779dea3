package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Path;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a writer leaves in its folder. */
@Tag("lucene-10.4")
class IndexFolderTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final WriteOptions OPTIONS =
      WriteOptions.defaults().schema(HybridSchema.builder(4, true).build());
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));

  @TempDir private Path folder;

  /**
   * A directory that is closed after the writer's lock is released, and before files are removed.
   */
  private static FilterDirectory whenClosed(Path index, Runnable action) throws IOException {
    return new FilterDirectory(FSDirectory.open(index)) {
      @Override
      public void close() throws IOException {
        super.close();
        action.run();
      }
    };
  }

  private static IndexFolder neverCommitted(Path index, Runnable whenClosed) {
    IndexFolder folder = IndexFolder.open(index, () -> whenClosed(index, whenClosed));
    HybridSchema unused = folder.openWriter(MODEL, null, OPTIONS);
    return folder;
  }

  private static void put(HybridIndexer indexer, String id) {
    assertThat(indexer.put(SourceDocument.of(id, "", "text"), EMBEDDING).join()).isFalse();
  }

  @Test
  void writerThatNeverCommitted_leavesTheIndexOfAnotherThatCameMeanwhile() throws IOException {
    Path index = folder.resolve("index");
    neverCommitted(
            index,
            () -> {
              try (HybridIndexer other = HybridIndexer.open(index, MODEL, OPTIONS)) {
                put(other, "d");
              }
            })
        .rollback();
    try (FSDirectory directory = FSDirectory.open(index);
        HybridSearcher searcher = HybridSearcher.over(directory).open()) {
      assertThat(searcher.documents()).isEqualTo(1);
    }
  }

  @Test
  void writerThatNeverCommitted_leavesTheFilesOfAnotherThatIsOpen() {
    Path index = folder.resolve("index");
    HybridIndexer[] other = new HybridIndexer[1];
    neverCommitted(index, () -> other[0] = HybridIndexer.open(index, MODEL, OPTIONS)).rollback();
    put(other[0], "d");
    other[0].close();
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void writerThatNeverCommitted_leavesNoFolder() {
    Path index = folder.resolve("above/index");
    neverCommitted(index, () -> {}).rollback();
    assertThat(folder).isEmptyDirectory();
  }
}
