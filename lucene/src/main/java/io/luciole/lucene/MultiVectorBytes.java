package io.luciole.lucene;

import io.luciole.MultiVector;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.VectorUtil;

/**
 * A multi-vector in 8 bits a component.
 *
 * <pre>
 * row 0   scale  float, little-endian   the row's largest absolute component / 127
 *         values D × byte               component / scale, rounded
 * row 1   …
 * </pre>
 *
 * <p>A component is off by at most half a scale; for a row of length 1 its dot product with another
 * is off by about 0.001 for D = 1024.
 */
final class MultiVectorBytes {
  private MultiVectorBytes() {}

  static BytesRef encode(float[][] rows, int dimension) {
    ByteBuffer out =
        ByteBuffer.allocate(rows.length * (Float.BYTES + dimension)).order(ByteOrder.LITTLE_ENDIAN);
    for (float[] row : rows) {
      float largest = 0;
      for (float x : row) {
        largest = Math.max(largest, Math.abs(x));
      }
      float scale = largest / 127;
      out.putFloat(scale);
      for (float x : row) {
        out.put((byte) (scale == 0 ? 0 : Math.round(x / scale)));
      }
    }
    return new BytesRef(out.array());
  }

  /** The rows, components rounded. */
  static MultiVector decode(BytesRef bytes, int dimension) {
    int rows = bytes.length / (Float.BYTES + dimension);
    ByteBuffer in = wrap(bytes);
    float[] values = new float[rows * dimension];
    for (int r = 0; r < rows; r++) {
      float scale = in.getFloat();
      for (int d = 0; d < dimension; d++) {
        values[r * dimension + d] = scale * in.get();
      }
    }
    return MultiVector.of(dimension, values);
  }

  private static ByteBuffer wrap(BytesRef bytes) {
    return ByteBuffer.wrap(bytes.bytes, bytes.offset, bytes.length).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The mean over the query's rows of the best dot product with a row of the passage. */
  static float maxSim(float[][] query, BytesRef passage, int dimension) {
    int rows = passage.length / (Float.BYTES + dimension);
    if (rows == 0 || query.length == 0) {
      return 0;
    }
    float[] best = new float[query.length];
    Arrays.fill(best, Float.NEGATIVE_INFINITY);
    ByteBuffer in = wrap(passage);
    float[] row = new float[dimension];
    for (int r = 0; r < rows; r++) {
      float scale = in.getFloat();
      for (int d = 0; d < dimension; d++) {
        row[d] = in.get();
      }
      for (int q = 0; q < query.length; q++) {
        best[q] = Math.max(best[q], scale * VectorUtil.dotProduct(query[q], row));
      }
    }
    double sum = 0;
    for (float b : best) {
      sum += b;
    }
    return (float) (sum / query.length);
  }
}
