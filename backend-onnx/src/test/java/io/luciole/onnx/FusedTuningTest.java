package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FusedTuningTest {
  @Test
  void run_hasABatchOfEachSizeThatIsTunedByItselfLargestFirst() {
    List<Integer> tokens = new ArrayList<>();

    FusedTuning.run(batch -> tokens.add(batch.tokens()));

    assertThat(tokens)
        .containsExactly(
            4096, 3584, 3072, 2560, 2048, 1792, 1536, 1280, 1024, 896, 768, 640, 512, 448, 384, 320,
            256);
  }
}
