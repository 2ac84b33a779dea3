package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels of encoder.cu, hopper.cu and small_batch.cu. */
class CudaKernelsTest extends KernelTestCase {
  /** The sizes that encoder.cu has kernels with a warp a row for. */
  private static final int[] HIDDENS = {256, 384, 512, 768, 1024};

  // ---- encoder.cu

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 24, 33, 512, 8192})
  void layerNorm(int tokens) throws IOException {
    for (int hidden : HIDDENS) {
      device.state(hidden, 4 * hidden);
      checkLayerNorm("layer_norm", "layer_norm_" + hidden, hidden, tokens);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 24, 33, 512, 8192})
  void embed(int tokens) throws IOException {
    int vocabulary = 1000;
    int filled = tokens + 5;
    for (int hidden : HIDDENS) {
      device.state(hidden, 4 * hidden);
      float[] words = halfs("words", vocabulary * hidden, 0.1f, 0);
      float[] positions = halfs("positions", vocabulary * hidden, 0.1f, 0);
      float[] type = halfs("type", hidden, 0.1f, 0);
      float[] gamma = halfs("gamma", hidden, 0.3f, 1);
      float[] beta = halfs("beta", hidden, 0.3f, 0);
      int[] batch = random.ints(4L * tokens, 0, vocabulary).toArray();
      int[] tiles = random.ints(8, 0, tokens).toArray();
      device.ints("batch", batch);
      device.ints("tiles", tiles);
      device.alloc("states", filled + 1, hidden * 2);
      device.alloc("spans", filled, 8);
      device.alloc("filled_tiles", 3, 16);
      double us =
          device.run(
              REPEAT,
              "embed batch tiles",
              tokens,
              filled,
              "2 3 words positions type gamma beta",
              EPSILON,
              "states spans filled_tiles");
      double[] sums = new double[tokens * hidden];
      int[] spans = new int[filled * 2];
      for (int t = 0; t < tokens; t++) {
        for (int i = 0; i < hidden; i++) {
          sums[t * hidden + i] =
              (double) words[batch[4 * t] * hidden + i]
                  + positions[batch[4 * t + 1] * hidden + i]
                  + type[i];
        }
        System.arraycopy(batch, 4 * t + 2, spans, 2 * t, 2);
      }
      double[] expected =
          Arrays.copyOf(
              KernelReference.layerNorm(sums, hidden, gamma, beta, EPSILON), filled * hidden);
      check("embed_" + hidden, tokens, us, device.readHalfs("states"), expected, ROUNDED);
      assertThat(device.readInts("spans")).as("spans, then zeros").isEqualTo(spans);
      assertThat(device.readInts("filled_tiles"))
          .as("tiles, then zeros")
          .isEqualTo(Arrays.copyOf(tiles, 12));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 24, 33, 512, 8192})
  void outputHeads(int tokens) throws IOException {
    for (int hidden : HIDDENS) {
      device.state(hidden, 4 * hidden);
      float[] x = halfs("x", tokens * hidden, 2, 1);
      float[] gamma = halfs("gamma", hidden, 0.3f, 1);
      float[] beta = halfs("beta", hidden, 0.3f, 0);
      float[] weight = halfs("weight", hidden, 0.05f, 0);
      float[] bias = halfs("bias", 1, 0.05f, 0.1f);
      long[] rows = random.longs(5, 0, tokens).toArray();
      device.longs("rows", rows);
      device.alloc("states", tokens + 1, hidden * 2);
      device.alloc("sparse", tokens + 1, 4);
      device.alloc("dense", rows.length + 1, hidden * 4);
      double us =
          device.run(
              REPEAT,
              "output_heads x gamma beta",
              EPSILON,
              "states weight bias sparse rows dense",
              tokens,
              rows.length);
      double[] states = KernelReference.layerNorm(doubles(x), hidden, gamma, beta, EPSILON);
      double[] sparse = KernelReference.product(states, weight, bias, hidden);
      Arrays.setAll(sparse, i -> Math.max(0, sparse[i]));
      double[] dense = new double[rows.length * hidden];
      for (int i = 0; i < rows.length; i++) {
        System.arraycopy(states, (int) rows[i] * hidden, dense, i * hidden, hidden);
      }
      String name = "output_heads_" + hidden;
      check(name + " states", tokens, us, device.readHalfs("states"), states, ROUNDED);
      check(name + " sparse", tokens, us, device.readFloats("sparse"), sparse, SPARSE);
      check(name + " dense", tokens, us, device.readFloats("dense"), dense, EXACT);
    }
  }

  @ParameterizedTest
  @CsvSource({"64, 64", "128, 64", "hopper, 64", "64, 32", "128, 32", "hopper, 32"})
  void attention(String kernel, int head) throws IOException {
    assumeThat(!kernel.equals("hopper") || device.capability == 90)
        .as("attention_hopper is for compute capability 9.0")
        .isTrue();
    for (int length : new int[] {1, 7, 24, 33, 512, 8192}) {
      attention(kernel, head, 1, length);
    }
    // Scores up to a hundred apart: the maximum moves far, and most exponentials vanish.
    attention(kernel, head, 8, 512);
    attention(kernel, head, 8, 1, 7, 24, 33, 512, 63, 64, 65, 128, 129, 2, 300);
    int[] many = random.ints(200, 1, 90).toArray();
    attention(kernel, head, 1, many);
  }

  private void attention(String kernel, int head, float sharpness, int... lengths)
      throws IOException {
    checkAttention(kernel, 384, head, sharpness, lengths);
  }

  // ---- small_batch.cu: batches of 33 tokens and more take the kernels above

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void foldLayernorm(boolean normalised) throws IOException {
    smallBatch();
    float[] weight = halfs("weight", 3 * HIDDEN * HIDDEN, 0.03f, 0);
    float[] bias = halfs("bias", 3 * HIDDEN, 0.3f, 0);
    float[] gamma = halfs("gamma", HIDDEN, 0.3f, 1);
    float[] beta = halfs("beta", HIDDEN, 0.3f, 0);
    device.alloc("folded", 3 * HIDDEN + 1, 8);
    String names = normalised ? "weight bias gamma beta folded" : "weight bias - - folded";
    double us = device.run(REPEAT, "fold_layernorm", names, 3 * HIDDEN);
    double[] expected = folded(weight, bias, normalised ? gamma : null, beta);
    check("fold_layernorm", 3 * HIDDEN, us, device.readFloats("folded"), expected, EXACT);
  }

  @ParameterizedTest
  @CsvSource({"1", "7", "16", "24", "32"})
  void attnQkv(int tokens) throws IOException {
    smallBatch();
    TokenBatch batch = tokens < 16 ? batch(tokens) : batch(5, 1, tokens - 6);
    int rows = rows(tokens);
    int[] spans = spans(batch, rows);
    device.ints("spans", spans);
    for (boolean normalised : new boolean[] {false, true}) {
      Normalised in = normalised(tokens, rows, 3 * HIDDEN, normalised);
      device.alloc("y", rows, HIDDEN * 2);
      double us =
          device.run(
              REPEAT,
              "small_batch attn_qkv x weight folded -",
              in.gamma(),
              "- mean_rstd - spans y",
              rows,
              0,
              EPSILON);
      double[] qkv = KernelReference.product(in.x, in.weight, in.bias, HIDDEN);
      double[] expected =
          KernelReference.attention(qkv, HIDDEN, 64, Arrays.copyOf(spans, tokens * 2));
      double[] y = Arrays.copyOf(device.readHalfs("y"), tokens * HIDDEN);
      check("attn_qkv, normalised " + normalised, tokens, us, y, expected, FOLDED);
      in.checkMeanRstd(this, tokens);
      device.state(HIDDEN, INNER);
      device.ints("spans", spans);
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "7", "16", "24", "32"})
  void ffnUp(int tokens) throws IOException {
    for (int activation = 0; activation < 3; activation++) {
      smallBatch();
      int rows = rows(tokens);
      Normalised in = normalised(tokens, rows, INNER, true);
      device.alloc("y", rows, INNER * 2);
      double us =
          device.run(
              REPEAT,
              "small_batch ffn_up x weight folded - gamma - mean_rstd - - y",
              rows,
              activation,
              EPSILON);
      double[] expected = KernelReference.product(in.x, in.weight, in.bias, HIDDEN);
      for (int i = 0; i < expected.length; i++) {
        expected[i] = KernelReference.activate(expected[i], activation);
      }
      double[] y = Arrays.copyOf(device.readHalfs("y"), tokens * INNER);
      check("ffn_up, activation " + activation, tokens, us, y, expected, FOLDED);
      in.checkMeanRstd(this, tokens);
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "7", "16", "24", "32"})
  void attnOut(int tokens) throws IOException {
    withResidual("attn_out", tokens, HIDDEN, false);
    withResidual("attn_out", tokens, HIDDEN, true);
  }

  @ParameterizedTest
  @CsvSource({"1", "7", "16", "24", "32"})
  void ffnDown(int tokens) throws IOException {
    withResidual("ffn_down", tokens, INNER, false);
    withResidual("ffn_down", tokens, INNER, true);
  }

  private void withResidual(String kernel, int tokens, int k, boolean normalised)
      throws IOException {
    smallBatch();
    int rows = rows(tokens);
    float[] x = halfs("x", rows * k, 1, 0);
    float[] weight = halfs("weight", HIDDEN * k, (float) (1 / Math.sqrt(k)), 0);
    float[] bias = halfs("bias", HIDDEN, 0.3f, 0);
    float[] gamma = halfs("gamma", HIDDEN, 0.3f, 1);
    float[] beta = halfs("beta", HIDDEN, 0.3f, 0);
    double[] residual = doubles(halfs("residual", rows * HIDDEN, 2, 0.5f));
    double[] meanRstd = new double[rows * 2];
    for (int row = 0; row < rows; row++) {
      System.arraycopy(
          KernelReference.meanRstd(residual, row * HIDDEN, HIDDEN, EPSILON),
          0,
          meanRstd,
          2 * row,
          2);
    }
    device.floats("mean_rstd", meanRstd);
    device.alloc("y", rows + 1, HIDDEN * 2);
    String norm = normalised ? "gamma beta mean_rstd" : "- - -";
    double us =
        device.run(
            REPEAT,
            "small_batch",
            kernel,
            "x weight - bias",
            norm,
            "residual - y",
            rows,
            0,
            EPSILON);
    double[] expected = KernelReference.product(doubles(x), weight, bias, k);
    double[] added =
        normalised ? KernelReference.layerNorm(residual, HIDDEN, gamma, beta, EPSILON) : residual;
    Arrays.setAll(expected, i -> expected[i] + added[i]);
    String name = kernel + ", normalised " + normalised;
    check(name, tokens, us, device.readHalfs("y"), expected, ROUNDED);
  }

  /** Inputs of a product with a layer normalisation before it; rows behind the tokens are zeros. */
  private static final class Normalised {
    private final double[] raw;
    private final double[] x;
    private final float[] weight;
    private final float[] bias;
    private final boolean normalises;

    Normalised(double[] raw, double[] x, float[] weight, float[] bias, boolean normalises) {
      this.raw = raw;
      this.x = x;
      this.weight = weight;
      this.bias = bias;
      this.normalises = normalises;
    }

    String gamma() {
      return normalises ? "gamma" : "-";
    }

    void checkMeanRstd(CudaKernelsTest test, int tokens) throws IOException {
      if (normalises) {
        double[] expected = new double[tokens * 2];
        for (int t = 0; t < tokens; t++) {
          System.arraycopy(
              KernelReference.meanRstd(raw, t * HIDDEN, HIDDEN, EPSILON), 0, expected, 2 * t, 2);
        }
        double[] found = Arrays.copyOf(device.readFloats("mean_rstd"), tokens * 2);
        test.check("  mean_rstd", tokens, 0, found, expected, EXACT);
      }
    }
  }

  private Normalised normalised(int tokens, int rows, int outputs, boolean normalises)
      throws IOException {
    float[] x = values(tokens * HIDDEN, normalises ? 2 : 1, normalises ? 0.5f : 0);
    device.halfs("x", Arrays.copyOf(x, rows * HIDDEN));
    float[] weight = halfs("weight", outputs * HIDDEN, (float) (1 / Math.sqrt(HIDDEN)), 0);
    float[] bias = values(outputs, 0.3f, 0);
    float[] gamma = halfs("gamma", HIDDEN, 0.3f, 1);
    float[] beta = values(HIDDEN, 0.3f, 0);
    device.floats("folded", folded(weight, bias, normalises ? gamma : null, beta));
    device.alloc("mean_rstd", 32, 8);
    double[] raw = doubles(x);
    double[] in = normalises ? KernelReference.layerNorm(raw, HIDDEN, gamma, beta, EPSILON) : raw;
    return new Normalised(raw, in, weight, bias, normalises);
  }

  private void smallBatch() throws IOException {
    assumeThat(device.capability).as("compute capability, times ten").isGreaterThanOrEqualTo(90);
    device.state(HIDDEN, INNER);
  }

  /** The rows that the operator computes for so many tokens. */
  private static int rows(int tokens) {
    return (tokens + 7) / 8 * 8;
  }
}
