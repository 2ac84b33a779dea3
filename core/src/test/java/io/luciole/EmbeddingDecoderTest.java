package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.luciole.model.ModelDescription;
import io.luciole.model.Pooling;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

class EmbeddingDecoderTest {
  private static final Set<Output> ALL = EnumSet.allOf(Output.class);

  private final TokenBatch batch =
      TokenBatch.of(List.of(new int[] {0, 2}, new int[] {0, 9, 7, 9, 3, 2}));
  private final float[] dense = {3, 4, 0, -2};
  private final float[] weights = {5, 5, /* text 1: */ 5, 0.25f, 0, 0.5f, 5, 5};
  private final float[] vectors = {
    Float.NaN, Float.NaN, 0, 1, /* text 1: */ Float.NaN, 0, 3, 4, 0, 0, 0, 2, -5, 0, 1, 0
  };

  private EmbeddingDecoder decoder(boolean normalize) {
    return new EmbeddingDecoder(
        new ModelDescription(
            OptionalInt.of(2), 8, Pooling.CLS, normalize, Map.of(), Set.of(0, 1, 2, 3)),
        new BackendInfo("fake", "1", Device.CPU, "fp32", ALL, 2, 2, 8, false, 1));
  }

  private BackendOutput output() {
    return new BackendOutput(
        Map.of(
            Output.DENSE, FloatBuffer.wrap(dense),
            Output.SPARSE, FloatBuffer.wrap(weights),
            Output.COLBERT, FloatBuffer.wrap(vectors)),
        () -> {});
  }

  @Test
  void dense_isNormalisedIfTheModelSaysSo() {
    assertThat(decoder(true).decode(output(), batch, 0, ALL, false, 0).dense())
        .containsExactly(0.6f, 0.8f);
    assertThat(decoder(true).decode(output(), batch, 1, ALL, false, 0).dense())
        .containsExactly(0, -1);
    assertThat(decoder(false).decode(output(), batch, 1, ALL, false, 0).dense())
        .containsExactly(0, -2);
  }

  @Test
  void sparse_keepsTheLargestWeightOfATokenAndDropsSpecialAndZeroOnes() {
    assertThat(decoder(true).decode(output(), batch, 1, ALL, false, 0).sparse())
        .isEqualTo(SparseVector.of(new int[] {9}, new float[] {0.5f}));
    assertThat(decoder(true).decode(output(), batch, 0, ALL, false, 0).sparse().isEmpty()).isTrue();
  }

  @Test
  void colbert_dropsTheFirstRowKeepsTheLastAndNormalises() {
    MultiVector one = decoder(true).decode(output(), batch, 0, ALL, false, 0).colbert();
    MultiVector many = decoder(true).decode(output(), batch, 1, ALL, false, 0).colbert();

    assertThat(one.toArrays()).isDeepEqualTo(new float[][] {{0, 1}});
    assertThat(many.toArrays())
        .isDeepEqualTo(new float[][] {{0.6f, 0.8f}, {0, 0}, {0, 1}, {-1, 0}, {1, 0}});
  }

  @Test
  void decode_givesWhatIsWantedAndNoMore() {
    Embedding embedding =
        decoder(true).decode(output(), batch, 1, EnumSet.of(Output.SPARSE), true, 0);

    assertThat(embedding.outputs()).containsExactly(Output.SPARSE);
    assertThat(embedding.tokenCount()).isEqualTo(6);
    assertThat(embedding.truncated()).isTrue();
    assertThatThrownBy(embedding::dense)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("holds [SPARSE] and no DENSE");
  }

  @Test
  void valuesThatAreNotFinite_failTheirTextAlone() {
    dense[2] = Float.NaN;
    weights[0] = Float.POSITIVE_INFINITY;

    assertThatThrownBy(() -> decoder(true).decode(output(), batch, 1, ALL, false, 0))
        .isInstanceOf(NotFiniteException.class)
        .hasMessageContaining("dense vector with NaN");
    assertThatThrownBy(() -> decoder(true).decode(output(), batch, 0, ALL, false, 0))
        .isInstanceOf(NotFiniteException.class)
        .hasMessageContaining("token weight with Infinity");
    assertThat(decoder(true).decode(output(), batch, 0, EnumSet.of(Output.DENSE), false, 0).dense())
        .containsExactly(0.6f, 0.8f);
  }

  @Test
  void colbert_inHalvesIsThatOfTheSameFloats() {
    int length = 7;
    int dimension = 2;
    TokenBatch texts = TokenBatch.of(List.of(new int[] {0, 2}, new int[length]));
    Random random = new Random(5);
    short[] halves = new short[texts.tokens() * dimension];
    float[] floats = new float[halves.length];
    for (int i = 0; i < halves.length; i++) {
      halves[i] = Float.floatToFloat16((float) random.nextGaussian());
      floats[i] = Float.float16ToFloat(halves[i]);
    }
    Set<Output> wanted = Set.of(Output.COLBERT);
    BackendOutput inHalves =
        new BackendOutput(Map.of(), Map.of(Output.COLBERT, ShortBuffer.wrap(halves)), () -> {});
    BackendOutput inFloats =
        new BackendOutput(Map.of(Output.COLBERT, FloatBuffer.wrap(floats)), () -> {});

    for (int text = 0; text < texts.size(); text++) {
      MultiVector found = decoder(true).decode(inHalves, texts, text, wanted, false, 0).colbert();
      MultiVector expected =
          decoder(true).decode(inFloats, texts, text, wanted, false, 0).colbert();

      assertThat(found).isEqualTo(expected).hasSameHashCodeAs(expected);
      assertThat(found.rows()).isEqualTo(texts.length(text) - 1);
      assertThat(found.row(0)).containsExactly(expected.row(0));
      assertThat(found.maxSim(expected)).isCloseTo(1, offset(1e-6f));
      assertThat(MultiVector.concat(List.of(found, found)))
          .isEqualTo(MultiVector.concat(List.of(expected, expected)));
    }
  }

  @Test
  void colbert_inHalvesRefusesWhatIsNotFinite() {
    short infinite = Float.floatToFloat16(Float.POSITIVE_INFINITY);
    BackendOutput output =
        new BackendOutput(
            Map.of(),
            Map.of(
                Output.COLBERT,
                ShortBuffer.wrap(
                    new short[] {0, 0, 0, infinite, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})),
            () -> {});

    assertThatThrownBy(
            () -> decoder(true).decode(output, batch, 0, Set.of(Output.COLBERT), false, 0))
        .isInstanceOf(NotFiniteException.class)
        .hasMessageContaining("ColBERT row");
  }
}
