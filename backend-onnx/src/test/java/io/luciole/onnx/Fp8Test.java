package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Key;
import io.luciole.model.ModelSource;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Where fp8 is refused without a GPU being asked; what it computes, {@link Fp8KernelsTest} has. */
class Fp8Test {
  private static final BackendConfig ON_CUDA =
      BackendConfig.on(new Device("cuda", 0)).precision(Precision.FP8);

  private static void open(BackendConfig config) {
    new OnnxBackendProvider().open(ModelSource.path(TestModels.MINI_M3).resolve(), config).close();
  }

  @Test
  void fp8_onACpu_isRefused() {
    assertThatThrownBy(() -> open(BackendConfig.on(Device.CPU).precision(Precision.FP8)))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("or int8 on cpu, found fp8")
        .hasMessageContaining("compute capability 9.0");
  }

  @Test
  void fp8_ofSizesWithoutKernels_isRefusedInsteadOfComputedOtherwise() {
    assertThatThrownBy(() -> open(ON_CUDA))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("for the precision fp8, which nothing else computes in")
        .hasMessageContaining("luciole.precision=fp16");
  }

  /** Whoever adds an option says here whether vectors depend on it by more than rounding. */
  @Test
  void fp16Layers_areAllThatVectorsDependOn() {
    List<Key<?>> others =
        List.of(
            OnnxOptions.RUNS,
            OnnxOptions.FORM,
            OnnxOptions.CUDA_LIBRARY,
            OnnxOptions.CUDA_TUNE,
            OnnxOptions.CUDA_GRAPHS);
    BackendProvider provider = new OnnxBackendProvider();

    assertThat(provider.optionsOfVectors()).containsExactly(OnnxOptions.CUDA_FP16_LAYERS);
    assertThat(provider.options())
        .hasSize(others.size() + 1)
        .containsAll(others)
        .containsAll(provider.optionsOfVectors());
  }

  @Test
  void fp16Layers_fewerThanNone_areRefused() {
    BackendConfig config = ON_CUDA.option(OnnxOptions.CUDA_FP16_LAYERS, "-1");
    assertThatThrownBy(() -> config.option(OnnxOptions.CUDA_FP16_LAYERS))
        .hasMessageContaining("expected a whole number of at least 0, got \"-1\"");
  }
}
