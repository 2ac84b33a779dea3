package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.nio.file.Path;
import org.apache.lucene.util.Version;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said of a Lucene that is too old. */
@Tag("lucene-10.0")
class LuceneRangeTest {
  private static Version lucene(int major, int minor) {
    return Version.fromBits(major, minor, 2);
  }

  @Test
  void profileOfTheRange_runsWithTheVersionThatItNames() {
    String named = System.getProperty("luciole.test.lucene", Version.LATEST.toString());
    assertThat(Version.LATEST.toString()).isEqualTo(named);
  }

  @Test
  void versions_areComparedWithinTheirMajorVersion() {
    assertThat(LuceneRange.CODEC.covers(lucene(10, 3))).isFalse();
    assertThat(LuceneRange.CODEC.covers(lucene(10, 4))).isTrue();
    assertThat(LuceneRange.CODEC.covers(lucene(10, 6))).isTrue();
    assertThat(LuceneRange.FIELDS.covers(lucene(9, 12))).isFalse();
    assertThat(LuceneRange.FIELDS.covers(lucene(11, 0))).isFalse();
    assertThat(LuceneRange.FIELDS.isThere()).isTrue();
  }

  @Test
  void olderVersions_areRefusedWithTheRangeAndWhatToDo() {
    assertThatThrownBy(() -> LuceneRange.CODEC.require(lucene(10, 3)))
        .isInstanceOf(IndexException.class)
        .hasMessage(
            "HybridIndexer, which writes by a codec, needs Lucene 10.4 or a later 10.x, found"
                + " Lucene 10.3.2 on the class path. Put another lucene-core there, or write by an"
                + " IndexWriter of your own: VectorFields and HybridSearcher.over need 10.0.");
    assertThatThrownBy(() -> LuceneRange.FLOAT_TOKEN_VECTORS.require(lucene(10, 2)))
        .hasMessageEndingWith(", or keep them as INT8, which needs 10.0.");
  }

  @Test
  void indexers_withoutTheirCodec_areRefusedAndLeaveNothing(@TempDir Path folder) {
    Path index = folder.resolve("index");
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE).open()) {
      if (LuceneRange.CODEC.isThere()) {
        HybridIndexer.open(index, engine).close();
      } else {
        assertThatThrownBy(() -> HybridIndexer.open(index, engine))
            .isInstanceOf(IndexException.class)
            .hasMessageContaining("HybridIndexer, which writes by a codec, needs Lucene 10.4");
      }
    }
    assertThat(index).doesNotExist();
  }

  @Test
  void schemas_withoutTheirCodec_areRefusedOrHaveOne() {
    HybridSchema schema = HybridSchema.builder(8, true).build();
    if (LuceneRange.CODEC.isThere()) {
      assertThat(schema.codec().getName()).isEqualTo("Lucene104");
    } else {
      assertThatThrownBy(schema::codec)
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("needs Lucene 10.4");
    }
    VectorFields quantized =
        VectorFields.builder(8, true).quantization(DenseQuantization.BITS_8).build();
    if (LuceneRange.QUANTIZED.isThere()) {
      assertThat(quantized.denseFormat().getName()).contains("Quantized");
    } else {
      assertThatThrownBy(quantized::denseFormat)
          .isInstanceOf(IndexException.class)
          .hasMessageContaining("needs Lucene 10.5");
    }
    assertThat(VectorFields.builder(8, true).graph(32, 200).build().denseFormat().getName())
        .isEqualTo("Lucene99HnswVectorsFormat");
  }
}
