package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Embedding;
import io.luciole.SparseVector;
import io.luciole.internal.Surrogates;
import io.luciole.model.ModelFingerprint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.apache.lucene.store.Directory;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Half of a surrogate pair has no bytes in UTF-8, so no document can have an id with one. */
@Tag("lucene-10.4")
class HalfPairsTest {
  private static final ModelFingerprint MODEL =
      new ModelFingerprint("made elsewhere", 4, "0".repeat(64), "1".repeat(64), "fp32");
  private static final Embedding EMBEDDING =
      Embedding.ofTokens(3)
          .withDense(new float[] {1, 0, 0, 0})
          .withSparse(SparseVector.of(new int[] {1, 5}, new float[] {0.3f, 0.2f}));

  @ParameterizedTest
  @ValueSource(strings = {"a\ud800", "\udc00b", "\udc00\ud800", "\ud83d\ude00\ud83d", "\ud800a"})
  void id_withHalfOfAPair_isRefused(String id) {
    assertThatThrownBy(() -> SourceDocument.of(id, "", "text"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected an id of whole characters")
        .hasMessageContaining("\\u" + Integer.toHexString(id.charAt(Surrogates.halfAt(id))));
  }

  @Test
  void id_withWholePairs_isTaken() {
    assertThat(SourceDocument.of("\ud83d\ude00\udbff\udfff", "", "").id()).hasSize(4);
  }

  /** Encoders put "?" or U+FFFD in the place of such a half. */
  @Test
  void lookingForSuchAnId_findsNoOtherDocument() throws IOException {
    WriteOptions options = WriteOptions.defaults().schema(HybridSchema.builder(4, true).build());
    try (Directory index = new ByteBuffersDirectory()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, MODEL, options)) {
        for (String id : new String[] {"a?", "a\ufffd"}) {
          assertThat(indexer.put(SourceDocument.of(id, "", "text"), EMBEDDING).join()).isFalse();
        }
        assertThat(indexer.delete("a\ud800")).isFalse();
        indexer.commit();
        assertThat(indexer.delete("a\ud800")).isFalse();
        assertThat(indexer.put(SourceDocument.of("a?", "", "text"), EMBEDDING).join()).isTrue();
      }
      try (HybridSearcher searcher = HybridSearcher.over(index).open()) {
        assertThat(searcher.documents()).isEqualTo(2);
        assertThat(searcher.contains("a\ud800")).isFalse();
        assertThat(searcher.contains("a\ufffd")).isTrue();
        assertThat(searcher.count(MetadataFilters.ids(List.of("a\ud800", "a?")))).isEqualTo(1);
        assertThat(new DocumentReader(searcher).find("a\ud800")).isEmpty();
        assertThat(new DocumentReader(searcher).find("a\ufffd")).isPresent();
      }
    }
  }

  @Test
  void corpusWithSuchAnId_isToldWithItsLine(@TempDir Path folder) throws IOException {
    Path corpus = folder.resolve("corpus.jsonl");
    Files.writeString(
        corpus, "{\"_id\":\"a\",\"text\":\"\"}\n{\"_id\":\"b\\ud800\",\"text\":\"\"}\n");
    try (DocumentSource documents = BeirReader.corpus(corpus)) {
      assertThat(documents.next().id()).isEqualTo("a");
      assertThatThrownBy(documents::next)
          .isInstanceOf(SourceException.class)
          .hasMessageContaining("half of a surrogate pair")
          .hasMessageContaining("2");
    }
  }
}
