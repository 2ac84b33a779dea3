package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.TensorInfo;
import io.luciole.Output;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * An encoder that someone exported to ONNX: padded inputs, token states out, pooled here.
 *
 * <pre>
 * input_ids, attention_mask, token_type_ids (optional)   int64 [B, S]
 * last_hidden_state (or the first output)                float [B, S, H]
 * </pre>
 */
final class ExportedEncoder implements Encoder {
  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";
  private static final String TYPES = "token_type_ids";

  private final OrtModel model;
  private final Path file;
  private final BufferPool pool = new BufferPool();
  private final boolean takesTypes;
  private final String states;
  private final int hidden;
  private final Pooling pooling;

  private ExportedEncoder(OrtModel model, Path file, ModelFiles files) {
    this.model = model;
    this.file = file;
    Map<String, TensorInfo> inputs = model.inputs();
    if (!inputs.keySet().containsAll(Set.of(IDS, MASK))
        || !Set.of(IDS, MASK, TYPES).containsAll(inputs.keySet())) {
      throw new ModelException(
          "Expected the inputs "
              + List.of(IDS, MASK, TYPES)
              + " (the last optional), found "
              + inputs.keySet()
              + " in "
              + file);
    }
    inputs.forEach(this::checkInput);
    this.takesTypes = inputs.containsKey(TYPES);

    Map<String, TensorInfo> outputs = model.outputs();
    this.states =
        outputs.containsKey("last_hidden_state")
            ? "last_hidden_state"
            : outputs.keySet().stream().findFirst().orElse("");
    TensorInfo info = outputs.get(states);
    if (info == null || info.type != OnnxJavaType.FLOAT || info.getShape().length != 3) {
      throw new ModelException(
          "Expected token states, an output last_hidden_state of floats [batch, sequence, hidden],"
              + " found "
              + describe(outputs)
              + " in "
              + file);
    }
    long declared = info.getShape()[2];
    int expected = files.description().hiddenSize().orElse((int) declared);
    if (expected < 1 || (declared > 0 && declared != expected)) {
      throw new ModelException(
          "Expected token states of "
              + expected
              + " components (hidden_size of config.json), found "
              + declared
              + " in "
              + file);
    }
    this.hidden = expected;
    this.pooling = files.description().requirePooling();
  }

  static ExportedEncoder open(OrtRuntime runtime, ModelFiles files, BackendConfig config) {
    Path file = requireNonNull(files.onnx());
    if (config.precision() != null && config.precision() != Precision.FP32) {
      throw new ModelException(
          "An ONNX file has the precision it was exported with, and "
              + config.precision().id()
              + " was asked for: "
              + file
              + ". Leave the precision open, or use the model's checkpoint.");
    }
    OrtModel model = runtime.open(file, config.device(), config.threads());
    try {
      return new ExportedEncoder(model, file, files);
    } catch (Throwable t) {
      model.close();
      throw t;
    }
  }

  private void checkInput(String name, TensorInfo info) {
    long[] shape = info.getShape();
    if (info.type != OnnxJavaType.INT64 || shape.length != 2 || shape[0] > 0 || shape[1] > 0) {
      throw new ModelException(
          "Expected int64 [batch, sequence] with both open for the input "
              + name
              + ", found "
              + describe(info)
              + " in "
              + file);
    }
  }

  private static String describe(Map<String, TensorInfo> tensors) {
    List<String> all = new ArrayList<>();
    tensors.forEach((name, info) -> all.add(name + " " + describe(info)));
    return String.join(", ", all);
  }

  private static String describe(TensorInfo info) {
    List<String> dimensions = new ArrayList<>();
    for (long d : info.getShape()) {
      dimensions.add(d < 0 ? "?" : Long.toString(d));
    }
    return info.type + " " + dimensions;
  }

  @Override
  public Set<Output> outputs() {
    return Set.of(Output.DENSE);
  }

  @Override
  public int dimension() {
    return hidden;
  }

  @Override
  public int colbertDimension() {
    return 0;
  }

  @Override
  public int vocabulary() {
    return Integer.MAX_VALUE;
  }

  @Override
  public String precision() {
    return "as exported";
  }

  @Override
  public boolean pads() {
    return true;
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
    int rows = batch.size();
    int length = batch.maxLength();
    List<Slot> in = new ArrayList<>();
    Slot out = null;
    try {
      in.add(Slot.from(pool, IDS, OnnxJavaType.INT64, rows, length));
      fill(in.get(0).buffer(), batch, true);
      in.add(Slot.from(pool, MASK, OnnxJavaType.INT64, rows, length));
      fill(in.get(1).buffer(), batch, false);
      if (takesTypes) {
        Slot types = Slot.from(pool, TYPES, OnnxJavaType.INT64, rows, length);
        in.add(types);
        types.buffer().asLongBuffer().put(new long[rows * length]);
      }
      out = Slot.from(pool, states, OnnxJavaType.FLOAT, rows, length, hidden);
      model.run(in, List.of(out), batch);
      return pooled(batch, out.buffer().asFloatBuffer());
    } finally {
      in.forEach(slot -> pool.give(slot.buffer()));
      if (out != null) {
        pool.give(out.buffer());
      }
    }
  }

  /** Writes token ids, or ones, and zeros behind each text's end. */
  private static void fill(ByteBuffer target, TokenBatch batch, boolean ids) {
    long[] row = new long[batch.maxLength()];
    for (int i = 0; i < batch.size(); i++) {
      int n = batch.length(i);
      for (int t = 0; t < row.length; t++) {
        row[t] = t >= n ? 0 : ids ? batch.tokenIds()[batch.offset(i) + t] : 1;
      }
      target.asLongBuffer().put(i * row.length, row);
    }
  }

  private BackendOutput pooled(TokenBatch batch, FloatBuffer states) {
    ByteBuffer dense = pool.take(Slot.bytes(OnnxJavaType.FLOAT, batch.size(), hidden));
    FloatBuffer vectors = dense.asFloatBuffer();
    float[] vector = new float[hidden];
    for (int i = 0; i < batch.size(); i++) {
      pool(states, i * batch.maxLength(), batch.length(i), vector);
      vectors.put(i * hidden, vector);
    }
    return new BackendOutput(vectors, null, null, () -> pool.give(dense));
  }

  private void pool(FloatBuffer states, int first, int length, float[] vector) {
    switch (pooling) {
      case CLS -> states.get(first * hidden, vector);
      case LAST -> states.get((first + length - 1) * hidden, vector);
      case MEAN -> {
        double[] sums = new double[hidden];
        for (int t = first; t < first + length; t++) {
          states.get(t * hidden, vector);
          for (int d = 0; d < hidden; d++) {
            sums[d] += vector[d];
          }
        }
        for (int d = 0; d < hidden; d++) {
          vector[d] = (float) (sums[d] / length);
        }
      }
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
