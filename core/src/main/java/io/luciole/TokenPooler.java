package io.luciole;

import io.luciole.model.Pooling;
import io.luciole.model.TokenPooling;
import java.nio.FloatBuffer;
import java.util.Arrays;

/**
 * Pools the states of a text's tokens as sentence-transformers 6 does. Sums are made in double
 * precision. Immutable and safe for use by many threads.
 */
final class TokenPooler {
  private final TokenPooling pooling;
  private final int width;

  /**
   * Creates a pooler.
   *
   * @param width the number of components of a state
   */
  TokenPooler(TokenPooling pooling, int width) {
    this.pooling = pooling;
    this.width = width;
  }

  /**
   * Pools the states of one text.
   *
   * @param states rows of {@code width} components, read at absolute indices
   * @param from the row of the text's first token
   * @param tokens the number of its tokens, at least 1
   * @param unpooled how many tokens at its beginning take no part; the last token always does
   * @return the results of the poolings, end to end
   */
  float[] pool(FloatBuffer states, int from, int tokens, int unpooled) {
    int first = Math.min(unpooled, tokens - 1);
    float[] result = new float[width * pooling.modes().size()];
    int at = 0;
    for (Pooling mode : pooling.modes()) {
      switch (mode) {
        case CLS -> states.get((from + first) * width, result, at, width);
        case LAST -> states.get((from + tokens - 1) * width, result, at, width);
        case MAX -> largest(states, from, first, tokens, result, at);
        default -> mean(states, from, first, tokens, mode, result, at);
      }
      at += width;
    }
    return result;
  }

  private void largest(
      FloatBuffer states, int from, int first, int tokens, float[] result, int at) {
    Arrays.fill(result, at, at + width, Float.NEGATIVE_INFINITY);
    for (int t = first; t < tokens; t++) {
      for (int d = 0; d < width; d++) {
        result[at + d] = Math.max(result[at + d], states.get((from + t) * width + d));
      }
    }
  }

  private void mean(
      FloatBuffer states, int from, int first, int tokens, Pooling mode, float[] result, int at) {
    double[] sums = new double[width];
    double weights = 0;
    for (int t = first; t < tokens; t++) {
      double weight = mode == Pooling.WEIGHTED_MEAN ? t + 1.0 : 1;
      weights += weight;
      for (int d = 0; d < width; d++) {
        sums[d] += weight * states.get((from + t) * width + d);
      }
    }
    double divisor = mode == Pooling.MEAN_SQRT_LEN ? Math.sqrt(weights) : weights;
    for (int d = 0; d < width; d++) {
      result[at + d] = (float) (sums[d] / divisor);
    }
  }
}
