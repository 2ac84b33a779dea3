package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.model.EncoderConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class FusedTrialTest {
  private static final EncoderConfig CONFIG =
      new EncoderConfig(64, 1, 1, 128, 1e-5f, EncoderConfig.Activation.GELU, 100, 514, 2, 1);

  /** Values that depend on a text's tokens; among other texts, with noise. */
  private static List<float[]> values(TokenBatch batch, double noise) {
    List<float[]> all = new ArrayList<>();
    for (int i = 0; i < batch.size(); i++) {
      float[] vector = new float[64];
      for (int j = 0; j < vector.length; j++) {
        int token = batch.tokenIds()[batch.offset(i) + j % batch.length(i)];
        vector[j] = (float) (Math.sin(token + j) * (1 + (batch.size() > 1 ? noise : 0)));
      }
      all.add(vector);
    }
    return all;
  }

  @Test
  void problem_noneWhereTextsKeepTheirValues() {
    assertThat(FusedTrial.problem(batch -> values(batch, 0.01), CONFIG, FusedTrial.SHARE)).isNull();
  }

  @Test
  void problem_whereNeighboursChangeValues() {
    assertThat(FusedTrial.problem(batch -> values(batch, 2), CONFIG, FusedTrial.SHARE))
        .contains("alone");
  }

  @Test
  void problem_ofFp8_onlyWhereValuesHaveNothingInCommon() {
    assertThat(FusedTrial.problem(batch -> values(batch, 0.4), CONFIG, FusedTrial.FP8_SHARE))
        .isNull();
    assertThat(FusedTrial.problem(batch -> values(batch, -2), CONFIG, FusedTrial.FP8_SHARE))
        .contains("alone");
  }

  @Test
  void problem_whereOneRunOfManyIsGarbage() {
    AtomicInteger runs = new AtomicInteger();
    assertThat(
            FusedTrial.problem(
                batch -> {
                  List<float[]> all = values(batch, 0);
                  if (runs.incrementAndGet() == 9) {
                    all.get(0)[0] = Float.NaN;
                  }
                  return all;
                },
                CONFIG,
                FusedTrial.SHARE))
        .contains("alone");
  }

  @Test
  void problem_whereARunFails() {
    assertThat(
            FusedTrial.problem(
                batch -> {
                  throw new BackendException("the driver is too old");
                },
                CONFIG,
                FusedTrial.SHARE))
        .isEqualTo("the driver is too old");
  }
}
