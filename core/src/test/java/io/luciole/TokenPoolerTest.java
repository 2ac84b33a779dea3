package io.luciole;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.luciole.model.TokenPooling;
import java.nio.FloatBuffer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TokenPoolerTest {
  /** Two rows of another text, then four of ours. */
  private static final FloatBuffer STATES =
      FloatBuffer.wrap(new float[] {99, 99, 99, 99, 1, -5, 2, 6, 3, -7, 6, 2});

  private static float[] pool(String names, int unpooled) {
    return new TokenPooler(TokenPooling.parse(names), 2).pool(STATES, 2, 4, unpooled);
  }

  @ParameterizedTest
  @CsvSource({
    "cls, 0, 1 -5",
    "cls, 2, 3 -7",
    "lasttoken, 0, 6 2",
    "mean, 0, 3 -1",
    "mean, 2, 4.5 -2.5",
    "max, 0, 6 6",
    "max, 2, 6 2",
    "mean_sqrt_len_tokens, 0, 6 -2",
    "weightedmean, 0, 3.8 -0.6",
    "weightedmean, 2, 4.7142857 -1.8571429",
    "'mean,cls', 0, 3 -1 1 -5"
  })
  void pooling_isThatOfTheReference(String names, int unpooled, String expected) {
    String[] words = expected.split(" ", -1);
    float[] values = new float[words.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = Float.parseFloat(words[i]);
    }

    assertThat(pool(names, unpooled)).containsExactly(values, within(1e-6f));
  }

  @Test
  void promptLongerThanTheText_leavesTheLastToken() {
    assertThat(pool("mean", 9)).containsExactly(6, 2);
  }
}
