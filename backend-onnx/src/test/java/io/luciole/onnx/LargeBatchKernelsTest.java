package io.luciole.onnx;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels of large_batch.cu, which compute 192 to 512 tokens in sizes of their own. */
class LargeBatchKernelsTest extends KernelTestCase {
  /** Parts of K that a product is cut into, whose sums are added up by another kernel. */
  private static final int PARTS = 4;

  /** Sums of 256 or 1,024 products in 32 bits, as tensor cores round them. Seen: 1.3e-6. */
  private static final double SUMS = 5e-6;

  @ParameterizedTest
  @ValueSource(ints = {192, 256, 320, 384, 512})
  void largeBias(int tokens) throws IOException {
    product("large_bias", tokens, 3 * HIDDEN, -1);
  }

  @ParameterizedTest
  @CsvSource({"192, 0", "256, 1", "320, 0", "320, 1", "320, 2", "384, 2", "512, 0"})
  void largeActivated(int tokens, int activation) throws IOException {
    product("large_activated", tokens, INNER, activation);
  }

  @ParameterizedTest
  @CsvSource({
    "192, 1024",
    "256, 1024",
    "320, 1024",
    "384, 1024",
    "512, 1024",
    "192, 4096",
    "256, 4096",
    "320, 4096",
    "384, 4096",
    "512, 4096"
  })
  void largePart(int tokens, int k) throws IOException {
    largeBatch();
    float[] x = halfs("x", tokens * k, 1, 0.1f);
    float[] weight = halfs("weight", HIDDEN * k, (float) (1 / Math.sqrt(k)), 0);
    device.alloc("parts", PARTS * tokens + 1, HIDDEN * 4);
    double us =
        device.run(REPEAT, "large_batch large_part x weight - - parts", tokens, k, HIDDEN, 0);
    double[] expected = new double[PARTS * tokens * HIDDEN];
    for (int part = 0; part < PARTS; part++) {
      double[] sums =
          KernelReference.product(
              doubles(columns(x, k, part)), columns(weight, k, part), new float[HIDDEN], k / PARTS);
      System.arraycopy(sums, 0, expected, part * sums.length, sums.length);
    }
    check("large_part of " + k, tokens, us, device.readFloats("parts"), expected, SUMS);
  }

  @ParameterizedTest
  @CsvSource({"1, true", "7, true", "192, true", "320, true", "512, true", "320, false"})
  void largeSum(int tokens, boolean normalised) throws IOException {
    largeBatch();
    float[] parts = new float[PARTS * tokens * HIDDEN];
    Random values = new Random(seed);
    for (int i = 0; i < parts.length; i++) {
      parts[i] = (float) values.nextGaussian();
    }
    device.floats("parts", doubles(parts));
    float[] bias = halfs("bias", HIDDEN, 0.3f, 0);
    float[] residual = halfs("residual", tokens * HIDDEN, 2, 0.5f);
    float[] gamma = halfs("gamma", HIDDEN, 0.3f, 1);
    float[] beta = halfs("beta", HIDDEN, 0.3f, 0);
    device.alloc("y", tokens + 1, HIDDEN * 2);
    double us =
        device.run(
            REPEAT,
            "large_sum parts bias residual",
            normalised ? "gamma beta" : "- -",
            "y",
            tokens,
            EPSILON);
    double[] sum = new double[tokens * HIDDEN];
    Arrays.setAll(sum, i -> residual[i] + bias[i % HIDDEN]);
    for (int i = 0; i < parts.length; i++) {
      sum[i % sum.length] += parts[i];
    }
    double[] expected =
        normalised ? KernelReference.layerNorm(sum, HIDDEN, gamma, beta, EPSILON) : sum;
    String name = "large_sum, normalised " + normalised;
    check(name, tokens, us, device.readHalfs("y"), expected, ROUNDED);
  }

  private void largeBatch() throws IOException {
    assumeThat(device.capability).as("compute capability, times ten").isEqualTo(90);
    device.state(HIDDEN, INNER);
  }

  /** A product of hidden states; without an activation where that is negative. */
  private void product(String kernel, int tokens, int outputs, int activation) throws IOException {
    largeBatch();
    float[] x = halfs("x", tokens * HIDDEN, 1, 0.1f);
    float[] weight = halfs("weight", outputs * HIDDEN, (float) (1 / Math.sqrt(HIDDEN)), 0);
    float[] bias = halfs("bias", outputs, 0.3f, 0);
    device.alloc("y", tokens + 1, outputs * 2);
    double us =
        device.run(
            REPEAT,
            "large_batch",
            kernel,
            "x weight bias y -",
            tokens,
            HIDDEN,
            outputs,
            Math.max(activation, 0));
    double[] expected = KernelReference.product(doubles(x), weight, bias, HIDDEN);
    if (activation >= 0) {
      Arrays.setAll(expected, i -> KernelReference.activate(expected[i], activation));
    }
    String name = kernel + ", activation " + activation;
    check(name, tokens, us, device.readHalfs("y"), expected, ROUNDED);
  }

  /** A part of the columns of a matrix with rows of {@code k}. */
  private static float[] columns(float[] matrix, int k, int part) {
    int each = k / PARTS;
    float[] columns = new float[matrix.length / PARTS];
    for (int row = 0; row < matrix.length / k; row++) {
      System.arraycopy(matrix, row * k + part * each, columns, row * each, each);
    }
    return columns;
  }
}
