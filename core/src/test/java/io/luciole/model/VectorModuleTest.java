package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.model.VectorModule.Activation;
import io.luciole.model.VectorModule.Dense;
import io.luciole.model.VectorModule.LayerNorm;
import io.luciole.model.VectorModule.Normalize;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class VectorModuleTest {
  private static Dense dense(Activation activation, boolean addsInput) {
    float[] weight = {1, 2, 3, -1, 0, 1, 0.5f, 0, 0};
    return new Dense("2_Dense", weight, new float[] {0, 1, -1}, activation, addsInput, null);
  }

  @ParameterizedTest
  @CsvSource({
    "IDENTITY, 6, 1, -0.5",
    "RELU, 6, 1, 0",
    "TANH, 0.99998771, 0.76159416, -0.46211716",
    "SIGMOID, 0.99752738, 0.73105858, 0.37754067",
    "SILU, 5.98516426, 0.73105858, -0.18877033"
  })
  void dense_isTheLinearLayerAndItsActivation(Activation activation, double x, double y, double z) {
    float[] found = dense(activation, false).apply(new float[] {1, 1, 1});

    assertThat(found).containsExactly(new float[] {(float) x, (float) y, (float) z}, within(1e-6f));
  }

  @Test
  void residual_isAddedBehindTheActivation() {
    assertThat(dense(Activation.IDENTITY, true).apply(new float[] {1, 1, 1}))
        .containsExactly(7, 2, 0.5f);
    Dense projected =
        new Dense(
            "2_Dense",
            new float[] {1, 1},
            new float[] {0},
            Activation.IDENTITY,
            true,
            new float[] {10, 20});
    assertThat(projected.apply(new float[] {1, 2})).containsExactly(3 + 50);
  }

  @Test
  void layerNorm_isThatOfPyTorch() {
    float[] found =
        new LayerNorm("2_LayerNorm", new float[] {1, 2, 1, 1}, new float[] {0, 0, 0, 1})
            .apply(new float[] {1, 2, 3, 4});

    assertThat(found)
        .containsExactly(
            new float[] {-1.3416353f, -0.8944236f, 0.4472118f, 2.3416355f}, within(1e-6f));
  }

  @Test
  void normalize_givesLengthOneAndLeavesZero() {
    assertThat(new Normalize().apply(new float[] {3, 4})).containsExactly(0.6f, 0.8f);
    assertThat(new Normalize().apply(new float[2])).containsExactly(0, 0);
  }

  @Test
  void vectorsOfAnotherSize_areRefused() {
    assertThat(dense(Activation.TANH, false).outputs(3)).isEqualTo(3);
    assertThatThrownBy(() -> dense(Activation.TANH, false).outputs(4))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("Expected vectors of 3 components")
        .hasMessageContaining("gives 4");
  }

  @Test
  void id_tellsWeightsAndActivationsApart() {
    String id = dense(Activation.TANH, false).id();

    assertThat(dense(Activation.TANH, false).id()).isEqualTo(id);
    assertThat(dense(Activation.RELU, false).id()).isNotEqualTo(id);
    assertThat(dense(Activation.TANH, true).id()).isNotEqualTo(id);
    float[] other = {1, 2, 3, -1, 0, 1, 0.5f, 0, 0.001f};
    assertThat(
            new Dense("2_Dense", other, new float[] {0, 1, -1}, Activation.TANH, false, null).id())
        .isNotEqualTo(id)
        .doesNotContain(" ");
  }
}
