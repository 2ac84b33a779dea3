package io.luciole.server;

import com.fasterxml.jackson.core.JsonGenerator;
import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.SparseVector;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Base64;

/** How vectors are written. */
final class Vectors {
  /** How a dense vector is written. */
  enum Encoding {
    /** An array of numbers. */
    FLOAT,
    /** Base64 of its 32-bit floats, little-endian. */
    BASE64
  }

  private Vectors() {}

  static void dense(JsonGenerator out, float[] vector, Encoding encoding) throws IOException {
    switch (encoding) {
      case FLOAT -> Json.floats(out, vector);
      case BASE64 -> {
        ByteBuffer bytes =
            ByteBuffer.allocate(Float.BYTES * vector.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : vector) {
          bytes.putFloat(value);
        }
        out.writeString(Base64.getEncoder().encodeToString(bytes.array()));
      }
    }
  }

  /** {@code {"<token id>": weight, …}}. */
  static void sparse(JsonGenerator out, SparseVector vector) throws IOException {
    out.writeStartObject();
    for (int i = 0; i < vector.size(); i++) {
      out.writeNumberField(Integer.toString(vector.id(i)), vector.weight(i));
    }
    out.writeEndObject();
  }

  static void rows(JsonGenerator out, MultiVector rows) throws IOException {
    out.writeStartArray();
    for (int i = 0; i < rows.rows(); i++) {
      Json.floats(out, rows.row(i));
    }
    out.writeEndArray();
  }

  /** The first components, scaled to length 1 again. */
  static float[] shortened(float[] vector, int dimensions) {
    if (dimensions == vector.length) {
      return vector;
    }
    float[] head = Arrays.copyOf(vector, dimensions);
    double sum = 0;
    for (float value : head) {
      sum += (double) value * value;
    }
    double scale = sum > 0 ? 1 / Math.sqrt(sum) : 0;
    for (int i = 0; i < head.length; i++) {
      head[i] = (float) (head[i] * scale);
    }
    return head;
  }

  static int tokens(Iterable<Embedding> embeddings) {
    int sum = 0;
    for (Embedding embedding : embeddings) {
      sum += embedding.tokenCount();
    }
    return sum;
  }
}
