package io.luciole.model.checkpoint;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.DoubleBuffer;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/**
 * Conversions between the floating types, in chunks that stay in the processor's first cache: a
 * bulk get, a loop over arrays that the JIT compiler turns into vector instructions, a bulk put.
 * The loops are methods of their own, so that each is compiled for itself.
 */
final class Conversions {
  private static final int CHUNK = 2048;

  /** The smallest magnitude that rounds to a half-precision infinity: 65504 and half a step. */
  private static final float HALF_OVERFLOW = 65520f;

  private Conversions() {}

  /** The tensor's number of elements, all of which can be read as floats into one buffer. */
  static int floatCount(Tensor tensor) {
    boolean floating =
        switch (tensor.dtype()) {
          case F64, F32, F16, BF16 -> true;
          default -> tensor.quantization().isPresent();
        };
    if (!floating) {
      throw CheckpointException.of(
          Tensor.what(tensor.name()) + " to be F64, F32, F16 or BF16",
          tensor.dtype().name(),
          tensor.file(),
          "use a checkpoint whose weights are floating point");
    }
    // A JVM's largest array is a little shorter than 2³¹−1; a mapping of F32 ends far below.
    if (tensor.elementCount() > Integer.MAX_VALUE - 8) {
      throw CheckpointException.of(
          Tensor.what(tensor.name()) + " of at most " + (Integer.MAX_VALUE - 8) + " elements",
          String.valueOf(tensor.elementCount()),
          tensor.file(),
          "store it in parts");
    }
    return (int) tensor.elementCount();
  }

  /** Fills the rest of {@code destination} with the elements from {@code first} on. */
  static void toFloats(Tensor tensor, int first, FloatBuffer destination) {
    ByteBuffer data = tensor.data();
    Quantization quantization = tensor.quantization().orElse(null);
    if (quantization != null) {
      dequantize(tensor, quantization, first, destination);
      return;
    }
    if (tensor.dtype() == DType.F32) {
      destination.put(data.asFloatBuffer().slice(first, destination.remaining()));
      return;
    }
    if (tensor.dtype() == DType.F64) {
      round(data.asDoubleBuffer().slice(first, destination.remaining()), destination);
      return;
    }
    ShortBuffer source = data.asShortBuffer().slice(first, destination.remaining());
    boolean half = tensor.dtype() == DType.F16;
    short[] narrow = new short[CHUNK];
    float[] wide = new float[CHUNK];
    while (source.hasRemaining()) {
      int count = Math.min(CHUNK, source.remaining());
      source.get(narrow, 0, count);
      if (half) {
        halvesToFloats(narrow, wide, count);
      } else {
        brainsToFloats(narrow, wide, count);
      }
      destination.put(wide, 0, count);
    }
  }

  /** Doubles as the nearest floats; what has none becomes infinite. */
  private static void round(DoubleBuffer source, FloatBuffer destination) {
    while (source.hasRemaining()) {
      destination.put((float) source.get());
    }
  }

  private static void dequantize(
      Tensor tensor, Quantization quantization, int first, FloatBuffer destination) {
    ByteBuffer source = tensor.data().slice(first, destination.remaining());
    boolean signed = tensor.dtype() == DType.I8;
    int rowLength = (int) (tensor.elementCount() / Math.max(1, tensor.rows()));
    byte[] bytes = new byte[CHUNK];
    float[] floats = new float[CHUNK];
    int at = first;
    while (source.hasRemaining()) {
      int row = quantization.count() > 1 ? at / rowLength : 0;
      int inRow = quantization.count() > 1 ? rowLength - at % rowLength : CHUNK;
      int count = Math.min(Math.min(CHUNK, inRow), source.remaining());
      source.get(bytes, 0, count);
      float scale = quantization.scale(row);
      int zero = quantization.zero(row);
      for (int i = 0; i < count; i++) {
        floats[i] = scale * ((signed ? bytes[i] : bytes[i] & 0xff) - zero);
      }
      destination.put(floats, 0, count);
      at += count;
    }
  }

  /** Writes all elements as little-endian halves and moves the destination's position. */
  static void toHalves(Tensor tensor, ByteBuffer destination) {
    int count = floatCount(tensor);
    if (destination.remaining() / 2 < count) {
      throw new BufferOverflowException();
    }
    ByteBuffer data = tensor.data();
    ByteBuffer target =
        destination.slice(destination.position(), 2 * count).order(ByteOrder.LITTLE_ENDIAN);
    if (tensor.quantization().isPresent() || tensor.dtype() == DType.F64) {
      floatsToHalves(tensor, FloatBuffer.wrap(tensor.toFloats()), target.asShortBuffer());
      destination.position(destination.position() + 2 * count);
      return;
    }
    switch (tensor.dtype()) {
      case F16 -> target.put(data);
      case BF16 -> brainsToHalves(tensor, data.asShortBuffer(), target.asShortBuffer());
      default -> floatsToHalves(tensor, data.asFloatBuffer(), target.asShortBuffer());
    }
    destination.position(destination.position() + 2 * count);
  }

  private static void floatsToHalves(Tensor tensor, FloatBuffer source, ShortBuffer target) {
    float[] wide = new float[CHUNK];
    short[] narrow = new short[CHUNK];
    while (source.hasRemaining()) {
      int start = source.position();
      int count = Math.min(CHUNK, source.remaining());
      source.get(wide, 0, count);
      checkHalfRange(tensor, wide, count, start);
      floatsToHalves(wide, narrow, count);
      target.put(narrow, 0, count);
    }
  }

  private static void brainsToHalves(Tensor tensor, ShortBuffer source, ShortBuffer target) {
    float[] wide = new float[CHUNK];
    short[] narrow = new short[CHUNK];
    while (source.hasRemaining()) {
      int start = source.position();
      int count = Math.min(CHUNK, source.remaining());
      source.get(narrow, 0, count);
      brainsToFloats(narrow, wide, count);
      checkHalfRange(tensor, wide, count, start);
      floatsToHalves(wide, narrow, count);
      target.put(narrow, 0, count);
    }
  }

  private static void checkHalfRange(Tensor tensor, float[] values, int count, int start) {
    if (largestMagnitude(values, count) < HALF_OVERFLOW) {
      return;
    }
    for (int i = 0; i < count; i++) {
      if (Float.isFinite(values[i]) && Math.abs(values[i]) >= HALF_OVERFLOW) {
        throw CheckpointException.of(
            Tensor.what(tensor.name()) + " to fit half precision (magnitudes below 65520)",
            values[i] + " at element " + (start + (long) i),
            tensor.file(),
            "run this model in fp32");
      }
    }
  }

  /** NaN if one is among the values. In floats, since the same on bits is six times slower. */
  private static float largestMagnitude(float[] values, int count) {
    float largest = 0;
    for (int i = 0; i < count; i++) {
      largest = Math.max(largest, Math.abs(values[i]));
    }
    return largest;
  }

  private static void floatsToHalves(float[] from, short[] to, int count) {
    for (int i = 0; i < count; i++) {
      to[i] = Float.floatToFloat16(from[i]);
    }
  }

  private static void halvesToFloats(short[] from, float[] to, int count) {
    for (int i = 0; i < count; i++) {
      to[i] = Float.float16ToFloat(from[i]);
    }
  }

  private static void brainsToFloats(short[] from, float[] to, int count) {
    for (int i = 0; i < count; i++) {
      to[i] = Float.intBitsToFloat(from[i] << 16);
    }
  }
}
