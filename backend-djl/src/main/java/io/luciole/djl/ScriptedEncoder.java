package io.luciole.djl;

import static java.util.Objects.requireNonNull;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import io.luciole.Output;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.model.checkpoint.Checkpoint;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * An encoder from a TorchScript file that computes token states, such as those of DJL's model zoo.
 * {@code encoder.pt} computes pooling and BGE-M3's heads from these states.
 *
 * <pre>
 * in    input_ids int64 [B, S], attention_mask int64 [B, S] (1 where a token is), token_type_ids
 *       int64 [B, S] (all 0) where the file takes three
 * out   states [B, S, H]: a tensor, a tuple that begins with it, or a map that has it as
 *       last_hidden_state or token_embeddings
 * </pre>
 *
 * <p>The number of inputs and H are found by running the file once when it is opened.
 */
final class ScriptedEncoder implements Encoder {
  private static final String[] STATES = {"last_hidden_state", "token_embeddings"};

  /** Two texts of different lengths, so that a trace that works for one shape only is noticed. */
  private static final TokenBatch TRIAL = TokenBatch.of(List.of(new int[3], new int[2]));

  private final TorchSession session;
  private final PtSymbolBlock module;
  private final Path file;
  private final int inputs;
  private final int hidden;
  private final int heads;
  private final int vocabulary;
  private final Pooling pooling;
  private final Set<Output> outputs;
  private final int colbertDimension;
  private final IValue headWeights;

  private ScriptedEncoder(TorchSession session, ModelFiles model, Set<Output> wanted) {
    Set<Output> offered = EnumSet.of(Output.DENSE);
    if (model.sparseHead() != null) {
      offered.add(Output.SPARSE);
    }
    if (model.colbertHead() != null) {
      offered.add(Output.COLBERT);
    }
    this.outputs = TorchSession.outputs(model, offered, wanted);
    this.session = session;
    this.file = requireNonNull(model.torchscript());
    this.pooling = model.description().requirePooling();
    this.module = load(session.manager, file);
    int[] found = tryOut();
    this.inputs = found[0];
    this.hidden = found[1];
    this.heads = model.configNumber("num_attention_heads").orElse(Math.max(1, hidden / 64));
    this.vocabulary = model.configNumber("vocab_size").orElse(Integer.MAX_VALUE);
    TorchWeights tensors = new TorchWeights(session, Precision.FP32);
    List<PtNDArray> weights = new ArrayList<>();
    addHead(tensors, weights, Output.SPARSE, model.sparseHead(), Linear::sparseHead);
    this.colbertDimension =
        addHead(tensors, weights, Output.COLBERT, model.colbertHead(), Linear::colbertHead);
    this.headWeights = IValue.listFrom(weights.toArray(PtNDArray[]::new));
  }

  /**
   * Opens a model's TorchScript file.
   *
   * @throws BackendException if the device or the precision is not available
   * @throws ModelException if the file has other inputs or outputs than those above
   */
  static ScriptedEncoder open(
      TorchRuntime runtime, ModelFiles model, BackendConfig settings, FreeMemory memory) {
    runtime.require(settings.device());
    if (settings.precision().filter(p -> p != Precision.FP32).isPresent()) {
      throw new BackendException(
          "A TorchScript file has the precision it was written with, and "
              + settings.precision().get().id()
              + " was asked for: "
              + model.torchscript()
              + ". Leave the precision open, or use the model's checkpoint.");
    }
    TorchSession session = new TorchSession(runtime, settings, memory);
    try {
      return new ScriptedEncoder(session, model, settings.outputs());
    } catch (Throwable t) {
      session.close();
      throw t;
    }
  }

  private static PtSymbolBlock load(PtNDManager manager, Path file) {
    try {
      return JniUtils.loadModule(manager, file, true, new String[0], new String[0], false);
    } catch (EngineException e) {
      throw new ModelException(
          "Expected a TorchScript file, as torch.jit.save writes it, found "
              + file
              + ", which PyTorch cannot load: "
              + TorchErrors.of("loading it", e).getMessage(),
          e);
    }
  }

  /** Returns the number of inputs that the file takes, and H. */
  private int[] tryOut() {
    List<String> failures = new ArrayList<>();
    for (int count : new int[] {2, 3, 1}) {
      try {
        return session.run(
            file,
            scope -> {
              List<IValue> own = new ArrayList<>();
              try {
                PtNDArray states =
                    states(scope, BatchLayout.rectangular(TRIAL), TRIAL.size(), count, own);
                long[] shape = states.getShape().getShape();
                return new int[] {count, Math.toIntExact(shape[2])};
              } finally {
                own.forEach(IValue::close);
              }
            });
      } catch (BackendException e) {
        failures.add(count + ": " + e.getMessage());
      }
    }
    throw new ModelException(
        "Expected a TorchScript file that takes input_ids, attention_mask and perhaps"
            + " token_type_ids, each [B, S], found otherwise in "
            + file
            + ". With so many inputs it said: "
            + String.join("; ", failures));
  }

