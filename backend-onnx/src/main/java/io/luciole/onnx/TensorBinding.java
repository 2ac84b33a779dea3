package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.Output;
import io.luciole.spi.TokenBatch;
import java.nio.ByteBuffer;

/**
 * An input or output of a run: a direct buffer that ONNX Runtime reads or writes in place.
 *
 * @param name the graph's name for it
 * @param type the type of its elements
 * @param buffer its elements from position to limit, in native byte order
 * @param shape its dimensions
 */
@SuppressWarnings("ArrayRecordComponent") // Made, handed over and forgotten; never compared.
record TensorBinding(String name, OnnxJavaType type, ByteBuffer buffer, long... shape) {
  static long bytes(OnnxJavaType type, long... shape) {
    long bytes = type.size;
    for (long d : shape) {
      bytes = Math.multiplyExact(bytes, d);
    }
    return bytes;
  }

  /** A binding with a buffer of the right size from a pool. */
  static TensorBinding from(BufferPool pool, String name, OnnxJavaType type, long... shape) {
    return new TensorBinding(name, type, pool.take(bytes(type, shape)), shape);
  }

  /** A binding for an encoder's output of a batch in fp32, named as it. */
  static TensorBinding from(BufferPool pool, Output output, TokenBatch batch, Encoder encoder) {
    return from(pool, output, OnnxJavaType.FLOAT, batch, encoder);
  }

  /** As in fp32, with elements of another type. */
  static TensorBinding from(
      BufferPool pool, Output output, OnnxJavaType type, TokenBatch batch, Encoder encoder) {
    return from(pool, output.id(), type, encoder.rows(output, batch), encoder.columns(output));
  }
}
