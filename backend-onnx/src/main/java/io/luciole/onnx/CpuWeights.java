package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.model.checkpoint.Tensor;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * The weights of a layer as the kernels of {@link CpuLayers} read them: parts one after another,
 * each at a multiple of 64 bytes. N outputs are padded with zeros to P, a multiple of 64.
 *
 * <pre>
 * query, key and value [3H, H], output [H, H], norm, intermediate [F, H], output [H, F], norm
 *
 * a linear layer [N, K]
 *   weights    int8 [P/64, K/4, 64, 4], or bf16 [P/64, K/2, 64, 2]
 *   bias       float [P]
 * and of bytes alone
 *   scales     float [P]      of each output's weights
 *   starts     int32 [P]      −z·Σ w, where z is the zero point of the activations
 *   outliers   float [O, P]   the outlier channels' weights; of query, key, value and intermediate
 *
 * a norm        gamma float [H], beta float [H]
 * </pre>
 *
 * Bytes are those of {@link Int8Projection}. The keys' bias is left out: it adds the same to all
 * scores of a query, which softmax takes away again.
 */
final class CpuWeights {
  private static final int PANEL = 64;
  private static final int ALIGNMENT = 64;

  private final EncoderConfig config;

  /** Whether weights are bytes; otherwise they are bf16. */
  private final boolean bytes;

  /** The outlier channels, ascending. */
  private final int[] outliers;

  private ByteBuffer to = ByteBuffer.allocate(0);

  CpuWeights(EncoderConfig config, boolean bytes, int[] outliers) {
    this.config = config;
    this.bytes = bytes;
    this.outliers = bytes ? outliers : new int[0];
  }

  /** One or more linear layers of the same input, as one. */
  private record Joined(List<Linear> layers, int inputs, int outputs) {
    static Joined of(Linear... layers) {
      int inputs = Math.toIntExact(layers[0].weight().shape()[1]);
      int outputs = Arrays.stream(layers).mapToInt(Linear::outputs).sum();
      return new Joined(List.of(layers), inputs, outputs);
    }

    int padded() {
      return (outputs + PANEL - 1) / PANEL * PANEL;
    }

    Linear layer(int output) {
      return layers.get(output / layers.get(0).outputs());
    }

    int row(int output) {
      return output % layers.get(0).outputs();
    }
  }

  /**
   * A layer's weights, from position 0 to the limit of a direct buffer whose address is aligned.
   */
  ByteBuffer of(Layer layer) {
    Joined qkv = Joined.of(layer.query(), layer.key(), layer.value());
    Joined out = Joined.of(layer.attentionOutput());
    Joined up = Joined.of(layer.intermediate());
    Joined down = Joined.of(layer.output());
    long size =
        size(qkv, true) + size(out, false) + size(up, true) + size(down, false) + 4 * normSize();
    to = Initializers.allocateAligned(size, ALIGNMENT);
    float shift = Int8Projection.shift(config.activation());
    put(qkv, true, Int8Projection.RANGE + 1, 0);
    put(out, false, Int8Projection.RANGE + 1, 0);
    put(layer.requireAttentionNorm());
    put(up, true, Int8Projection.RANGE + 1, 0);
    put(down, false, 0, shift);
    put(layer.outputNorm());
    return to.flip();
  }

  private long normSize() {
    return aligned(4L * config.hidden());
  }

