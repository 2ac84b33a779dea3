package io.luciole.lucene;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.apache.lucene.util.VectorUtil;

/**
 * Token vectors in 2 bits a component beside a centroid, one after another:
 *
 * <pre>
 * centroid  1 byte                 its number
 * factor    float, 16 bits         what centroid + residual are multiplied by to have the length
 *                                  of the vector
 * size      float, 16 bits         the root of the mean square of the residual's components, each
 *                                  divided by its spread
 * residual  2 bits a component     its code ({@link TokenCentroids#code}) after it is divided by
 *                                  its spread and the size; four a byte, from the lowest bits on
 * </pre>
 *
 * Numbers are little-endian.
 */
final class ResidualRows {
  private static final int HEAD = 1 + 2 * Short.BYTES;

  /** Codes in a byte. */
  static final int CODES = 4;

  /** The largest number that 16 bits have. */
  private static final double LARGEST = 65504;

  private ResidualRows() {}

  /** The bytes of a vector of some components. */
  static int size(int dimension) {
    return HEAD + (dimension + 3) / 4;
  }

  /** The bytes of a residual. */
  static int residualBytes(int dimension) {
    return (dimension + CODES - 1) / CODES;
  }

  /**
   * The place of a component where {@link #residual} puts it: the first codes of all bytes are
   * followed by all second ones, so that a processor computes many at once.
   */
  static int place(int component, int bytes) {
    return component % CODES * bytes + component / CODES;
  }

  /**
   * Reads a residual as its codes say.
   *
   * @param bytes for the residual's bytes, as many as it has
   * @param into {@value #CODES} times as many, each component at its {@link #place}
   */
  static void residual(byte[] from, int at, int[] bytes, float[] into) {
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = from[at + HEAD + i];
    }
    for (int code = 0; code < CODES; code++) {
      levels(bytes, 2 * code, into, code * bytes.length);
    }
  }

  private static void levels(int[] bytes, int shift, float[] into, int at) {
    for (int i = 0; i < bytes.length; i++) {
      into[at + i] = TokenCentroids.level((float) ((bytes[i] >>> shift) & 3));
    }
  }

  /** Compresses vectors. For one thread. */
  static final class Encoder {
    private final TokenCentroids by;
    private final float[] vector;
    private final float[] kept;

    Encoder(TokenCentroids by, int dimension) {
      this.by = by;
      this.vector = new float[dimension];
      this.kept = new float[dimension];
    }

    /**
     * Writes a vector at a place; the bytes there are 0.
     *
     * @return the cosine of what was written and the vector; 1 if the vector is 0
     */
    float encode(TokenRow row, byte[] into, int at) {
      int nearest = by.nearest(row);
      row.decode(vector);
      by.centroid(nearest).decode(kept);
      float[] spread = by.spread();
      double squares = 0;
      for (int d = 0; d < vector.length; d++) {
        double component = (vector[d] - kept[d]) / spread[d];
        squares += component * component;
      }
      short size = float16(Math.sqrt(squares / vector.length));
      float scale = Float.float16ToFloat(size);
      for (int d = 0; d < vector.length; d++) {
        float step = scale * spread[d];
        int code = step == 0 ? 0 : TokenCentroids.code((vector[d] - kept[d]) / step);
        into[at + HEAD + d / 4] |= (byte) (code << (2 * (d % 4)));
        kept[d] += step * TokenCentroids.level(code);
      }
      float length = TokenCentroids.length(vector);
      float keptLength = TokenCentroids.length(kept);
      double factor = keptLength == 0 ? 0 : length / keptLength;
      into[at] = (byte) nearest;
      ByteBuffer head = little(into);
      head.putShort(at + 1, float16(factor));
      head.putShort(at + 1 + Short.BYTES, size);
      return length == 0 ? 1 : VectorUtil.dotProduct(vector, kept) / length / keptLength;
    }
  }

  /** A number that is not negative, the largest there is in place of infinity. */
  private static short float16(double number) {
    return Float.floatToFloat16((float) Math.min(number, LARGEST));
  }

  private static ByteBuffer little(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Reads vectors that were compressed with the same centroids. For one thread. */
  static final class Decoder {
    private final TokenCentroids by;
    private final int[] bytes;
    private final float[] residual;
    private final float[] centroid;

    Decoder(TokenCentroids by, int dimension) {
      this.by = by;
      this.bytes = new int[residualBytes(dimension)];
      this.residual = new float[CODES * bytes.length];
      this.centroid = new float[dimension];
    }

    /** Reads a vector. */
    void decode(byte[] from, int at, float[] into) {
      by.centroid(centroidOf(from, at)).decode(centroid);
      residual(from, at, bytes, residual);
      float factor = factor(from, at);
      float size = residualSize(from, at);
      for (int d = 0; d < into.length; d++) {
        into[d] = factor * (centroid[d] + size * by.spread()[d] * residual[place(d, bytes.length)]);
      }
    }
  }

  static int centroidOf(byte[] from, int at) {
    return from[at] & 0xFF;
  }

  static float residualSize(byte[] from, int at) {
    return Float.float16ToFloat(little(from).getShort(at + 1 + Short.BYTES));
  }

  static float factor(byte[] from, int at) {
    return Float.float16ToFloat(little(from).getShort(at + 1));
  }
}
