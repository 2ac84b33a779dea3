package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.spi.BackendConfig;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FormPolicyTest {
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
    FormPolicy policy = FormPolicy.on(CUDA, true);
    assertThat(policy.usual()).isEqualTo(Form.FUSED);
    assertThat(policy.choose(batch(8192, 8000, 7900))).isEqualTo(Form.FUSED);
    assertThat(policy.choose(batch(32, 32, 32))).isEqualTo(Form.FUSED);
  }

  @Test
  void choose_withoutFusedFormPadsLongTextsOfEqualLengthOnly() {
    FormPolicy policy = FormPolicy.on(CUDA, false);
    assertThat(policy.usual()).isEqualTo(Form.PACKED);
    assertThat(policy.choose(batch(32, 400))).isEqualTo(Form.PACKED);
    assertThat(policy.choose(batch(512, 512))).isEqualTo(Form.PACKED);
    assertThat(policy.choose(batch(8192, 300, 20))).isEqualTo(Form.PACKED);
    assertThat(policy.choose(batch(8192))).isEqualTo(Form.PADDED);
    assertThat(policy.choose(batch(8192, 8000, 7900))).isEqualTo(Form.PADDED);
  }

  @Test
  void choose_onCpusLoops() {
    assertThat(FormPolicy.on(BackendConfig.on(Device.CPU), false).choose(batch(8192)))
        .isEqualTo(Form.LOOP);
  }

  @Test
  void choose_takesTheFormThatIsSet() {
    BackendConfig packed = CUDA.option(OnnxOptions.FORM, "Packed");
    assertThat(FormPolicy.on(packed, true).usual()).isEqualTo(Form.PACKED);
    assertThat(FormPolicy.on(packed, false).choose(batch(8192))).isEqualTo(Form.PACKED);
  }
}
