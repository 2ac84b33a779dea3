package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import ai.onnxruntime.TensorInfo;
import io.luciole.Output;
import io.luciole.model.DenseRecipe;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.onnx.ExportLayout.Found;
import io.luciole.onnx.ExportLayout.Kind;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * An encoder that someone exported to ONNX. Its inputs are padded:
 *
 * <pre>
 * input_ids, attention_mask, token_type_ids (optional)   int64 [B, S]
 * </pre>
 *
 * and its outputs are those of {@link ExportLayout}. Dense vectors that it lacks are pooled here,
 * token weights and vectors come from BGE-M3's heads where their files lie beside it.
 */
final class ExportedEncoder implements Encoder {
  private static final String IDS = "input_ids";
  private static final String MASK = "attention_mask";
  private static final String TYPES = "token_type_ids";

  private final OrtModel model;
  private final Path file;
  private final BufferPool pool = new BufferPool();
  private final boolean takesTypes;
  private final ExportLayout layout;
  private final Set<Output> outputs = EnumSet.of(Output.DENSE);
  private final int dimension;
  private final int vocabulary;

  /** Whether dense vectors are made of token states here, or in the engine. */
  private final boolean pools;

  private final @Nullable Pooling pooling;
  private final @Nullable HeadModel heads;

  private ExportedEncoder(
      OrtRuntime runtime, OrtModel model, ModelFiles files, BackendConfig config) {
    this.model = model;
    this.file = requireNonNull(files.onnx());
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
    this.vocabulary = Vocabulary.of(files);
    this.layout = new ExportLayout(trial(), file);

    Found states = layout.get(Kind.STATES);
    DenseRecipe recipe = files.description().dense();
    boolean needsStates = recipe.isChosen() || recipe.poolsStates() || !recipe.modules().isEmpty();
    this.pools = layout.get(Kind.DENSE) == null || (states != null && needsStates);
    if (!pools) {
      recipe.requireNoStates(file);
    }
    Found dense = pools ? null : layout.get(Kind.DENSE);
    this.dimension = (dense != null ? dense : requireNonNull(states)).components();
    int expected = files.description().hiddenSize().orElse(dimension);
    if (dimension != expected) {
      throw new ModelException(
          "Expected vectors of "
              + expected
              + " components (hidden_size of config.json), found "
              + dimension
              + " in "
              + file);
    }
    this.pooling = pools ? recipe.requirePooling() : null;
    this.heads = states == null ? null : HeadModel.open(runtime, files, states, layout, config);
    for (Map.Entry<Output, Kind> token :
        Map.of(Output.SPARSE, Kind.SPARSE, Output.COLBERT, Kind.COLBERT).entrySet()) {
      boolean own = layout.get(token.getValue()) != null;
      if (own || (heads != null && heads.outputs().contains(token.getKey()))) {
        outputs.add(token.getKey());
      }
    }
    if (!outputs.containsAll(config.outputs())) {
      throw new BackendException(
          "The model "
              + files.name()
              + " gives "
              + outputs
              + ", not "
              + config.outputs()
              + ": expected an export with these outputs, or with token states and the files"
              + " sparse_linear.pt and colbert_linear.pt beside it, in "
              + files.folder());
    }
  }

  static ExportedEncoder open(
      OrtRuntime runtime, ModelFiles files, BackendConfig config, OptLevel level) {
    Path file = requireNonNull(files.onnx());
    Precision precision = config.precision().orElse(Precision.FP32);
    if (precision != Precision.FP32) {
      throw new ModelException(
          "An ONNX file has the precision it was exported with, and "
              + precision.id()
              + " was asked for: "
              + file
              + ". Leave the precision open, or use the model's checkpoint.");
    }
    OrtModel model = runtime.open(file, config.device(), OrtRuntime.threads(config), level);
    try {
      return new ExportedEncoder(runtime, model, files, config);
    } catch (Throwable t) {
      model.close();
      throw t;
    }
  }

  private void checkInput(String name, TensorInfo info) {
    long[] shape = info.getShape();
    if (info.type != OnnxJavaType.INT64 || shape.length != 2 || shape[0] > 0 || shape[1] > 0) {
      throw new ModelException(
          "Expected INT64 [?, ?], texts and tokens both open, for the input "
              + name
              + ", found "
              + ExportLayout.describe(info)
              + " in "
              + file);
    }
  }

