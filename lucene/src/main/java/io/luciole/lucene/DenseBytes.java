package io.luciole.lucene;

import org.apache.lucene.document.Document;
import org.apache.lucene.document.KnnByteVectorField;
import org.apache.lucene.index.VectorSimilarityFunction;
import org.apache.lucene.util.VectorUtil;

/**
 * Dense vectors of length 1 in 8 bits a component, as {@link DenseQuantization#BITS_8_ONLY} keeps
 * them: each component times 127 / the vector's largest, rounded. The scale is not kept, because
 * cosines do not depend on it. With D components of about equal size, the cosine with another
 * vector is off by about {@code 0.29 · largest / 127}, in the root mean square: 0.0003 where the
 * largest of 1,024 components is 0.12.
 */
final class DenseBytes {
  private DenseBytes() {}

  /** Adds a vector to a document, unless it has no direction. */
  static void addTo(
      Document document, String field, float[] vector, VectorSimilarityFunction similarity) {
    byte[] bytes = encode(vector);
    if (hasDirection(bytes)) {
      document.add(new KnnByteVectorField(field, bytes, similarity));
    }
  }

  /** The bytes of a vector; all 0 if the vector is. */
  static byte[] encode(float[] vector) {
    float largest = 0;
    for (float x : vector) {
      largest = Math.max(largest, Math.abs(x));
    }
    byte[] bytes = new byte[vector.length];
    if (largest > 0) {
      double factor = 127.0 / largest;
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) Math.round(vector[i] * factor);
      }
    }
    return bytes;
  }

  /** Whether there is a component other than 0, without which a vector has no cosine. */
  static boolean hasDirection(byte[] bytes) {
    for (byte b : bytes) {
      if (b != 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * The vector of length 1 that bytes stand for.
   *
   * @return a new array; all 0 if the bytes are
   */
  static float[] decode(byte[] bytes) {
    float[] vector = new float[bytes.length];
    decode(bytes, vector);
    return vector;
  }

  private static void decode(byte[] bytes, float[] into) {
    int square = VectorUtil.dotProduct(bytes, bytes);
    float scale = square == 0 ? 0 : (float) (1 / Math.sqrt(square));
    for (int i = 0; i < into.length; i++) {
      into[i] = bytes[i] * scale;
    }
  }

  /**
   * The dot product of a vector and the vector of length 1 that bytes stand for.
   *
   * @param scratch of the vectors' length; overwritten
   */
  static float dot(float[] query, byte[] bytes, float[] scratch) {
    decode(bytes, scratch);
    return VectorUtil.dotProduct(query, scratch);
  }
}
