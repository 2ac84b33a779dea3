package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ModelFingerprintTest {
  private static final String TOKENIZER = "a1".repeat(32);
  private static final String WEIGHTS = "b2".repeat(32);

  private static ModelFingerprint of(String precision) {
    return new ModelFingerprint("my model", 8, TOKENIZER, WEIGHTS, precision);
  }

  /** Also the words of a backend that somebody else wrote. */
  @ParameterizedTest
  @ValueSource(strings = {"", "fp32", "int8", "as exported", "Q4_K-M, mixed"})
  void format_isReadBack(String precision) {
    ModelFingerprint fingerprint = of(precision);

    assertThat(ModelFingerprint.parse(fingerprint.format())).isEqualTo(fingerprint);
    assertThat(fingerprint.format().contains("precision")).isEqualTo(!precision.isEmpty());
  }

  /** As indexes have it that were written before there was a precision. */
  @Test
  void lineWithoutPrecision_isReadAsOneThatIsNotKnown() {
    String line = "my model dimension=8 tokenizer=" + TOKENIZER + " weights=" + WEIGHTS;

    assertThat(ModelFingerprint.parse(line)).isEqualTo(of(""));
    assertThatThrownBy(() -> ModelFingerprint.parse(line + " precision="))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> ModelFingerprint.parse(line + " more"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void precisionOfSeveralLines_isRefused() {
    assertThatThrownBy(() -> of("fp32\nint8"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("precision");
  }

  @ParameterizedTest
  @CsvSource({
    "fp32, fp32, true",
    "int8, int8, true",
    "fp32, fp16, true",
    "'', int8, true",
    "fp32, int8, false",
    "fp16, int8, false",
    "fp32, bf16, false",
    "fp16, fp8, false",
    "int8, as exported, false",
  })
  void precisions_areCompared(String one, String other, boolean alike) {
    assertThat(of(one).isAsPreciseAs(of(other))).isEqualTo(alike);
    assertThat(of(other).isAsPreciseAs(of(one))).isEqualTo(alike);
    assertThat(of(one).matches(of(other))).as("vectors can be compared").isTrue();
  }

  @Test
  void brief_namesThePrecisionWhereItIsKnown() {
    assertThat(of("int8").brief())
        .isEqualTo("my model (8 dimensions, weights b2b2b2b2b2b2, tokenizer a1a1a1a1a1a1, int8)");
    assertThat(of("").brief())
        .isEqualTo("my model (8 dimensions, weights b2b2b2b2b2b2, tokenizer a1a1a1a1a1a1)");
  }

  @Test
  void vectors_areReadBackAndCompared() {
    ModelFingerprint mean = of("fp32").withVectors("mean;normalize");
    ModelFingerprint cls = of("fp32").withVectors("cls;normalize");

    assertThat(ModelFingerprint.parse(mean.format())).isEqualTo(mean);
    assertThat(mean.matches(mean)).isTrue();
    assertThat(mean.matches(cls)).isFalse();
    assertThat(mean.brief()).contains("mean;normalize");
    assertThatThrownBy(() -> mean.withVectors("mean normalize"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("vectors");
  }

  /** As indexes have it that were written before vectors were noted. */
  @Test
  void vectorsThatAreNotKnown_matchAll() {
    ModelFingerprint mean = of("fp32").withVectors("mean;normalize");

    assertThat(of("fp32").matches(mean)).isTrue();
    assertThat(mean.matches(of("fp32"))).isTrue();
    assertThat(mean.isSureOf(of("fp32"))).isFalse();
  }

  @ParameterizedTest
  @CsvSource({
    "mean, mean, true",
    "mean, mean;prompt:00ff, true",
    "mean;prompt:11ff, mean;prompt:00ff, true",
    "mean;lower;prompt:11ff, mean;prompt:00ff, false",
    "cls, mean;prompt:00ff, false",
    "mean, '', true"
  })
  void queries_areComparedWithPassagesOfAnyPrompt(String queries, String passages, boolean can) {
    ModelFingerprint ofQueries = of("fp32").withVectors(queries);

    assertThat(ofQueries.canSearch(of("fp32").withVectors(passages))).isEqualTo(can);
  }
}
