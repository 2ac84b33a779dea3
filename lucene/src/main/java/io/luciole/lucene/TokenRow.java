package io.luciole.lucene;

import java.nio.ByteBuffer;
import org.apache.lucene.util.VectorUtil;

/**
 * A token vector as {@link MultiVectorBytes} has it: bytes and what they are multiplied by.
 *
 * @param scale the largest absolute component / 127
 * @param bytes the components / {@code scale}, rounded; not to be changed
 */
@SuppressWarnings("ArrayRecordComponent") // Compared by nobody.
record TokenRow(float scale, byte[] bytes) {
  /** The bytes of a row of some components. */
  static int size(int dimension) {
    return Float.BYTES + dimension;
  }

  /** Reads a row at a place of a little-endian buffer. */
  static TokenRow read(ByteBuffer from, int at, int dimension) {
    byte[] bytes = new byte[dimension];
    from.get(at + Float.BYTES, bytes);
    return new TokenRow(from.getFloat(at), bytes);
  }

  /** The row of length 1 in the direction of a vector; all 0 if the vector is. */
  static TokenRow ofDirection(double[] vector) {
    double square = 0;
    double largest = 0;
    for (double x : vector) {
      square += x * x;
      largest = Math.max(largest, Math.abs(x));
    }
    byte[] bytes = new byte[vector.length];
    if (largest == 0) {
      return new TokenRow(0, bytes);
    }
    for (int d = 0; d < bytes.length; d++) {
      bytes[d] = (byte) Math.round(127 * vector[d] / largest);
    }
    return new TokenRow((float) (largest / Math.sqrt(square) / 127), bytes);
  }

  int dimension() {
    return bytes.length;
  }

  void decode(float[] into) {
    for (int d = 0; d < bytes.length; d++) {
      into[d] = scale * bytes[d];
    }
  }

  void addTo(double[] sums) {
    for (int d = 0; d < bytes.length; d++) {
      sums[d] += scale * bytes[d];
    }
  }

  /** The dot product with another row, but for that row's scale. */
  float dotByScale(TokenRow other) {
    return scale * VectorUtil.dotProduct(bytes, other.bytes);
  }
}
