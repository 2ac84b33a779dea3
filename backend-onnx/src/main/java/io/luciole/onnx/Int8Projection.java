package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.model.checkpoint.DType;
import io.luciole.model.checkpoint.Quantization;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A linear layer in 8-bit integers.
 *
 * <pre>
 * weights       w ≈ s_n · q      one scale an output n, symmetric: as the file has them, or made at load
 * activations   x ≈ s_t · q − c  one scale a token t, made as they come
 * result        s_t · s_n · Σ q q + b_n − c · Σ_k w + Σ_o x_o w_o
 * </pre>
 *
 * A scale a token, and not one for all as {@code DynamicQuantizeLinear} makes it, keeps a text's
 * result independent of its neighbours and is nearer to the floats. c is 0 but behind an
 * activation, whose results are never below −c: they use the whole range of unsigned numbers.
 *
 * <p>o are the outlier channels of the token states (Dettmers et al. 2022, LLM.int8()): few
 * components that are many times as large as the others would take all of the range. They are
 * multiplied as floats, apart from the rest.
 *
 * <p>Sums of products are exact on every processor: see {@link #WEIGHT_RANGE}.
 */
final class Int8Projection extends Projection {
  /** Neither GELU's minimum (−0.16997), nor that of its approximation by tanh, is below. */
  private static final float GELU_SHIFT = 0.1702f;

  /** The minimum of x / (1 + exp(-x)) is −0.27847. */
  private static final float SILU_SHIFT = 0.2785f;

  /**
   * Weights lie in ± this. x86 without VNNI adds two products of an unsigned and a signed byte in
   * 16 bits, which saturate: 2·255·64 = 32,640 is below 32,767, and 2·255·65 is not.
   */
  private static final int WEIGHT_RANGE = 64;

  /** Activations lie in ±127 about a zero point of 128, or in 0…255 where c makes them positive. */
  static final int RANGE = 127;

  private static final int COLUMNS_AT_ONCE = 64;

  /** The outlier channels, ascending; possibly none. */
  private final int[] outliers;

  /** Quantised values by the name of the floats they were made of. */
  private final Map<String, Quantized> quantized = new HashMap<>();

  /** Token states in two parts, by the name of the whole. */
  private final Map<String, Parts> parts = new HashMap<>();

  /** Values that come from an activation, and c. */
  private final Map<String, Float> shifts = new HashMap<>();

  /** Quantised activations, their zero point and their scales, [T]. */
  private record Quantized(String values, String zero, String scales) {}

  /** States with zeros for the outliers, [T, H], and the outliers, [T, O]. */
  private record Parts(String rest, String outliers) {}

  Int8Projection(GraphBuilder graph, Initializers initializers, Set<Integer> outliers) {
    super(graph, initializers, DataType.FLOAT, true);
    this.outliers = outliers.stream().mapToInt(o -> o).sorted().toArray();
  }

  @Override
  String linear(String x, Linear layer) {
    return ofStates(x, layer, true);
  }

  @Override
  String multiply(String x, Linear layer) {
    return ofStates(x, layer, false);
  }

  @Override
  String activated(String x, Linear layer, EncoderConfig.Activation activation) {
    String y =
        outliers.length == 0
            ? activate(bytes(x, layer), bias(layer), activation)
            : activate(ofStates(x, layer, true), activation);
    shifts.put(y, shift(activation));
    return y;
  }

  /** c: no result of an activation is below −c. */
  static float shift(EncoderConfig.Activation activation) {
    return switch (activation) {
      case GELU, GELU_TANH -> GELU_SHIFT;
      case RELU -> 0f;
      case SILU -> SILU_SHIFT;
    };
  }

  @Override
  String normalised(String x, Linear layer, String residual, Norm norm, float epsilon) {
    String y = bytes(x, layer);
    Float shift = shifts.get(x);
    String bias = shift == null ? bias(layer) : shiftedBias(layer, shift);
    return skipNorm(y, residual, norm, epsilon, bias);
  }

  /** {@code x·Wᵀ + b} of token states, or without b. */
  private String ofStates(String x, Linear layer, boolean withBias) {
    if (outliers.length == 0) {
      String y = bytes(x, layer);
      return withBias ? graph.op("Add").in(y, bias(layer)).out() : y;
    }
    int hidden = Math.toIntExact(layer.weight().shape()[1]);
    Parts split = parts.computeIfAbsent(x, states -> split(states, hidden));
    GraphBuilder.Op floats = graph.op("Gemm").in(split.outliers(), outlierWeights(layer));
    if (withBias) {
      floats.in(bias(layer));
    }
    String ofOutliers = floats.with("transB", 1).out();
    return graph.op("Add").in(bytes(split.rest(), layer), ofOutliers).out();
  }

  private Parts split(String states, int hidden) {
    ByteBuffer mask = Initializers.allocate(4L * hidden);
    for (int i = 0; i < hidden; i++) {
      mask.putFloat(Arrays.binarySearch(outliers, i) >= 0 ? 0 : 1);
    }
    long[] channels = Arrays.stream(outliers).asLongStream().toArray();
    return new Parts(
        graph
            .op("Mul")
            .in(states, graph.weight("outlier_mask", DataType.FLOAT, mask.flip(), hidden))
            .out(),
        graph.op("Gather").in(states, graph.ints(channels)).with("axis", 1).out());
  }

  /** The columns of a weight that belong to outliers, {@code [out, O]}. */
  private String outlierWeights(Linear layer) {
    int outputs = layer.outputs();
    ByteBuffer columns = Initializers.allocate(4L * outputs * outliers.length);
    float[] row = new float[Math.toIntExact(layer.weight().shape()[1])];
    for (int n = 0; n < outputs; n++) {
      layer.weight().readFloats(n * row.length, FloatBuffer.wrap(row));
      for (int channel : outliers) {
        columns.putFloat(row[channel]);
      }
    }
    String name = layer.weight().name() + ".outliers";
    return initializers.put(graph, name, DataType.FLOAT, columns.flip(), outputs, outliers.length);
  }

  /** {@code x·Wᵀ + c·Σ W}. */
  private String bytes(String x, Linear layer) {
    Quantized q = quantized.computeIfAbsent(x, this::quantize);
    Tensor weight = layer.weight();
    int outputs = Math.toIntExact(weight.shape()[0]);
    int inputs = Math.toIntExact(weight.shape()[1]);
    ByteBuffer values = Initializers.allocate((long) outputs * inputs);
    ByteBuffer scales = Initializers.allocate(4L * outputs);
    quantize(weight, values, scales.asFloatBuffer());
    String name = weight.name();
    String y =
        graph
            .microsoft("MatMulIntegerToFloat")
            .in(q.values())
            .in(initializers.put(graph, name, DataType.INT8, values, inputs, outputs))
            .in(graph.number(1))
            .in(initializers.put(graph, name + ".scale", DataType.FLOAT, scales, outputs))
            .in(q.zero())
            .out();
    return graph.op("Mul").in(y, graph.op("Unsqueeze").in(q.scales(), graph.ints(1)).out()).out();
  }

  private Quantized quantize(String x) {
    Float shift = shifts.get(x);
    String last = graph.ints(1);
    String largest;
    int zero;
    int range;
    String shifted = x;
    if (shift == null) {
      String high = graph.op("ReduceMax").in(x, last).with("keepdims", 0).out();
      String low = graph.op("ReduceMin").in(x, last).with("keepdims", 0).out();
      largest = graph.op("Max").in(high, graph.op("Neg").in(low).out()).out();
      zero = RANGE + 1;
      range = RANGE;
    } else {
      shifted = shift == 0 ? x : graph.op("Add").in(x, graph.number(shift)).out();
      largest = graph.op("ReduceMax").in(shifted, last).with("keepdims", 0).out();
      zero = 0;
      range = 2 * RANGE + 1;
    }
    String scales =
        graph
            .op("Max")
            .in(graph.op("Mul").in(largest, graph.number(1f / range)).out())
            .in(graph.number(Float.MIN_NORMAL))
            .out();
    String zeros =
        graph.op("Expand").in(graph.unsignedByte(zero), graph.op("Shape").in(scales).out()).out();
    String values = graph.op("QuantizeLinear").in(shifted, scales, zeros).with("axis", 0).out();
    return new Quantized(values, graph.unsignedByte(zero), scales);
  }

  /** {@code b − c·Σ w}, with the weights as they are after quantisation. */
  private String shiftedBias(Linear layer, float shift) {
    float[] bias = layer.bias().toFloats();
    int inputs = Math.toIntExact(layer.weight().shape()[1]);
    ByteBuffer shifted = Initializers.allocate(4L * bias.length);
    float[] row = new float[inputs];
    float[] scale = new float[1];
    byte[] q = new byte[inputs];
    ByteBuffer exact = exactBytes(layer.weight());
    for (int n = 0; n < bias.length; n++) {
      scale[0] = row(layer.weight(), exact, n, row, q);
      long sum = 0;
      for (byte b : q) {
        sum += b;
      }
      shifted.putFloat(bias[n] - shift * scale[0] * sum);
    }
    return initializers.put(
        graph, layer.bias().name(), DataType.FLOAT, shifted.flip(), bias.length);
  }

  /** {@code [out, in]} floats to {@code [in, out]} bytes with a scale for each out. */
  private static void quantize(Tensor weight, ByteBuffer values, FloatBuffer scales) {
    int outputs = Math.toIntExact(weight.shape()[0]);
    int inputs = Math.toIntExact(weight.shape()[1]);
    ByteBuffer exact = exactBytes(weight);
    int blocks = (outputs + COLUMNS_AT_ONCE - 1) / COLUMNS_AT_ONCE;
    IntStream.range(0, blocks)
        .parallel()
        .forEach(block -> {
          int first = block * COLUMNS_AT_ONCE;
          int columns = Math.min(COLUMNS_AT_ONCE, outputs - first);
          float[] row = new float[inputs];
          byte[] q = new byte[inputs];
          byte[] transposed = new byte[inputs * columns];
          for (int c = 0; c < columns; c++) {
            scales.put(first + c, row(weight, exact, first + c, row, q));
            for (int k = 0; k < inputs; k++) {
              transposed[k * columns + c] = q[k];
            }
          }
          for (int k = 0; k < inputs; k++) {
            values.put(k * outputs + first, transposed, k * columns, columns);
          }
        });
  }

  /**
   * Whether the bytes of a quantised tensor, less their zero points, can be multiplied as they are.
   */
  static boolean isExact(Tensor weight) {
    return exactBytes(weight) != null;
  }

  /** The bytes of such a tensor, row-major, with their zero points; null of any other. */
  static @Nullable ByteBuffer exactBytes(Tensor weight) {
    Quantization quantization = weight.quantization().orElse(null);
    if (quantization == null) {
      return null;
    }
    ByteBuffer data = weight.data();
    int inputs = Math.toIntExact(weight.shape()[1]);
    for (int i = 0; i < data.limit(); i++) {
      if (Math.abs(value(weight, data, i) - quantization.zero(i / inputs)) > WEIGHT_RANGE) {
        return null;
      }
    }
    return data;
  }

  private static int value(Tensor weight, ByteBuffer data, int index) {
    return weight.dtype() == DType.U8 ? data.get(index) & 0xff : data.get(index);
  }

  /** Reads row n as bytes, from exact ones or by way of floats; its scale. */
  static float row(Tensor weight, @Nullable ByteBuffer exact, int n, float[] floats, byte[] q) {
    if (exact == null) {
      weight.readFloats(n * q.length, FloatBuffer.wrap(floats));
      return quantizeRow(floats, q);
    }
    Quantization quantization = weight.quantization().orElseThrow();
    for (int k = 0; k < q.length; k++) {
      q[k] = (byte) (value(weight, exact, n * q.length + k) - quantization.zero(n));
    }
    return quantization.scale(n);
  }

  /** Quantises symmetrically; the scale. */
  private static float quantizeRow(float[] row, byte[] q) {
    float largest = 0;
    for (float w : row) {
      largest = Math.max(largest, Math.abs(w));
    }
    float scale = largest / WEIGHT_RANGE;
    float inverse = largest > 0 ? WEIGHT_RANGE / largest : 0;
    for (int k = 0; k < row.length; k++) {
      q[k] = (byte) Math.round(row[k] * inverse);
    }
    return scale;
  }
}
