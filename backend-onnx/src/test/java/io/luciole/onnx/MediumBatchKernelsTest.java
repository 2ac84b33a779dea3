package io.luciole.onnx;

import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels of medium_batch.cu, which compute 64 or 128 tokens. */
class MediumBatchKernelsTest extends KernelTestCase {
  /** Components of a token whose moments are added up in one place. */
  private static final int PART = 64;

  @ParameterizedTest
  @CsvSource({"64, false", "64, true", "128, false", "128, true"})
  void mediumQkv(int tokens, boolean normalised) throws IOException {
    normalised("medium_qkv", tokens, 3 * HIDDEN, 0, normalised);
  }

  @ParameterizedTest
  @CsvSource({"64, 0", "64, 1", "64, 2", "128, 0", "128, 1", "128, 2"})
  void mediumUp(int tokens, int activation) throws IOException {
    normalised("medium_up", tokens, INNER, activation, true);
  }

  @ParameterizedTest
  @CsvSource({"64, false", "64, true", "128, false", "128, true"})
  void mediumOut(int tokens, boolean normalised) throws IOException {
    withResidual("medium_out", tokens, HIDDEN, normalised);
  }

  @ParameterizedTest
  @CsvSource({"64, false", "64, true", "128, false", "128, true"})
  void mediumDown(int tokens, boolean normalised) throws IOException {
    withResidual("medium_down", tokens, INNER, normalised);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 24, 33, 64, 65, 128})
  void mediumAttention(int length) throws IOException {
    mediumBatch();
    checkAttention("medium", HIDDEN, 64, 1, length);
    checkAttention("medium", HIDDEN, 64, 8, length, 1, 129 - length);
  }

  /** In larger batches it is another kernel of the same code. */
  @Test
  void largeAttention() throws IOException {
    mediumBatch();
    checkAttention("medium", HIDDEN, 64, 1, 128, 64, 1, 200, 33, 64, 64, 7);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 129, 1024, 5000})
  void mediumLayerNorm(int tokens) throws IOException {
    mediumBatch();
    checkLayerNorm("medium_layer_norm", "medium_layer_norm", HIDDEN, tokens);
  }

  private void mediumBatch() throws IOException {
    assumeThat(device.capability).as("compute capability, times ten").isEqualTo(90);
    device.state(HIDDEN, INNER);
  }

  private void normalised(
      String kernel, int tokens, int outputs, int activation, boolean normalises)
      throws IOException {
    mediumBatch();
    float[] raw = values(tokens * HIDDEN, normalises ? 2 : 1, normalises ? 0.5f : 0);
    float[] weight = halfs("weight", outputs * HIDDEN, (float) (1 / Math.sqrt(HIDDEN)), 0);
    float[] bias = values(outputs, 0.3f, 0);
    float[] gamma = values(HIDDEN, 0.3f, 1);
    float[] beta = values(HIDDEN, 0.3f, 0);
    float[] x = raw.clone();
    for (int i = 0; normalises && i < x.length; i++) {
      x[i] = half(raw[i] * gamma[i % HIDDEN]);
    }
    device.halfs("x", x);
    device.floats("folded", folded(weight, bias, normalises ? gamma : null, beta));
    device.floats("moments", moments(tokens, doubles(raw)));
    device.alloc("y", tokens + 1, outputs * 2);
    double us =
        device.run(
            REPEAT,
            "medium_batch",
            kernel + "_" + tokens,
            "x weight folded - - -",
            normalises ? "moments" : "-",
            "- y - - -",
            HIDDEN,
            outputs,
            activation,
            EPSILON);
    double[] in =
        normalises
            ? KernelReference.layerNorm(doubles(raw), HIDDEN, gamma, beta, EPSILON)
            : doubles(raw);
    double[] expected = KernelReference.product(in, weight, bias, HIDDEN);
    if (kernel.equals("medium_up")) {
      Arrays.setAll(expected, i -> KernelReference.activate(expected[i], activation));
    }
    String name =
        kernel + "_" + tokens + ", normalised " + normalises + ", activation " + activation;
    check(name, tokens, us, device.readHalfs("y"), expected, normalises ? FOLDED : ROUNDED);
  }

  private void withResidual(String kernel, int tokens, int k, boolean normalised)
      throws IOException {
    mediumBatch();
    float[] x = halfs("x", tokens * k, 1, 0);
    float[] weight = halfs("weight", HIDDEN * k, (float) (1 / Math.sqrt(k)), 0);
    float[] bias = halfs("bias", HIDDEN, 0.3f, 0);
    float[] gamma = halfs("gamma", HIDDEN, 0.3f, 1);
    float[] beta = halfs("beta", HIDDEN, 0.3f, 0);
    float[] nextGamma = halfs("next_gamma", HIDDEN, 0.3f, 1);
    double[] residual = doubles(halfs("residual", tokens * HIDDEN, 2, 0.5f));
    device.floats("moments", moments(tokens, residual));
    device.alloc("y", tokens + 1, HIDDEN * 2);
    device.alloc("scaled", tokens + 1, HIDDEN * 2);
    device.alloc("next_moments", tokens * HIDDEN / PART + 1, 8);
    double us =
        device.run(
            REPEAT,
            "medium_batch",
            kernel + "_" + tokens,
            "x weight - bias gamma beta",
            normalised ? "moments" : "-",
            "residual y next_gamma scaled next_moments",
            k,
            HIDDEN,
            0,
            EPSILON);
    double[] expected = KernelReference.product(doubles(x), weight, bias, k);
    double[] added =
        normalised ? KernelReference.layerNorm(residual, HIDDEN, gamma, beta, EPSILON) : residual;
    Arrays.setAll(expected, i -> expected[i] + added[i]);
    String name = kernel + "_" + tokens + ", normalised " + normalised;
    double[] y = device.readHalfs("y");
    check(name, tokens, us, y, expected, ROUNDED);
    double[] scaled = new double[expected.length];
    Arrays.setAll(scaled, i -> half((float) (y[i] * nextGamma[i % HIDDEN])));
    check("  scaled", tokens, 0, device.readHalfs("scaled"), scaled, EXACT);
    double[] of = Arrays.copyOf(y, expected.length);
    check("  moments", tokens, 0, device.readFloats("next_moments"), moments(tokens, of), EXACT);
  }

  /** Sums and sums of squares of 64 components each, {@code [H / 64, T, 2]}. */
  private static double[] moments(int tokens, double[] x) {
    double[] moments = new double[HIDDEN / PART * tokens * 2];
    for (int i = 0; i < tokens * HIDDEN; i++) {
      int at = (i % HIDDEN / PART * tokens + i / HIDDEN) * 2;
      moments[at] += x[i];
      moments[at + 1] += x[i] * x[i];
    }
    return moments;
  }
}
