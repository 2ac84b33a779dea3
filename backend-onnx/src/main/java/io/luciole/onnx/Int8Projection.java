package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A linear layer in 8-bit integers.
 *
 * <pre>
 * weights       w ≈ s_n · q      one scale an output n, symmetric, made at load
 * activations   x ≈ s_t · (q − z)  one scale a token t, made as they come
 * result        s_t · s_n · Σ (q − z) q + b_n
 * </pre>
 *
 * A scale a token, and not one for all as {@code DynamicQuantizeLinear} makes it, keeps a text's
 * result independent of its neighbours and is nearer to the floats. The zero point z is the middle
 * but behind an activation, whose results are hardly negative: they use most of the range.
 */
final class Int8Projection extends Projection {
  /** Neither GELU's minimum (−0.16997), nor that of its approximation by tanh, is below. */
  private static final float GELU_LEAST = -0.1702f;

  /** The zero point behind a GELU. */
  private static final int GELU_ZERO = 32;

  /** Weights lie in ± this. */
  private static final int WEIGHT_RANGE = ByteArithmetic.weightRange();

  /** The zero point of values of either sign, which lie in ±127 about it. */
  private static final int MIDDLE = 128;

  private static final int COLUMNS_AT_ONCE = 64;

  /** Quantised values by the name of the floats they were made of. */
  private final Map<String, Quantized> quantized = new HashMap<>();

  /** Zero points of values that come from an activation. */
  private final Map<String, Integer> zeros = new HashMap<>();

  /** Quantised activations, their zero point and their scales, [T]. */
  private record Quantized(String values, String zero, String scales) {}

  Int8Projection(GraphBuilder graph, Initializers initializers) {
    super(graph, initializers, DataType.FLOAT, true);
  }

  @Override
  String linear(String x, Linear layer) {
    return graph.op("Add").in(multiply(x, layer), bias(layer)).out();
  }

  @Override
  String activated(String x, Linear layer, EncoderConfig.Activation activation) {
    String y = activate(multiply(x, layer), bias(layer), activation);
    zeros.put(y, activation == EncoderConfig.Activation.RELU ? 0 : GELU_ZERO);
    return y;
  }

  @Override
  String normalised(String x, Linear layer, String residual, Norm norm, float epsilon) {
    return skipNorm(multiply(x, layer), residual, norm, epsilon, bias(layer));
  }

  @Override
  String multiply(String x, Linear layer) {
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
    int zero = zeros.getOrDefault(x, MIDDLE);
    String last = graph.ints(1);
    String largest = graph.op("ReduceMax").in(x, last).with("keepdims", 0).out();
    float least = Float.MIN_NORMAL;
    if (zero == MIDDLE) {
      String low = graph.op("ReduceMin").in(x, last).with("keepdims", 0).out();
      largest = graph.op("Max").in(largest, graph.op("Neg").in(low).out()).out();
    } else if (zero > 0) {
      least = -GELU_LEAST / zero;
    }
    String scales =
        graph
            .op("Max")
            .in(graph.op("Mul").in(largest, graph.number(1f / (255 - zero))).out())
            .in(graph.number(least))
            .out();
    String eachZero =
        graph.op("Expand").in(graph.unsignedByte(zero), graph.op("Shape").in(scales).out()).out();
    String values = graph.op("QuantizeLinear").in(x, scales, eachZero).with("axis", 0).out();
    return new Quantized(values, graph.unsignedByte(zero), scales);
  }

  /** {@code [out, in]} floats to {@code [in, out]} bytes with a scale for each out. */
  private static void quantize(Tensor weight, ByteBuffer values, FloatBuffer scales) {
    int outputs = Math.toIntExact(weight.shape()[0]);
    int inputs = Math.toIntExact(weight.shape()[1]);
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
            weight.readFloats((first + c) * inputs, FloatBuffer.wrap(row));
            scales.put(first + c, quantizeRow(row, q));
            for (int k = 0; k < inputs; k++) {
              transposed[k * columns + c] = q[k];
            }
          }
          for (int k = 0; k < inputs; k++) {
            values.put(k * outputs + first, transposed, k * columns, columns);
          }
        });
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
