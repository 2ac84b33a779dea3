package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;

/**
 * Kernels of {@code src/main/cuda} against {@link KernelReference}, on a GPU. Inputs are random
 * 16-bit floats, the same for both sides. The error is the norm of the difference over the norm of
 * the reference; its bound is stated at each kernel. Rounding a result to 16 bits alone gives about
 * 2e-4. Results lie in buffers of NaN, so that a value which was not written fails, and have a row
 * more than is asked for, which must stay NaN.
 */
@Tag("gpu")
abstract class KernelTestCase {
  /** Sums in 32 bits, results rounded to 16. Seen on an H200: at most 2.2e-4. */
  static final double ROUNDED = 3e-4;

  /** Results in 32 bits. Seen: at most 1.9e-7. */
  static final double EXACT = 1e-6;

  /**
   * Sums of products of both signs in 32 bits, most of them cut off at 0: where few are left and
   * small, the rounding of their terms counts. Seen: 1.5e-6, of 7 tokens.
   */
  static final double SPARSE = 1e-5;

  /** The exponentials are rounded to 16 bits before their product with the values. Seen: 3.0e-4. */
  static final double ATTENTION = 4e-4;

  /**
   * Inputs times gamma are rounded to 16 bits before the product; queries, keys and values, too.
   * Seen: 4.4e-4.
   */
  static final double FOLDED = 7e-4;

  /** Results rounded to e4m3, which has three bits behind the first. Seen: 0.026. */
  static final double E4M3 = 0.03;

  static final float EPSILON = 1e-5f;
  static final int HIDDEN = 1024;
  static final int INNER = 4096;
  static final int REPEAT = 50;

  static KernelHarness device;
  final long seed = System.nanoTime();
  final Random random = new Random(seed);

  @BeforeAll
  static void open() throws Exception {
    device = KernelHarness.open();
  }

  @AfterAll
  static void close() throws IOException {
    if (device != null) {
      device.close();
    }
  }

  /** Layer normalisation by a command of the harness, of rows of so many components. */
  void checkLayerNorm(String command, String name, int hidden, int tokens) throws IOException {
    float[] x = halfs("x", tokens * hidden, 2, 1);
    float[] gamma = halfs("gamma", hidden, 0.3f, 1);
    float[] beta = halfs("beta", hidden, 0.3f, 0);
    device.alloc("y", tokens + 1, hidden * 2);
    double us = device.run(REPEAT, command + " x y gamma beta", EPSILON, tokens);
    double[] expected = KernelReference.layerNorm(doubles(x), hidden, gamma, beta, EPSILON);
    check(name, tokens, us, device.readHalfs("y"), expected, ROUNDED);
  }

  /**
   * Attention of texts of these lengths; queries are {@code sharpness} times as large as keys.
   * Kernels whose results are e4m3 have larger values, as the operator scales them.
   */
  void checkAttention(String kernel, int hidden, int head, float sharpness, int... lengths)
      throws IOException {
    TokenBatch batch = batch(lengths);
    int tokens = batch.tokens();
    boolean fp8 = kernel.startsWith("fp8");
    device.state(hidden, 4 * hidden);
    float[] qkv = new float[tokens * 3 * hidden];
    float[] deviations = {sharpness, 1, fp8 ? 64 : 1};
    for (int i = 0; i < qkv.length; i++) {
      qkv[i] = half((float) random.nextGaussian() * deviations[i / hidden % 3]);
    }
    device.halfs("qkv", qkv);
    int[] tiles =
        CudaTiles.of(
            batch,
            kernel.endsWith("64") || kernel.equals("medium") ? CudaTiles.SMALL : CudaTiles.LARGE);
    device.ints("tiles", tiles);
    int[] spans = spans(batch, tokens);
    device.ints("spans", spans);
    device.alloc("out", tokens + 1, hidden * (fp8 ? 1 : 2));
    int count = tiles.length / CudaTiles.WIDTH;
    double us =
        device.run(
            REPEAT, "attention", kernel, "qkv out tiles spans", hidden / head, count, tokens);
    double[] expected = KernelReference.attention(doubles(qkv), hidden, head, spans);
    String name =
        String.format(
            Locale.ROOT,
            "attention_%s, heads of %d, %d texts, queries x%.0f",
            kernel,
            head,
            lengths.length,
            sharpness);
    double[] found = fp8 ? inOrder(device.readE4m3("out"), head) : device.readHalfs("out");
    check(name, tokens, us, found, expected, fp8 ? E4M3 : ATTENTION);
  }

  /** What attention wrote as e4m3, with the components of a head in their own order. */
  private static double[] inOrder(double[] stored, int head) {
    double[] ordered = new double[stored.length];
    for (int i = 0; i < stored.length; i++) {
      ordered[i - i % head + KernelReference.componentStoredAt(i % head, head)] = stored[i];
    }
    return ordered;
  }

  static double[] folded(float[] weight, float[] bias, float @Nullable [] gamma, float[] beta) {
    double[] folded = new double[bias.length * 2];
    for (int o = 0; o < bias.length; o++) {
      folded[2 * o + 1] = bias[o];
      for (int i = 0; gamma != null && i < HIDDEN; i++) {
        folded[2 * o] += (double) weight[o * HIDDEN + i] * gamma[i];
        folded[2 * o + 1] += (double) weight[o * HIDDEN + i] * beta[i];
      }
    }
    return folded;
  }

  static TokenBatch batch(int... lengths) {
    List<int[]> texts = new ArrayList<>();
    for (int length : lengths) {
      texts.add(new int[length]);
    }
    return TokenBatch.of(texts);
  }

  /** Where each token's text starts and ends; rows behind the tokens see nothing. */
  static int[] spans(TokenBatch batch, int rows) {
    int[] spans = new int[rows * 2];
    for (int text = 0; text < batch.size(); text++) {
      for (int token = batch.offset(text); token < batch.offset(text + 1); token++) {
        spans[2 * token] = batch.offset(text);
        spans[2 * token + 1] = batch.offset(text + 1);
      }
    }
    return spans;
  }

  float[] halfs(String name, int count, float deviation, float mean) throws IOException {
    float[] values = values(count, deviation, mean);
    device.halfs(name, values);
    return values;
  }

  float[] values(int count, float deviation, float mean) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = half((float) random.nextGaussian() * deviation + mean);
    }
    return values;
  }

  static float half(float value) {
    return Float.float16ToFloat(Float.floatToFloat16(value));
  }

  static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    Arrays.setAll(doubles, i -> values[i]);
    return doubles;
  }

  /** Compares, and prints the error and the speed; values behind the expected ones must be NaN. */
  void check(
      String kernel, int tokens, double us, double[] found, double[] expected, double bound) {
    double apart = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      double d = found[i] - expected[i];
      apart += d * d;
      norm += expected[i] * expected[i];
    }
    double error = norm == 0 ? Math.sqrt(apart) : Math.sqrt(apart / norm);
    System.out.printf(
        Locale.ROOT,
        "%-45s %5d tokens  error %.1e of %.1e %10.1f us%n",
        kernel,
        tokens,
        error,
        bound,
        us);
    assertThat(error)
        .as("%s, %d tokens, seed %d: the error (NaN: not written)", kernel, tokens, seed)
        .isLessThanOrEqualTo(bound);
    for (int i = expected.length; i < found.length; i++) {
      assertThat(found[i]).as("%s, %d tokens: value %d is not its", kernel, tokens, i).isNaN();
    }
  }
}
