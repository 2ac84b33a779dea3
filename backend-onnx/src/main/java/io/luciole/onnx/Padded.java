package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.model.Pooling;
import io.luciole.onnx.ExportLayout.Found;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;

/** Brings the padded outputs of an export into the batch's own order. */
final class Padded {
  private final TokenBatch batch;
  private final int length;
  private final BufferPool pool;

  /**
   * Prepares for a batch.
   *
   * @param length tokens a text has, padding included
   */
  Padded(TokenBatch batch, int length, BufferPool pool) {
    this.batch = batch;
    this.length = length;
    this.pool = pool;
  }

  TokenBatch batch() {
    return batch;
  }

  int length() {
    return length;
  }

  /** A slot's values as floats: its own buffer, or for 16-bit floats a copy on the heap. */
  FloatBuffer floats(Slot slot) {
    if (slot.type() == OnnxJavaType.FLOAT) {
      return slot.buffer().asFloatBuffer();
    }
    ShortBuffer halves = slot.buffer().asShortBuffer();
    float[] floats = new float[halves.remaining()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = Float.float16ToFloat(halves.get(i));
    }
    return FloatBuffer.wrap(floats);
  }

  /** {@code [B, H]} as it is. */
  Slot copy(FloatBuffer values, int components) {
    Slot slot = slot("dense", batch.size(), components);
    slot.buffer().asFloatBuffer().put(0, values, 0, batch.size() * components);
    return slot;
  }

  /** {@code [B, S, C]} to {@code [T, C]}; rows that the export leaves out stay as they come. */
  Slot flat(FloatBuffer values, Found found) {
    int width = found.components();
    Slot slot = slot(found.name(), batch.tokens(), width);
    FloatBuffer flat = slot.buffer().asFloatBuffer();
    int skipped = found.skipsFirst() ? 1 : 0;
    for (int i = 0; i < batch.size(); i++) {
      int rows = batch.length(i) - skipped;
      flat.put(
          (batch.offset(i) + skipped) * width,
          values,
          i * (length - skipped) * width,
          rows * width);
    }
    if (width == 1) {
      for (int t = 0; t < batch.tokens(); t++) {
        flat.put(t, Math.max(0, flat.get(t)));
      }
    }
    return slot;
  }

  /** {@code [B, S, H]} to {@code [B, H]}. */
  Slot pooled(FloatBuffer states, int hidden, Pooling pooling) {
    Slot slot = slot("dense", batch.size(), hidden);
    FloatBuffer vectors = slot.buffer().asFloatBuffer();
    float[] vector = new float[hidden];
    for (int i = 0; i < batch.size(); i++) {
      int first = i * length;
      switch (pooling) {
        case CLS -> states.get(first * hidden, vector);
        case LAST -> states.get((first + batch.length(i) - 1) * hidden, vector);
        case MEAN -> mean(states, first, batch.length(i), vector);
      }
      vectors.put(i * hidden, vector);
    }
    return slot;
  }

  private static void mean(FloatBuffer states, int first, int count, float[] vector) {
    int hidden = vector.length;
    double[] sums = new double[hidden];
    for (int t = first; t < first + count; t++) {
      states.get(t * hidden, vector);
      for (int d = 0; d < hidden; d++) {
        sums[d] += vector[d];
      }
    }
    for (int d = 0; d < hidden; d++) {
      vector[d] = (float) (sums[d] / count);
    }
  }

  private Slot slot(String name, long rows, long components) {
    return Slot.from(pool, name, OnnxJavaType.FLOAT, rows, components);
  }
}
