package io.luciole.spi;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.Output;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Map;
import org.junit.jupiter.api.Test;

class BackendOutputTest {
  private final ShortBuffer halves =
      ShortBuffer.wrap(new short[] {Float.floatToFloat16(0.5f), Float.floatToFloat16(-2)});
  private final FloatBuffer floats = FloatBuffer.wrap(new float[] {1, 2, 3});

  @Test
  void outputsInHalvesAreThereAndConvertedWhenAskedForInFloats() {
    BackendOutput output =
        new BackendOutput(Map.of(Output.DENSE, floats), Map.of(Output.COLBERT, halves), () -> {});

    assertThat(output.has(Output.COLBERT)).isTrue();
    assertThat(output.size(Output.COLBERT)).isEqualTo(2);
    assertThat(output.halves(Output.COLBERT)).containsSame(halves);
    assertThat(output.get(Output.COLBERT)).isEqualTo(FloatBuffer.wrap(new float[] {0.5f, -2}));
    assertThat(output.size(Output.DENSE)).isEqualTo(3);
    assertThat(output.halves(Output.DENSE)).isEmpty();
    assertThat(output.get(Output.DENSE)).isSameAs(floats);
  }

  @Test
  void whatIsMissingOrClosedIsRefused() {
    BackendOutput output = new BackendOutput(Map.of(), Map.of(Output.COLBERT, halves), () -> {});

    assertThatThrownBy(() -> output.size(Output.SPARSE))
        .hasMessage("this output holds no SPARSE values");
    output.close();
    assertThatThrownBy(() -> output.halves(Output.COLBERT))
        .hasMessage("this output is closed; its buffers belong to the backend");
  }

  @Test
  void anOutputHasOneForm() {
    assertThatThrownBy(() ->
            new BackendOutput(Map.of(Output.DENSE, floats), Map.of(Output.DENSE, halves), () -> {}))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("expected DENSE values in fp32 or in fp16, got both");
  }
}
