package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.model.ModelFingerprint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shards that have together more documents than one index of Lucene's can have. */
@Tag("lucene-10.4")
class DocumentLimitTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));

  @TempDir private Path folder;
  private Path one;
  private Path two;

  @BeforeEach
  void makeShards() {
    one = make("one", 0, 6);
    two = make("two", 5, 11);
  }

  private Path make(String name, int from, int to) {
    Path index = folder.resolve(name);
    WriteOptions options = WriteOptions.defaults().schema(HybridSchema.builder(4, true).build());
    try (HybridIndexer indexer = HybridIndexer.open(index, MODEL, options)) {
      for (int i = from; i < to; i++) {
        assertThat(indexer.put(SourceDocument.of("d" + i, "", "text"), EMBEDDING).join()).isFalse();
      }
    }
    return index;
  }

  @Test
  void merge_intoSeveralIndexes_works() throws Exception {
    List<Path> targets = List.of(folder.resolve("t1"), folder.resolve("t2"));
    DocumentLimit.with(
        10,
        () -> {
          MergeReport report =
              IndexMerge.of(List.of(one, two)).duplicates(DuplicateIds.LATEST_WINS).into(targets);
          assertThat(report.documents()).containsExactly(5L, 6L);
          assertThat(report.duplicateIds()).containsExactly("d5");
        });
  }

  @Test
  void merge_intoOneIndex_isRefusedAndLeavesNothing() throws Exception {
    Path target = folder.resolve("t");
    DocumentLimit.with(
        10,
        () ->
            assertThatThrownBy(() ->
                    IndexMerge.of(List.of(one, two))
                        .duplicates(DuplicateIds.LATEST_WINS)
                        .into(List.of(target)))
                .isInstanceOf(IndexException.class)
                .hasMessageContaining("one index of Lucene's cannot hold the documents of all"));
    assertThat(Files.exists(target)).isFalse();
  }

  @Test
  void shardsThatAreOpenedTogether_areNotCalledDamaged() throws Exception {
    DocumentLimit.with(
        10,
        () ->
            assertThatThrownBy(() -> SearcherBuilder.openFolders(List.of(one, two), null))
                .isInstanceOf(IndexException.class)
                .hasMessageContaining(one.toString())
                .hasMessageContaining("too many documents to be searched as one: 12")
                .hasMessageNotContaining("damaged"));
  }

  /** The limit is the index's matter: the document has no fault, and what is there stays usable. */
  @Test
  void put_intoAFullIndex_isRefused_andTheIndexStaysInUse() throws Exception {
    DocumentLimit.with(
        6,
        () -> {
          try (HybridIndexer indexer = HybridIndexer.open(one, MODEL, WriteOptions.defaults())) {
            for (String id : List.of("new", "d1")) {
              assertThatThrownBy(
                      () -> indexer.put(SourceDocument.of(id, "", "text"), EMBEDDING).join())
                  .hasCauseInstanceOf(IndexException.class)
                  .hasMessageContaining("has room for no further document")
                  .hasMessageContaining("it has 6, and this document needs 1")
                  .hasMessageContaining("Delete documents");
            }
            assertThat(indexer.delete("d0")).isTrue();
            indexer.commit();
          }
        });
    assertThat(IndexDescription.read(one).documents()).isEqualTo(5);
  }
}
