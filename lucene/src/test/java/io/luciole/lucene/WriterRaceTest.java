package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.apache.lucene.store.FilterDirectory;
import org.apache.lucene.store.IOContext;
import org.apache.lucene.store.IndexInput;
import org.apache.lucene.store.Lock;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Another writer that commits between the look at an index and its lock: what is opened then is as
 * of that commit.
 */
@Tag("lucene-10.4")
class WriterRaceTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final WriteOptions OPTIONS =
      WriteOptions.defaults().schema(HybridSchema.builder(4, true).build());
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));

  @TempDir private Path folder;

  /** A directory before whose first lock something happens. */
  private static Directory beforeTheLock(Path index, Runnable action) throws IOException {
    AtomicReference<Runnable> once = new AtomicReference<>(action);
    return new FilterDirectory(FSDirectory.open(index)) {
      @Override
      public Lock obtainLock(String name) throws IOException {
        once.getAndSet(() -> {}).run();
        return super.obtainLock(name);
      }
    };
  }

  private static void write(Path index, String id, WriteOptions options) {
    try (HybridIndexer other = HybridIndexer.open(index, MODEL, options)) {
      assertThat(other.put(SourceDocument.of(id, "", "text"), EMBEDDING).join()).isFalse();
    }
  }

  private void assertSeen(Path index) throws IOException {
    try (Directory directory = beforeTheLock(index, () -> write(index, "d", OPTIONS));
        HybridIndexer indexer = HybridIndexer.open(directory, MODEL, OPTIONS)) {
      assertThat(indexer.put(SourceDocument.of("d", "", "text"), EMBEDDING).join()).isTrue();
    }
  }

  @Test
  void indexThatIsMadeMeanwhile_isSeen() throws IOException {
    Path index = folder.resolve("index");
    assertSeen(index);
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  @Test
  void commitMeanwhile_isSeen() throws IOException {
    Path index = folder.resolve("index");
    write(index, "first", OPTIONS);
    assertSeen(index);
    assertThat(IndexDescription.read(index).documents()).isEqualTo(2);
  }

  @Test
  void indexOfAnotherSchemaThatIsMadeMeanwhile_isRefused_andStays() throws IOException {
    Path index = folder.resolve("index");
    WriteOptions others = OPTIONS.schema(HybridSchema.builder(4, true).sparse(false).build());
    try (Directory directory = beforeTheLock(index, () -> write(index, "d", others))) {
      assertThatThrownBy(() -> HybridIndexer.open(directory, MODEL, OPTIONS))
          .isInstanceOf(IndexMismatchException.class)
          .hasMessageContaining("sparse");
    }
    assertThat(IndexDescription.read(index).documents()).isEqualTo(1);
  }

  /** Files of the commit that is described are deleted by the next one, which was called damage. */
  @Test
  void description_whileAnotherCommits_isOfThatCommit() throws IOException {
    Path index = folder.resolve("index");
    write(index, "first", OPTIONS);
    AtomicInteger opened = new AtomicInteger();
    try (HybridIndexer indexer = HybridIndexer.open(index, MODEL, OPTIONS);
        Directory directory =
            new FilterDirectory(FSDirectory.open(index)) {
              @Override
              public IndexInput openInput(String name, IOContext context) throws IOException {
                // Once to open the segment, and again for the sizes of its files.
                if (name.endsWith(".cfe") && opened.incrementAndGet() == 2) {
                  var unused = indexer.put(SourceDocument.of("d", "", "text"), EMBEDDING).join();
                  indexer.commitMerged();
                }
                return super.openInput(name, context);
              }
            }) {
      assertThat(IndexDescription.read(index, directory).documents()).isEqualTo(2);
      assertThat(opened).hasValueGreaterThan(1);
    }
  }
}
