package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.EmbeddingJson;
import java.io.IOException;
import java.util.Arrays;
import java.util.Locale;

/**
 * How a dense vector is written: as floats, or quantised as Cohere, Voyage and Jina do. Vectors of
 * bytes are scaled so that the largest component is 127, each vector by itself, so compare them by
 * their cosine. Vectors of bits have a 1 for each component above 0, eight to a byte, the first in
 * the highest bit.
 */
enum VectorFormat {
  /** Numbers. */
  FLOAT,
  /** Base64 of the 32-bit floats, little-endian. */
  BASE64,
  /** Whole numbers from -127 to 127. */
  INT8,
  /** The same plus 128. */
  UINT8,
  /** Bytes of bits, from -128 to 127: the unsigned ones minus 128. */
  BINARY,
  /** Bytes of bits, from 0 to 255. */
  UBINARY;

  private static final int OFFSET = 128;

  /** The format of a name, without regard to case. */
  static VectorFormat of(String name, String where) {
    return JsonBodies.choice(name, where, Arrays.asList(values()));
  }

  /** The name in requests and answers. */
  String id() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** Writes a vector as a value. */
  void write(JsonGenerator out, float[] vector) throws IOException {
    switch (this) {
      case FLOAT -> EmbeddingJson.writeDense(out, vector, EmbeddingJson.DenseEncoding.FLOAT);
      case BASE64 -> EmbeddingJson.writeDense(out, vector, EmbeddingJson.DenseEncoding.BASE64);
      case INT8 -> write(out, bytes(vector), 0);
      case UINT8 -> write(out, bytes(vector), OFFSET);
      case BINARY -> write(out, bits(vector), -OFFSET);
      case UBINARY -> write(out, bits(vector), 0);
    }
  }

  private static void write(JsonGenerator out, int[] values, int offset) throws IOException {
    out.writeStartArray();
    for (int value : values) {
      out.writeNumber(value + offset);
    }
    out.writeEndArray();
  }

  private static int[] bytes(float[] vector) {
    float largest = 0;
    for (float value : vector) {
      largest = Math.max(largest, Math.abs(value));
    }
    int[] bytes = new int[vector.length];
    for (int i = 0; i < bytes.length && largest > 0; i++) {
      bytes[i] = Math.round(vector[i] / largest * Byte.MAX_VALUE);
    }
    return bytes;
  }

  private static int[] bits(float[] vector) {
    int[] bytes = new int[(vector.length + Byte.SIZE - 1) / Byte.SIZE];
    for (int i = 0; i < vector.length; i++) {
      if (vector[i] > 0) {
        bytes[i / Byte.SIZE] |= 1 << (Byte.SIZE - 1 - i % Byte.SIZE);
      }
    }
    return bytes;
  }
}
