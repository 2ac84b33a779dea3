package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.MiniM3;
import io.luciole.testkit.ReferenceText;
import io.luciole.testkit.TinyEncodersTest;
import java.nio.FloatBuffer;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** All architectures in a GPU's layout, compared with Transformers. */
class DjlGpuLayoutTest extends TinyEncodersTest {
  /** Of equal lengths and others, in no order of length. */
  private static final TokenBatch TEXTS =
      TokenBatch.of(
          List.of(
              new int[] {0, 9, 14, 2},
              new int[] {0, 2},
              new int[] {0, 5, 6, 7, 8, 11, 2},
              new int[] {0, 33, 2, 2}));

  @Override
  protected BackendProvider provider() {
    return new GpuLayoutProvider();
  }

  @Test
  void allOutputs_areThoseOfTheCpusLayout() {
    ModelFiles model = MiniM3.source().resolve();
    BackendConfig config = BackendConfig.on(Device.CPU).threads(2);
    Set<Output> all = EnumSet.allOf(Output.class);
    try (Backend usual = new DjlBackendProvider().open(model, config);
        Backend packed = provider().open(model, config);
        BackendOutput expected = usual.run(TEXTS, all);
        BackendOutput found = packed.run(TEXTS, all)) {
      assertThat(packed.info().pads()).isFalse();
      for (Output output : all) {
        assertThat(values(found, output))
            .as("%s", output)
            .containsExactly(values(expected, output), within(ReferenceText.VECTOR_TOLERANCE));
      }
    }
  }

  private static float[] values(BackendOutput output, Output of) {
    FloatBuffer values = output.get(of);
    float[] copy = new float[values.remaining()];
    values.duplicate().get(copy);
    return copy;
  }
}
