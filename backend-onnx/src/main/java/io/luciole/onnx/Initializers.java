package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import io.luciole.model.checkpoint.DType;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.BackendOutOfMemoryException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The weights of a graph, handed to the session apart from it. What the checkpoint has in the right
 * type stays mapped; the rest is converted into direct memory.
 *
 * <p>ONNX Runtime reads the buffers for as long as the session lives, so {@link OrtModel} keeps
 * this.
 */
final class Initializers {
  /** Weights of at most this many bytes, biases and the like, are written into the graph. */
  private static final int EMBEDDED = 16 << 10;

  private final Map<String, TensorBinding> bindings = new LinkedHashMap<>();

  /** Adds a tensor as 32-bit floats; its name. */
  String floats(GraphBuilder graph, String name, Tensor tensor) {
    ByteBuffer values;
    if (tensor.dtype() == DType.F32) {
      values = tensor.data();
    } else {
      values = allocate(4 * tensor.elementCount());
      tensor.readFloats(values.asFloatBuffer());
    }
    return put(graph, name, DataType.FLOAT, values, tensor.shape());
  }

  /** Adds a tensor as 16-bit floats; its name. */
  String halves(GraphBuilder graph, String name, Tensor tensor) {
    ByteBuffer values;
    if (tensor.dtype() == DType.F16) {
      values = tensor.data();
    } else {
      values = allocate(2 * tensor.elementCount());
      tensor.readHalves(values);
      values.rewind();
    }
    return put(graph, name, DataType.FLOAT16, values, tensor.shape());
  }

  /** Adds a weight to the graph, with its values from position to limit; its name. */
  String put(GraphBuilder graph, String name, DataType type, ByteBuffer values, long... shape) {
    if (values.remaining() <= EMBEDDED) {
      return graph.weight(name, type, values, shape);
    }
    if (bindings.put(name, new TensorBinding(name, javaType(type), values, shape)) != null) {
      throw new IllegalStateException("two weights named " + name);
    }
    return graph.weight(name, type, shape);
  }

  private static OnnxJavaType javaType(DataType type) {
    return switch (type) {
      case FLOAT -> OnnxJavaType.FLOAT;
      case FLOAT16 -> OnnxJavaType.FLOAT16;
      case INT8 -> OnnxJavaType.INT8;
      case UINT8 -> OnnxJavaType.UINT8;
      default -> throw new IllegalArgumentException("no weights of type " + type);
    };
  }

  /** Direct memory in native byte order. */
  static ByteBuffer allocate(long bytes) {
    try {
      return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
    } catch (OutOfMemoryError | ArithmeticException e) {
      throw new BackendOutOfMemoryException(
          "The JVM has no "
              + bytes
              + " bytes of direct memory for converted weights. Its limit is that of the heap"
              + " unless set: -XX:MaxDirectMemorySize=3g is enough for BGE-M3 in any precision.",
          e);
    }
  }

  /** The same, at an address that is a multiple of {@code alignment}, a power of 2. */
  static ByteBuffer allocateAligned(long bytes, int alignment) {
    return allocate(bytes + alignment).alignedSlice(alignment).order(ByteOrder.nativeOrder());
  }

  /** The tensors, to be closed after the session. */
  Map<String, OnnxTensor> tensors(OrtEnvironment environment) throws OrtException {
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    try {
      for (TensorBinding binding : bindings.values()) {
        tensors.put(
            binding.name(),
            OnnxTensor.createTensor(
                environment, binding.buffer(), binding.shape(), binding.type()));
      }
      return tensors;
    } catch (OrtException | RuntimeException e) {
      tensors.values().forEach(OnnxTensor::close);
      throw e;
    }
  }
}
