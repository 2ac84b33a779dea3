package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import java.nio.ByteBuffer;

/**
 * A linear layer in floats. Its bias is added by {@code Gemm} on CPUs, where that costs nothing,
 * and on CUDA devices by the operator that follows, whose kernels take one.
 *
 * <p>Sums and normalisation are one operator. On CPUs its kernel takes 1.3 µs a row of 1024 in ONNX
 * Runtime 1.28, where {@code Sum} and {@code LayerNormalization} take 3.6; in 1.30 it is the other
 * way round (3.0 against 0.8), each version having vectorised another kernel.
 */
class Projection {
  final GraphBuilder graph;
  final Initializers initializers;
  final DataType type;
  private final boolean onCpu;

  /**
   * Creates a builder of linear layers.
   *
   * @param type FLOAT or FLOAT16
   */
  Projection(GraphBuilder graph, Initializers initializers, DataType type, boolean onCpu) {
    this.graph = graph;
    this.initializers = initializers;
    this.type = type;
    this.onCpu = onCpu;
  }

  /** {@code x·Wᵀ + b}. */
  String linear(String x, Linear layer) {
    return gemm(x, layer, true);
  }

  /** {@code activation(x·Wᵀ + b)}. */
  String activated(String x, Linear layer, EncoderConfig.Activation activation) {
    if (onCpu) {
      String y = gemm(x, layer, true);
      return activate(y, activation);
    }
    return activate(multiply(x, layer), bias(layer), activation);
  }

  /** {@code activation(y)}. */
  final String activate(String y, EncoderConfig.Activation activation) {
    return switch (activation) {
      case GELU -> graph.microsoft("Gelu").in(y).out();
      case GELU_TANH -> graph.microsoft("FastGelu").in(y).out();
      case RELU -> graph.op("Relu").in(y).out();
      case SILU -> graph.op("Mul").in(y, graph.op("Sigmoid").in(y).out()).out();
    };
  }

  /** {@code activation(y + b)}. */
  final String activate(String y, String bias, EncoderConfig.Activation activation) {
    return switch (activation) {
      case GELU -> graph.microsoft("BiasGelu").in(y, bias).out();
      case GELU_TANH -> graph.microsoft("FastGelu").in(y, bias).out();
      case RELU, SILU -> activate(graph.op("Add").in(y, bias).out(), activation);
    };
  }

  /** {@code normalise(x·Wᵀ + b + residual)}. */
  String normalised(String x, Linear layer, String residual, Norm norm, float epsilon) {
    return onCpu
        ? skipNorm(gemm(x, layer, true), residual, norm, epsilon)
        : skipNorm(multiply(x, layer), residual, norm, epsilon, bias(layer));
  }

  /** {@code normalise(y)}. */
  final String norm(String y, Norm norm, float epsilon) {
    return graph
        .op("LayerNormalization")
        .in(y, weight(norm.scale().name(), norm.scale()))
        .in(weight(norm.shift().name(), norm.shift()))
        .with("axis", -1)
        .with("epsilon", epsilon)
        .out();
  }

  /** {@code normalise(y + residual + bias…)}. */
  final String skipNorm(String y, String residual, Norm norm, float epsilon, String... bias) {
    return graph
        .microsoft("SkipLayerNormalization")
        .in(y, residual, weight(norm.scale().name(), norm.scale()))
        .in(weight(norm.shift().name(), norm.shift()))
        .in(bias)
        .with("epsilon", epsilon)
        .out();
  }

  /** {@code x·Wᵀ}. */
  String multiply(String x, Linear layer) {
    return gemm(x, layer, false);
  }

  private String gemm(String x, Linear layer, boolean withBias) {
    GraphBuilder.Op gemm = graph.op("Gemm").in(x, weight(layer.weight().name(), layer.weight()));
    if (withBias) {
      gemm.in(bias(layer));
    }
    return gemm.with("transB", 1).out();
  }

  /** {@code x·Wᵀ + b} for a head, whose tensors' names are not unique. */
  final String head(String name, String x, Linear head) {
    return graph
        .op("Gemm")
        .in(x, weight(name + ".weight", head.weight()), weight(name + ".bias", head.bias()))
        .with("transB", 1)
        .out();
  }

  /**
   * A weight of several tensors of the checkpoint: blocks of rows taken in turn from each.
   *
   * @param block rows to take from one tensor before the next has its turn
   */
  final String interleaved(String name, int block, Tensor... tensors) {
    long[] shape = tensors[0].shape();
    long rowBytes = type == DataType.FLOAT16 ? 2 : 4;
    for (int d = 1; d < shape.length; d++) {
      rowBytes *= shape[d];
    }
    int blockBytes = Math.toIntExact(rowBytes * block);
    int blocks = Math.toIntExact(shape[0] / block);
    ByteBuffer merged = Initializers.allocate((long) blockBytes * blocks * tensors.length);
    for (int t = 0; t < tensors.length; t++) {
      ByteBuffer values = Initializers.allocate((long) blockBytes * blocks);
      if (type == DataType.FLOAT16) {
        tensors[t].readHalves(values);
      } else {
        tensors[t].readFloats(values.asFloatBuffer());
      }
      for (int b = 0; b < blocks; b++) {
        int to = (b * tensors.length + t) * blockBytes;
        merged.put(to, values, b * blockBytes, blockBytes);
      }
    }
    shape[0] *= tensors.length;
    return initializers.put(graph, name, type, merged, shape);
  }

  /** {@code x·Wᵀ} with a weight of the graph. */
  final String multiply(String x, String weight) {
    return graph.op("Gemm").in(x, weight).with("transB", 1).out();
  }

  final String bias(Linear layer) {
    return weight(layer.bias().name(), layer.bias());
  }

  /** Declares values that are in no checkpoint as a weight of the graph; its name. */
  final String put(String name, float[] values, long... shape) {
    ByteBuffer buffer = Initializers.allocate((type == DataType.FLOAT16 ? 2L : 4L) * values.length);
    for (float value : values) {
      if (type == DataType.FLOAT16) {
        buffer.putShort(Float.floatToFloat16(value));
      } else {
        buffer.putFloat(value);
      }
    }
    return initializers.put(graph, name, type, buffer.flip(), shape);
  }

  /** A constant in the type of the states, a scalar. */
  final String number(String name, float value) {
    return graph.hasWeight(name) ? name : put(name, new float[] {value});
  }

  /** Declares a tensor of the checkpoint as a weight of the graph. */
  final String weight(String name, Tensor tensor) {
    return type == DataType.FLOAT16
        ? initializers.halves(graph, name, tensor)
        : initializers.floats(graph, name, tensor);
  }
}
