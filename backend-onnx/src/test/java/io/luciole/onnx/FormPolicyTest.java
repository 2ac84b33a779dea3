package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FormPolicyTest {
  private static final Device CUDA = new Device("cuda", 0);

  private static TokenBatch batch(int... lengths) {
    List<int[]> texts = new ArrayList<>();
    for (int length : lengths) {
      texts.add(new int[length]);
    }
    return TokenBatch.of(texts);
  }

  @Test
  void choose_withFusedFormNeverPads() {
    FormPolicy policy = FormPolicy.on(CUDA, true);
    assertThat(policy.usual()).isEqualTo(Form.FUSED);
    for (int length : new int[] {1, 32, 512, 2048, 8192}) {
      assertThat(policy.choose(batch(length, length, length))).isEqualTo(Form.FUSED);
    }
    assertThat(policy.choose(batch(8192, 300, 20))).isEqualTo(Form.FUSED);
  }

  @Test
  void choose_withoutFusedFormPadsLongTextsOfEqualLengthOnly() {
    FormPolicy policy = FormPolicy.on(CUDA, false);
    assertThat(policy.usual()).isEqualTo(Form.PACKED);
    assertThat(policy.choose(batch(8192))).isEqualTo(Form.PADDED);
    assertThat(policy.choose(batch(8192, 8000, 7900))).isEqualTo(Form.PADDED);
    assertThat(policy.choose(batch(8192, 300, 20))).isEqualTo(Form.PACKED);
    assertThat(policy.choose(batch(32, 400))).isEqualTo(Form.PACKED);
    assertThat(policy.choose(batch(512, 512))).isEqualTo(Form.PACKED);
  }

  @Test
  void choose_onCpusLoops() {
    assertThat(FormPolicy.on(Device.CPU, false).choose(batch(8192))).isEqualTo(Form.LOOP);
  }
}
