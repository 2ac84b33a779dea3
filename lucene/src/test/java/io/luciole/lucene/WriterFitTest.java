package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.model.ModelFingerprint;
import java.nio.file.Path;
import java.util.List;
import java.util.function.UnaryOperator;
import org.apache.lucene.document.Field;
import org.apache.lucene.document.LongField;
import org.apache.lucene.document.NumericDocValuesField;
import org.apache.lucene.index.IndexWriterConfig;
import org.apache.lucene.search.Sort;
import org.apache.lucene.search.SortField;
import org.apache.lucene.util.Version;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Indexes that Lucene's writer would not take are refused, and the indexer goes on. */
@Tag("lucene-10.4")
class WriterFitTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final WriteOptions PLAIN =
      WriteOptions.defaults()
          .schema(HybridSchema.builder(4, true).build())
          .fields((source, to) -> to.add(length(source)));
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));

  @TempDir private Path folder;

  private static Field length(SourceDocument source) {
    return new NumericDocValuesField("length", source.text().length());
  }

  private static WriteOptions with(UnaryOperator<IndexWriterConfig> config) {
    return PLAIN.writerConfig(config);
  }

  private static WriteOptions sorted(String... fields) {
    SortField[] by = new SortField[fields.length];
    for (int i = 0; i < by.length; i++) {
      by[i] = new SortField(fields[i], SortField.Type.LONG);
    }
    return with(config -> config.setIndexSort(new Sort(by)));
  }

  private static void put(HybridIndexer indexer, String... ids) {
    for (String id : ids) {
      boolean unused = indexer.put(SourceDocument.of(id, "", "text"), EMBEDDING).join();
    }
  }

  /** An index of the documents {@code id0} and {@code id1}; a third is deleted. */
  private Path make(String name, WriteOptions options) {
    Path index = folder.resolve(name);
    try (HybridIndexer indexer = HybridIndexer.open(index, MODEL, options)) {
      put(indexer, name + "0", name + "1", name + "2");
      indexer.commit();
      assertThat(indexer.delete(name + "2")).isTrue();
    }
    return index;
  }

  /** Refuses an index together with one that fits, and keeps what is not committed. */
  private void assertRefused(WriteOptions own, WriteOptions other, String... told) {
    Path to = make("to", own);
    Path fits = make("fits", own);
    Path misfit = make("misfit", other);
    try (HybridIndexer indexer = HybridIndexer.open(to, MODEL, own)) {
      put(indexer, "new0", "new1");
      assertThat(indexer.delete("to0")).isTrue();

      assertThatThrownBy(() -> indexer.addIndexes(List.of(fits, misfit), DuplicateIds.LATEST_WINS))
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("The index " + misfit + " cannot be added to " + to)
          .hasMessageContainingAll(told);

      assertThat(indexer.failure()).isEmpty();
      put(indexer, "new2");
      assertThat(indexer.addIndexes(List.of(fits)).documents()).isEqualTo(2);
    }
    assertThat(IndexDescription.read(to).documents()).isEqualTo(6);
  }

  @Test
  void otherSoftDeletesField() {
    assertRefused(
        with(config -> config.setSoftDeletesField("deleted")),
        with(config -> config.setSoftDeletesField("gone")),
        "expected the soft-deletes field deleted, found gone");
  }

  @Test
  void softDeletesField_whereDocumentsAreDeletedForGood() {
    assertRefused(
        PLAIN,
        with(config -> config.setSoftDeletesField("gone")),
        "expected the soft-deletes field none, found gone");
  }

  @Test
  void fieldThatMarksDeletedDocuments_withValuesOfTheApplications() {
    assertRefused(
        with(config -> config.setSoftDeletesField("gone")),
        PLAIN.fields((source, to) -> {
          to.add(length(source));
          to.add(new NumericDocValuesField("gone", 7));
        }),
        "the field \"gone\"");
  }

  @Test
  void unsortedSegments_whereTheIndexIsSorted() {
    assertRefused(sorted("length"), PLAIN, "<long: \"length\">, found none");
  }

  @Test
  void segmentsThatAreSortedByLess() {
    assertRefused(
        sorted("length", "year"), sorted("length"), "\"year\">, found <long: \"length\">");
  }

  @Test
  void otherParentField() {
    assertRefused(
        with(config -> config.setParentField("parent")),
        with(config -> config.setParentField("above")),
        "expected the parent field parent, found above");
  }

  /** Lucene adds such segments, but opens no reader of them and the others. */
  @Test
  void noParentField_whereTheIndexHasOne() {
    assertRefused(
        with(config -> config.setParentField("parent")),
        PLAIN,
        "expected the parent field parent, found none");
  }

  @Test
  void parentField_whereTheIndexHasNone() {
    assertRefused(
        PLAIN,
        with(config -> config.setParentField("parent")),
        "expected the parent field none, found parent");
  }

  /** The major version of Lucene, which stays an index's own when later versions write to it. */
  @Test
  void otherMajorVersion() {
    assertRefused(
        PLAIN,
        with(config -> config.setIndexCreatedVersionMajor(Version.LATEST.major - 1)),
        "expected an index that was made by Lucene " + Version.LATEST.major,
        "found one made by Lucene " + (Version.LATEST.major - 1));
  }

  @Test
  void fieldOfAnotherStructure() {
    assertRefused(
        PLAIN,
        WriteOptions.defaults()
            .schema(HybridSchema.builder(4, true).build())
            .fields((source, to) -> to.add(new LongField("length", 4, Field.Store.NO))),
        "the field \"length\"");
  }

  @Test
  void moreDocumentsThanLuceneTakes() throws Exception {
    Path to = make("to", PLAIN);
    Path other = make("other", PLAIN);
    try (HybridIndexer indexer = HybridIndexer.open(to, MODEL, PLAIN)) {
      put(indexer, "new0");
      DocumentLimit.with(
          4,
          () -> {
            assertThatThrownBy(() -> indexer.addIndexes(List.of(other)))
                .isInstanceOf(IndexException.class)
                .hasMessageContaining(other.toString())
                .hasMessageContaining("cannot hold the documents of all");
            assertThat(indexer.failure()).isEmpty();
          });
      assertThat(indexer.addIndexes(List.of(other)).documents()).isEqualTo(2);
    }
    assertThat(IndexDescription.read(to).documents()).isEqualTo(5);
  }

  @Test
  void segmentsThatAreSortedByMore_areAdded() {
    Path to = make("to", sorted("length"));
    Path other = make("other", sorted("length", "year"));
    try (HybridIndexer indexer = HybridIndexer.open(to, MODEL, sorted("length"))) {
      assertThat(indexer.addIndexes(List.of(other)).documents()).isEqualTo(2);
    }
    assertThat(IndexDescription.read(to).documents()).isEqualTo(4);
  }
}
