package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** An index made in one precision and used in another. */
class PrecisionTest {
  private static final String WARNING = "somewhat other vectors";

  @TempDir private Path index;
  private final PrintStream usual = System.err;
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

  /** Where slf4j-simple writes. */
  @BeforeEach
  void listen() {
    System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void restore() {
    System.setErr(usual);
  }

  private String warnings() {
    return logged.toString(StandardCharsets.UTF_8);
  }

  private static EmbeddingEngine engine(String precision) {
    return FakeModel.withAll().precision(precision).open();
  }

  private void make(String precision) {
    try (EmbeddingEngine engine = engine(precision);
        HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.indexAll(new Texts(1).documents(3).iterator(), progress -> {});
    }
  }

  private void search(EmbeddingEngine engine) {
    try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      assertThat(searcher.search(HybridQuery.of("w1")).hits()).isNotEmpty();
    }
  }

  @Test
  void indexInInt8_openedInFp32_warnsOnceNamingBoth() {
    make("int8");
    assertThat(warnings()).doesNotContain(WARNING);
    try (EmbeddingEngine other = engine("fp32")) {
      search(other);
      assertThat(warnings())
          .containsOnlyOnce(WARNING)
          .contains("computed in int8", "computes in fp32", index.toString(), "luciole.precision");
      search(other);
      HybridIndexer.open(index, other).close();
    }
    try (EmbeddingEngine again = engine("fp32")) {
      search(again);
    }
    assertThat(warnings()).containsOnlyOnce(WARNING);
  }

  /** Writing, too: a document more would be of another kind than those that are there. */
  @Test
  void indexInFp32_openedForWritingInInt8_warns() {
    make("fp32");
    try (EmbeddingEngine other = engine("int8");
        HybridIndexer indexer = HybridIndexer.open(index, other)) {
      assertThat(indexer.schema()).isNotNull();
      assertThat(warnings()).containsOnlyOnce(WARNING).contains("computed in fp32");
    }
  }

  @ParameterizedTest
  @CsvSource({"int8, int8", "fp32, fp32", "fp32, fp16", "fp16, fp32"})
  void precisionsThatDifferByRoundingAlone_doNotWarn(String made, String used) {
    make(made);
    try (EmbeddingEngine engine = engine(used)) {
      search(engine);
    }
    assertThat(warnings()).doesNotContain(WARNING);
  }

  private String stamp() {
    return IndexDescription.read(index).fingerprint().precision();
  }

  @Test
  void openingInAnotherPrecision_leavesTheStamp() {
    make("int8");
    try (EmbeddingEngine other = engine("fp32");
        HybridIndexer indexer = HybridIndexer.open(index, other)) {
      indexer.commit();
    }
    assertThat(stamp()).isEqualTo("int8");
  }

  @Test
  void addingInAnotherPrecision_tellsBothAndWarnsForBoth() {
    make("int8");
    for (int i = 0; i < 2; i++) {
      try (EmbeddingEngine other = engine("fp32");
          HybridIndexer indexer = HybridIndexer.open(index, other)) {
        indexer.put(SourceDocument.of("new" + i, "", "w1 w2")).join();
        indexer.commit();
      }
      assertThat(stamp()).isEqualTo("int8 and fp32");
    }
    logged.reset();
    try (EmbeddingEngine first = engine("int8")) {
      search(first);
    }
    assertThat(warnings()).containsOnlyOnce(WARNING).contains("int8 and fp32");
  }

  @Test
  void writingToAnEmptyIndex_takesTheEnginesPrecision() {
    try (EmbeddingEngine first = engine("int8");
        HybridIndexer indexer = HybridIndexer.open(index, first)) {
      indexer.commit();
    }
    make("fp32");
    assertThat(stamp()).isEqualTo("fp32");
  }
}