  private int addHead(
      TorchWeights tensors,
      List<PtNDArray> weights,
      Output output,
      @Nullable Path path,
      BiFunction<Checkpoint, Integer, Linear> reader) {
    if (path == null || !outputs.contains(output)) {
      tensors.add(weights, (Linear) null);
      return 0;
    }
    try (Checkpoint checkpoint = Checkpoint.open(path)) {
      Linear head = reader.apply(checkpoint, hidden);
      tensors.add(weights, head);
      return head.outputs();
    }
  }

  @Override
  public Set<Output> outputs() {
    return outputs;
  }

  @Override
  public int dimension() {
    return hidden;
  }

  @Override
  public int colbertDimension() {
    return colbertDimension;
  }

  @Override
  public int vocabulary() {
    return vocabulary;
  }

  @Override
  public String precision() {
    return "torchscript";
  }

  @Override
  public boolean pads() {
    return true;
  }

  @Override
  public int tensors() {
    return session.tensors();
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
    long rows = (long) batch.size() * batch.maxLength();
    long values =
        wanted.contains(Output.COLBERT)
            ? (long) batch.tokens() * colbertDimension
            : (long) (pooling == Pooling.NONE ? batch.tokens() : batch.size()) * hidden;
    // An estimate, since the file's operations are unknown: two copies of the attention scores, and
    // 14 intermediate rows of the hidden size.
    long bytesPerRow = 4L * (14L * hidden + 2L * heads * batch.maxLength());
    session.checkSize(batch, rows, bytesPerRow, Math.max(values, rows));
    return session.run(batch, scope -> forward(scope, batch, wanted));
  }

  private BackendOutput forward(PtNDManager scope, TokenBatch batch, Set<Output> wanted) {
    BatchLayout layout = BatchLayout.rectangular(batch);
    List<IValue> own = new ArrayList<>();
    try {
      IValue states = keep(own, IValue.from(states(scope, layout, batch.size(), inputs, own)));
      IValue[] arguments = {
        states,
        keep(own, IValue.listFrom(layout.groups)),
        keep(own, session.flags(scope, layout.maskShape(), layout.mask)),
        keep(own, session.longs(scope, new Shape(layout.rows.length), layout.rows)),
        headWeights,
        keep(own, IValue.from(pooling.name().toLowerCase(Locale.ROOT))),
        keep(own, TorchSession.wanted(wanted))
      };
      try (IValue result = IValueUtils.runMethod(session.program, "finish", arguments)) {
        return TorchSession.output(result.toTensorArray(scope), wanted);
      }
    } finally {
      own.forEach(IValue::close);
    }
  }

  private static IValue keep(List<IValue> own, IValue value) {
    own.add(value);
    return value;
  }

  /** Runs the file; returns the token states [B, S, H]. */
  private PtNDArray states(
      PtNDManager scope, BatchLayout layout, int texts, int count, List<IValue> own) {
    Shape shape = new Shape(texts, layout.ids.length / texts);
    long[] mask = new long[layout.ids.length];
    Arrays.setAll(mask, i -> layout.mask.length == 0 ? 1 : layout.mask[i]);
    IValue[] arguments = new IValue[count];
    long[][] values = {layout.ids, mask, new long[mask.length]};
    for (int i = 0; i < count; i++) {
      arguments[i] = keep(own, session.longs(scope, shape, values[i]));
    }
    PtNDArray states;
    try (IValue result = IValueUtils.forward(module, arguments)) {
      states = statesOf(result, scope);
    }
    if (states.getShape().dimension() != 3
        || states.getShape().get(0) != shape.get(0)
        || states.getShape().get(1) != shape.get(1)) {
      throw new ModelException(
          "Expected token states [B, S, H], here ["
              + shape.get(0)
              + ", "
              + shape.get(1)
              + ", H], from "
              + file
              + ", found "
              + states.getShape()
              + ". A file that gives pooled vectors alone cannot be used.");
    }
    return states;
  }

  private PtNDArray statesOf(IValue result, PtNDManager scope) {
    if (result.isTensor()) {
      return result.toTensor(scope);
    }
    IValue[] others = {};
    try {
      if (result.isTuple()) {
        others = result.toIValueTuple();
        if (others.length > 0 && others[0].isTensor()) {
          return others[0].toTensor(scope);
        }
      } else if (result.isMap()) {
        Map<String, IValue> map = result.toIValueMap();
        others = map.values().toArray(IValue[]::new);
        for (String name : STATES) {
          IValue found = map.get(name);
          if (found != null && found.isTensor()) {
            return found.toTensor(scope);
          }
        }
      }
      throw new ModelException(
          "Expected token states, as a tensor, the first of a tuple or "
              + String.join(" or ", STATES)
              + " of a map, found "
              + result.getType()
              + " from "
              + file);
    } finally {
      for (IValue other : others) {
        other.close();
      }
    }
  }

  @Override
  public void close() {
    headWeights.close();
    session.close();
  }
}