  /** The shapes that outputs have; what the file declares is often left open. */
  private Map<String, TensorInfo> trial() {
    int[] text = new int[ExportLayout.TRIAL_TOKENS];
    List<TensorBinding> in = new ArrayList<>();
    try {
      List<int[]> texts = new ArrayList<>();
      for (int i = 0; i < ExportLayout.TRIAL_TEXTS; i++) {
        texts.add(text);
      }
      fillInputs(TokenBatch.of(texts), text.length, in);
      return model.shapes(in);
    } finally {
      in.forEach(binding -> pool.give(binding.buffer()));
    }
  }

  @Override
  public Set<Output> outputs() {
    return outputs;
  }

  @Override
  public int dimension() {
    return dimension;
  }

  @Override
  public boolean leavesPooling() {
    return pooling == Pooling.NONE;
  }

  @Override
  public int colbertDimension() {
    Found own = layout.get(Kind.COLBERT);
    if (own != null) {
      return own.components();
    }
    return outputs.contains(Output.COLBERT) ? requireNonNull(heads).colbertDimension() : 0;
  }

  @Override
  public int vocabulary() {
    return vocabulary;
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
  public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
    // An export that leaves out the first token has nothing to say of a batch of single tokens.
    int length = Math.max(2, batch.maxLength());
    List<TensorBinding> in = new ArrayList<>();
    Map<Kind, TensorBinding> raw = new EnumMap<>(Kind.class);
    Map<Output, TensorBinding> out = new EnumMap<>(Output.class);
    try {
      fillInputs(batch, length, in);
      for (Output output : wanted) {
        Kind kind = source(output);
        Found found = requireNonNull(layout.get(kind));
        raw.computeIfAbsent(
            kind,
            k ->
                TensorBinding.from(
                    pool, found.name(), found.type(), found.shape(batch.size(), length)));
      }
      model.run(in, List.copyOf(raw.values()), batch);
      Padded padded = new Padded(batch, length, pool);
      Set<Output> byHeads = EnumSet.noneOf(Output.class);
      for (Output output : wanted) {
        Kind kind = source(output);
        Found found = requireNonNull(layout.get(kind));
        if (kind == Kind.STATES && output != Output.DENSE) {
          byHeads.add(output);
        } else {
          FloatBuffer values = padded.floats(requireNonNull(raw.get(kind)));
          out.put(
              output,
              kind == Kind.STATES
                  ? padded.pooled(values, dimension, requireNonNull(pooling))
                  : kind == Kind.DENSE
                      ? padded.copy(values, dimension)
                      : padded.flat(values, found));
        }
      }
      if (!byHeads.isEmpty()) {
        TensorBinding states = requireNonNull(raw.get(Kind.STATES));
        requireNonNull(heads).run(padded, states, byHeads, out, pool);
      }
      return OutputBuffers.of(out, pool);
    } catch (Throwable t) {
      out.values().forEach(binding -> pool.give(binding.buffer()));
      throw t;
    } finally {
      in.forEach(binding -> pool.give(binding.buffer()));
      raw.values().forEach(binding -> pool.give(binding.buffer()));
    }
  }

  /** The output of the export that an output of ours is made of. */
  private Kind source(Output output) {
    Kind own =
        switch (output) {
          case DENSE -> pools ? Kind.STATES : Kind.DENSE;
          case SPARSE -> Kind.SPARSE;
          case COLBERT -> Kind.COLBERT;
        };
    return layout.get(own) != null ? own : Kind.STATES;
  }

  private void fillInputs(TokenBatch batch, int length, List<TensorBinding> in) {
    for (String name : takesTypes ? List.of(IDS, MASK, TYPES) : List.of(IDS, MASK)) {
      in.add(TensorBinding.from(pool, name, OnnxJavaType.INT64, batch.size(), length));
      fill(in.get(in.size() - 1).buffer(), batch, length, name);
    }
  }

  /** Token ids, ones, or zeros; and zeros behind each text's end. */
  private static void fill(ByteBuffer target, TokenBatch batch, int length, String name) {
    long[] row = new long[length];
    for (int i = 0; i < batch.size(); i++) {
      int n = name.equals(TYPES) ? 0 : batch.length(i);
      for (int t = 0; t < length; t++) {
        row[t] = t >= n ? 0 : name.equals(IDS) ? batch.tokenIds()[batch.offset(i) + t] : 1;
      }
      target.asLongBuffer().put(i * length, row);
    }
  }

  @Override
  public void close() {
    model.close();
    if (heads != null) {
      heads.close();
    }
  }
}
