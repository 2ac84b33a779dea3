package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class LayoutPolicyTest {
  private static final BackendConfig CUDA = BackendConfig.on(new Device("cuda", 0));

  private static TokenBatch batch(int... lengths) {
    List<int[]> texts = new ArrayList<>();
    for (int length : lengths) {
      texts.add(new int[length]);
    }
    return TokenBatch.of(texts);
  }

  @Test
  void choose_fusesWhereThatCanBe() {
    LayoutPolicy policy = LayoutPolicy.on(CUDA, true, true);
    assertThat(policy.usual()).isEqualTo(AttentionLayout.FUSED);
    assertThat(policy.choose(batch(8192, 8000, 7900))).isEqualTo(AttentionLayout.FUSED);
    assertThat(policy.choose(batch(32, 32, 32))).isEqualTo(AttentionLayout.FUSED);
  }

  @Test
  void choose_withoutFusedFormPadsLongTextsOfEqualLengthOnly() {
    LayoutPolicy policy = LayoutPolicy.on(CUDA, false, true);
    assertThat(policy.usual()).isEqualTo(AttentionLayout.PACKED);
    assertThat(policy.choose(batch(32, 400))).isEqualTo(AttentionLayout.PACKED);
    assertThat(policy.choose(batch(512, 512))).isEqualTo(AttentionLayout.PACKED);
    assertThat(policy.choose(batch(8192, 300, 20))).isEqualTo(AttentionLayout.PACKED);
    assertThat(policy.choose(batch(8192))).isEqualTo(AttentionLayout.PADDED);
    assertThat(policy.choose(batch(8192, 8000, 7900))).isEqualTo(AttentionLayout.PADDED);
  }

  @Test
  void choose_onCpusLoops() {
    assertThat(LayoutPolicy.on(BackendConfig.on(Device.CPU), false, true).choose(batch(8192)))
        .isEqualTo(AttentionLayout.LOOP);
  }

  @Test
  void formsOfGpus_areRefusedOnCpus() {
    for (String form : List.of("packed", "fused", "padded")) {
      BackendConfig config = BackendConfig.on(Device.CPU).option(OnnxOptions.FORM, form);
      assertThatThrownBy(() -> LayoutPolicy.on(config, false, true))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("luciole.onnx.form=" + form)
          .hasMessageContaining("found cpu");
    }
  }

  @Test
  void choose_takesTheFormThatIsSet() {
    BackendConfig packed = CUDA.option(OnnxOptions.FORM, "Packed");
    assertThat(LayoutPolicy.on(packed, true, true).usual()).isEqualTo(AttentionLayout.PACKED);
    assertThat(LayoutPolicy.on(packed, false, true).choose(batch(8192)))
        .isEqualTo(AttentionLayout.PACKED);
  }
}
