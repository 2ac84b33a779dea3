package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The kernels of fp8.cu, attention that writes e4m3, and cuBLASLt's products of e4m3. */
class Fp8KernelsTest extends KernelTestCase {
  private static final int[] HIDDENS = {256, 384, 512, 768, 1024};

  /** Sums in the tensor cores' registers, results rounded to 16 bits. */
  private static final double PRODUCT = 2e-3;

  private static final double LARGEST = 448;

  @BeforeEach
  void needsHopper() {
    assumeThat(device.capability).as("compute capability, times ten").isGreaterThanOrEqualTo(90);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 24, 33, 512, 8192})
  void layerNormFp8(int tokens) throws IOException {
    for (int hidden : HIDDENS) {
      device.state(hidden, 4 * hidden);
      float[] x = halfs("x", tokens * hidden, 2, 1);
      float[] gamma = halfs("gamma", hidden, 0.3f, 1);
      float[] beta = halfs("beta", hidden, 0.3f, 0);
      float[] scales = scales("scales", hidden, 3);
      device.alloc("y", tokens + 1, hidden * 2);
      device.alloc("e4m3", tokens + 1, hidden);
      double us =
          device.run(REPEAT, "layer_norm_fp8 x y e4m3 gamma beta", EPSILON, "scales", tokens);
      double[] y = KernelReference.layerNorm(doubles(x), hidden, gamma, beta, EPSILON);
      String name = "layer_norm_fp8_" + hidden;
      check(name, tokens, us, device.readHalfs("y"), y, ROUNDED);
      double[] scaled = new double[y.length];
      Arrays.setAll(scaled, i -> Math.clamp(y[i] * scales[i % hidden], -LARGEST, LARGEST));
      check("  e4m3", tokens, 0, device.readE4m3("e4m3"), scaled, E4M3);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 24, 33, 512, 8192})
  void quantize(int tokens) throws IOException {
    for (int hidden : HIDDENS) {
      device.state(hidden, 4 * hidden);
      float[] x = halfs("x", tokens * hidden, 2, 1);
      float[] scales = scales("scales", hidden, 8);
      device.alloc("e4m3", tokens + 1, hidden);
      double us = device.run(REPEAT, "quantize x e4m3 scales", tokens);
      double[] expected = new double[x.length];
      Arrays.setAll(
          expected,
          i ->
              KernelReference.fromE4m3(KernelReference.toE4m3((double) x[i] * scales[i % hidden])));
      check("quantize_" + hidden, tokens, us, device.readE4m3("e4m3"), expected, 0);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "fp8_64, 64",
    "fp8_128, 64",
    "fp8_hopper, 64",
    "fp8_64, 32",
    "fp8_128, 32",
    "fp8_hopper, 32"
  })
  void attention(String kernel, int head) throws IOException {
    assumeThat(!kernel.equals("fp8_hopper") || device.capability == 90)
        .as("attention_hopper_fp8 is for compute capability 9.0")
        .isTrue();
    for (int length : new int[] {1, 7, 24, 33, 512, 8192}) {
      checkAttention(kernel, 384, head, 1, length);
    }
    checkAttention(kernel, 384, head, 8, 1, 7, 24, 33, 512, 63, 64, 65, 128, 129, 2, 300);
    checkAttention(kernel, 384, head, 1, random.ints(200, 1, 90).toArray());
  }

  /** Scales keep what they are for within e4m3, and lose no more than a bit of its range. */
  @ParameterizedTest
  @CsvSource({"384, 1536", "1024, 4096"})
  void scales_followFromTheWeights(int hidden, int inner) throws IOException {
    device.state(hidden, inner);
    float[] gamma = halfs("gamma", hidden, 0.3f, 1);
    float[] beta = halfs("beta", hidden, 0.3f, 0);
    float[] weight = halfs("weight", inner * hidden, 0.05f, 0);
    float[] bias = halfs("bias", Math.max(inner, 3 * hidden), 0.3f, 0);
    device.alloc("state_scales", hidden + 1, 2);
    device.alloc("bounds", inner + 1, 4);
    device.alloc("scales", 3 * hidden + 1, 2);
    device.alloc("scaled_bias", 3 * hidden + 1, 2);
    device.alloc("inner_scale", 2, 4);
    device.alloc("inner_scales", inner + 1, 2);
    device.run(1, "fp8_state_scales gamma beta state_scales");
    double us = device.run(1, "fp8_output_bounds weight bias gamma beta bounds", inner);
    device.run(1, "fp8_value_scales bounds bias scales scaled_bias");
    device.run(1, "fp8_inner_scales bounds inner_scale inner_scales", inner);

    double root = Math.sqrt(hidden);
    double[] stateBounds = new double[hidden];
    Arrays.setAll(stateBounds, k -> root * Math.abs(gamma[k]) + Math.abs(beta[k]));
    assertScales(device.readHalfs("state_scales"), 0, stateBounds);

    double[] bounds = new double[inner];
    for (int j = 0; j < inner; j++) {
      double squares = 0;
      double shift = bias[j];
      for (int k = 0; k < hidden; k++) {
        double w = weight[j * hidden + k];
        squares += w * gamma[k] * w * gamma[k];
        shift += w * beta[k];
      }
      bounds[j] = root * Math.sqrt(squares) + Math.abs(shift);
    }
    check("fp8_output_bounds", inner, us, device.readFloats("bounds"), bounds, 1e-5);

    double[] scales = device.readHalfs("scales");
    double[] scaledBias = device.readHalfs("scaled_bias");
    for (int i = 0; i < 3 * hidden; i++) {
      if (i < 2 * hidden) {
        assertThat(scales[i]).as("scale of a query's or key's component %d", i).isEqualTo(1);
      }
      assertThat(scaledBias[i]).as("bias %d", i).isEqualTo(half((float) (bias[i] * scales[i])));
    }
    assertScales(scales, 2 * hidden, Arrays.copyOf(bounds, hidden));

    double[] most = {Arrays.stream(bounds).max().orElseThrow()};
    double[] inner1 = device.readFloats("inner_scale");
    assertScales(inner1, 0, most);
    assertThat(Arrays.copyOf(device.readHalfs("inner_scales"), inner)).containsOnly(inner1[0]);
  }

  private void assertScales(double[] scales, int from, double[] bounds) {
    for (int i = 0; i < bounds.length; i++) {
      double scale = scales[from + i];
      assertThat(Math.scalb(1.0, Math.getExponent(scale))).as("a power of two").isEqualTo(scale);
      assertThat(scale * bounds[i])
          .as("seed %d: bound %d of %d, scaled", seed, i, bounds.length)
          .isBetween(LARGEST / 2 * 0.9999, LARGEST * 1.0001);
    }
  }

  /** Weights whose inputs come in the order of attention, and whose outputs have scales. */
  @ParameterizedTest
  @CsvSource({"64, true", "32, false", "0, true", "0, false"})
  void quantizeWeight(int head, boolean scaled) throws IOException {
    int inputs = 384;
    int outputs = 1000;
    device.state(inputs, 4 * inputs);
    float[] weight = halfs("weight", outputs * inputs, 0.05f, 0);
    float[] inputScales = scales("inputs", inputs, 3);
    float[] outputScales = scales("outputs", outputs, 3);
    device.alloc("largest", 1, 4);
    device.alloc("e4m3", outputs + 1, inputs);
    device.alloc("scale", 2, 4);
    double us =
        device.run(
            REPEAT,
            "fp8_quantize_weight weight inputs",
            scaled ? "outputs" : "-",
            "largest e4m3 scale",
            outputs,
            inputs,
            head);
    double[] expected = new double[weight.length];
    for (int i = 0; i < expected.length; i++) {
      int k = i % inputs;
      int input = head == 0 ? k : k - k % head + KernelReference.componentStoredAt(k % head, head);
      double outputScale = scaled ? outputScales[i / inputs] : 1;
      expected[i] = weight[i - k + input] * outputScale / inputScales[input];
    }
    double scale = device.readFloats("scale")[0];
    double largest = Arrays.stream(expected).map(Math::abs).max().orElseThrow();
    assertThat(scale * LARGEST)
        .as("the largest weight")
        .isBetween(largest * 0.999, largest * 1.001);
    double[] found = Arrays.stream(device.readE4m3("e4m3")).map(x -> x * scale).toArray();
    String name = "fp8_quantize_weight, heads of " + head + ", outputs scaled " + scaled;
    check(name, outputs, us, found, expected, E4M3);
  }

  @ParameterizedTest
  @CsvSource({
    "1, 1024, 3072, false, -1, false",
    "7, 1024, 1024, true, -1, false",
    "33, 384, 1536, false, 0, true",
    "512, 1024, 4096, false, 0, true",
    "512, 1024, 4096, false, 2, true",
    "300, 4096, 1024, true, -1, false",
    "8192, 1024, 1024, true, -1, false",
  })
  void product(int tokens, int k, int n, boolean residual, int activation, boolean toE4m3)
      throws IOException {
    device.state(1024, 4096);
    double[] x = e4m3("x", tokens * k, 20);
    double[] weight = e4m3("weight", n * k, 20);
    float[] bias = halfs("bias", n, 0.3f, 0);
    double scale = 1 / (400 * Math.sqrt(k));
    device.floats("scale", new double[] {scale});
    device.floats("output_scale", new double[] {32});
    double[] added = new double[tokens * n];
    if (residual) {
      added = doubles(halfs("residual", tokens * n, 2, 0.5f));
    }
    device.alloc("y", tokens + 1, n * (toE4m3 ? 1 : 2));
    double us =
        device.run(
            REPEAT,
            "fp8_product x weight bias scale",
            toE4m3 ? "output_scale" : "-",
            residual ? "residual" : "-",
            "y",
            tokens,
            k,
            n,
            activation);
    float[] scaled = new float[weight.length];
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] = (float) (weight[i] * scale);
    }
    double[] expected = KernelReference.product(x, scaled, bias, k);
    for (int i = 0; i < expected.length; i++) {
      double y = expected[i] + added[i];
      y = activation < 0 ? y : KernelReference.activate(y, activation);
      expected[i] = toE4m3 ? Math.clamp(y * 32, -LARGEST, LARGEST) : y;
    }
    double[] found = toE4m3 ? device.readE4m3("y") : device.readHalfs("y");
    String name = "product of e4m3, " + k + " to " + n + ", activation " + activation;
    check(name, tokens, us, found, expected, toE4m3 ? E4M3 : PRODUCT);
  }

  /** Powers of two, as scales are. */
  private float[] scales(String name, int count, int spread) throws IOException {
    float[] scales = new float[count];
    for (int i = 0; i < count; i++) {
      scales[i] = Math.scalb(1f, random.nextInt(spread) + 2);
    }
    device.halfs(name, scales);
    return scales;
  }

  private double[] e4m3(String name, int count, double deviation) throws IOException {
    byte[] bytes = new byte[count];
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      bytes[i] = KernelReference.toE4m3(random.nextGaussian() * deviation);
      values[i] = KernelReference.fromE4m3(bytes[i]);
    }
    device.e4m3(name, bytes);
    return values;
  }
}
