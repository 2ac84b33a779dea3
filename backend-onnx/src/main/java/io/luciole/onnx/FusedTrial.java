package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.TokenBatch;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Whether a device's kernels can be trusted, before the first text of a user: the same texts alone
 * and together, short ones and one that takes several tiles, again and again. Kernels that a driver
 * or card does not run as they should, and runs that get into each other's way, do not give the
 * same values twice; a wrong vector is worse than a slow one.
 */
final class FusedTrial {
  /**
   * Lengths of the texts: alone, each is of another kind of kernels or graph; together they are too
   * many for a graph, and share tiles or take several.
   */
  private static final int[] LENGTHS = {3, 20, 40, 70, 150, 220, 300, 380, 500};

  private static final int ROUNDS = 3;

  /**
   * How far values may be apart, as a share of their norm and for each, {@link #EACH}. Garbage is
   * not this close.
   */
  static final double SHARE = 0.05;

  /**
   * The same share for fp8, which is compared with fp16, since texts alone are too few tokens for
   * it. Random weights deviate by up to 0.57 here, trained ones by 0.04 to 0.11; what has nothing
   * to do with each other is 1.41 apart.
   */
  static final double FP8_SHARE = 0.75;

  private static final double EACH = 0.02;

  private FusedTrial() {}

  /**
   * Runs the trial.
   *
   * @param run gives values of each text of a batch
   * @param share how far values may be apart, {@link #SHARE} or {@link #FP8_SHARE}
   * @return what is wrong, or null
   */
  static @Nullable String problem(
      Function<TokenBatch, List<float[]>> run, EncoderConfig config, double share) {
    List<int[]> texts = texts(config);
    try {
      for (int round = 0; round < ROUNDS; round++) {
        List<float[]> all = run.apply(TokenBatch.of(texts));
        for (int i = 0; i < texts.size(); i++) {
          float[] single = run.apply(TokenBatch.of(List.of(texts.get(i)))).get(0);
          if (!close(single, all.get(i), share)) {
            return "a text of "
                + texts.get(i).length
                + " tokens gave other values alone than among others";
          }
        }
      }
      return null;
    } catch (BackendException e) {
      return String.valueOf(e.getMessage());
    }
  }

  private static List<int[]> texts(EncoderConfig config) {
    Random random = new Random(1);
    return Arrays.stream(LENGTHS)
        .map(length -> Math.min(length, config.maxTokens()))
        .mapToObj(length -> random.ints(length, 0, config.vocabulary()).toArray())
        .toList();
  }

  /** Whether two vectors are the same but for rounding; false if one is not finite. */
  private static boolean close(float[] a, float[] b, double share) {
    if (a.length != b.length) {
      return false;
    }
    double apart = 0;
    double norm = 0;
    for (int i = 0; i < a.length; i++) {
      double d = a[i] - b[i];
      apart += d * d;
      norm += (double) a[i] * a[i];
    }
    return Math.sqrt(apart) <= share * Math.sqrt(norm) + EACH * Math.sqrt(a.length);
  }
}