  private static long aligned(long size) {
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  private long size(Joined l, boolean ofStates) {
    long weights = (long) l.padded() * l.inputs();
    long vector = 4L * l.padded();
    return bytes
        ? aligned(weights) + (3 + (ofStates ? outliers.length : 0)) * vector
        : aligned(2 * weights) + vector;
  }

  private void align() {
    to.position(Math.toIntExact(aligned(to.position())));
  }

  private void put(Norm norm) {
    for (Tensor tensor : List.of(norm.scale(), norm.shift())) {
      for (float value : tensor.toFloats()) {
        to.putFloat(value);
      }
      align();
    }
  }

  /**
   * Adds a linear layer.
   *
   * @param ofStates whether it multiplies token states, whose outlier channels are apart
   * @param zero the zero point of the activations' bytes
   * @param shift what was added to the activations before they became bytes
   */
  private void put(Joined l, boolean ofStates, int zero, float shift) {
    float[] bias = bias(l);
    if (!bytes) {
      halves(l);
      floats(l, bias);
      return;
    }
    float[] scales = new float[l.outputs()];
    int[] sums = new int[l.outputs()];
    bytes(l, scales, sums);
    for (int n = 0; n < l.outputs(); n++) {
      bias[n] -= shift * scales[n] * sums[n];
    }
    floats(l, bias);
    floats(l, scales);
    for (int sum : Arrays.copyOf(sums, l.padded())) {
      to.putInt(-zero * sum);
    }
    align();
    if (ofStates) {
      outliers(l);
    }
  }

  private static float[] bias(Joined l) {
    float[] bias = new float[l.outputs()];
    for (int i = 0; i < l.layers().size(); i++) {
      if (l.layers().size() == 1 || i != 1) { // not the keys'
        float[] own = l.layers().get(i).bias().toFloats();
        System.arraycopy(own, 0, bias, i * own.length, own.length);
      }
    }
    return bias;
  }

  private void floats(Joined l, float[] values) {
    for (float value : Arrays.copyOf(values, l.padded())) {
      to.putFloat(value);
    }
    align();
  }

  private void bytes(Joined l, float[] scales, int[] sums) {
    int start = to.position();
    int inputs = l.inputs();
    List<Optional<ByteBuffer>> exact =
        l.layers().stream()
            .map(layer -> Optional.ofNullable(Int8Projection.exactBytes(layer.weight())))
            .toList();
    panels(l)
        .forEach(panel -> {
          byte[] packed = new byte[PANEL * inputs];
          byte[] q = new byte[inputs];
          float[] row = new float[inputs];
          int first = panel * PANEL;
          for (int c = 0; c < PANEL && first + c < l.outputs(); c++) {
            int n = first + c;
            ByteBuffer own = exact.get(n / l.layers().get(0).outputs()).orElse(null);
            scales[n] = Int8Projection.row(l.layer(n).weight(), own, l.row(n), row, q);
            int sum = 0;
            for (int k = 0; k < inputs; k++) {
              packed[(k / 4 * PANEL + c) * 4 + k % 4] = q[k];
              sum += q[k];
            }
            sums[n] = sum;
          }
          to.put(start + first * inputs, packed);
        });
    to.position(start + l.padded() * inputs);
    align();
  }

  private void halves(Joined l) {
    int start = to.position();
    int inputs = l.inputs();
    panels(l)
        .forEach(panel -> {
          byte[] packed = new byte[2 * PANEL * inputs];
          float[] row = new float[inputs];
          int first = panel * PANEL;
          for (int c = 0; c < PANEL && first + c < l.outputs(); c++) {
            l.layer(first + c)
                .weight()
                .readFloats(l.row(first + c) * inputs, FloatBuffer.wrap(row));
            for (int k = 0; k < inputs; k++) {
              int half = bf16(row[k]);
              int at = ((k / 2 * PANEL + c) * 2 + k % 2) * 2;
              packed[at] = (byte) half;
              packed[at + 1] = (byte) (half >> 8);
            }
          }
          to.put(start + 2 * first * inputs, packed);
        });
    to.position(start + 2 * l.padded() * inputs);
    align();
  }

  private static IntStream panels(Joined l) {
    return IntStream.range(0, l.padded() / PANEL).parallel();
  }

  /** The nearest bf16, the even one of two as near. */
  static int bf16(float value) {
    int bits = Float.floatToIntBits(value);
    return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
  }

  /** The columns of the weights that belong to outliers. */
  private void outliers(Joined l) {
    if (outliers.length == 0) {
      return;
    }
    float[][] columns = new float[outliers.length][l.padded()];
    float[] row = new float[l.inputs()];
    for (int n = 0; n < l.outputs(); n++) {
      l.layer(n).weight().readFloats(l.row(n) * row.length, FloatBuffer.wrap(row));
      for (int o = 0; o < outliers.length; o++) {
        columns[o][n] = row[outliers[o]];
      }
    }
    for (float[] column : columns) {
      floats(l, column);
    }
  }
}
