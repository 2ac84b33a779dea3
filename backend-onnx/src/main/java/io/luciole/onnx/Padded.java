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

  /** A binding's values as floats: its own buffer, or for 16-bit floats a copy on the heap. */
  FloatBuffer floats(TensorBinding binding) {
    if (binding.type() == OnnxJavaType.FLOAT) {
      return binding.buffer().asFloatBuffer();
    }
    ShortBuffer halves = binding.buffer().asShortBuffer();
    float[] floats = new float[halves.remaining()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = Float.float16ToFloat(halves.get(i));
    }
    return FloatBuffer.wrap(floats);
  }

  /** {@code [B, H]} as it is. */
  TensorBinding copy(FloatBuffer values, int components) {
    TensorBinding binding = binding("dense", batch.size(), components);
    binding.buffer().asFloatBuffer().put(0, values, 0, batch.size() * components);
    return binding;
  }

  /** {@code [B, S, C]} to {@code [T, C]}; rows that the export leaves out stay as they come. */
  TensorBinding flat(FloatBuffer values, Found found) {
    TensorBinding binding =
        flat(values, found.name(), found.components(), found.skipsFirst() ? 1 : 0);
    if (found.components() == 1) {
      FloatBuffer flat = binding.buffer().asFloatBuffer();
      for (int t = 0; t < batch.tokens(); t++) {
        flat.put(t, Math.max(0, flat.get(t)));
      }
    }
    return binding;
  }

  private TensorBinding flat(FloatBuffer values, String name, int width, int skipped) {
    TensorBinding binding = binding(name, batch.tokens(), width);
    FloatBuffer flat = binding.buffer().asFloatBuffer();
    for (int i = 0; i < batch.size(); i++) {
      int rows = batch.length(i) - skipped;
      flat.put(
          (batch.offset(i) + skipped) * width,
          values,
          i * (length - skipped) * width,
          rows * width);
    }
    return binding;
  }

  /** {@code [B, S, H]} to {@code [B, H]}, or without pooling to {@code [T, H]}. */
  TensorBinding pooled(FloatBuffer states, int hidden, Pooling pooling) {
    if (pooling == Pooling.NONE) {
      return flat(states, "dense", hidden, 0);
    }
    TensorBinding binding = binding("dense", batch.size(), hidden);
    FloatBuffer vectors = binding.buffer().asFloatBuffer();
    float[] vector = new float[hidden];
    for (int i = 0; i < batch.size(); i++) {
      int first = i * length;
      switch (pooling) {
        case CLS -> states.get(first * hidden, vector);
        case LAST -> states.get((first + batch.length(i) - 1) * hidden, vector);
        case MEAN -> mean(states, first, batch.length(i), vector);
        default -> throw new IllegalStateException("the engine pools by " + pooling);
      }
      vectors.put(i * hidden, vector);
    }
    return binding;
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

  private TensorBinding binding(String name, long rows, long components) {
    return TensorBinding.from(pool, name, OnnxJavaType.FLOAT, rows, components);
  }
}
