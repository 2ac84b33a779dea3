package io.luciole.djl;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import io.luciole.Output;
import io.luciole.model.Architecture.LayerAttention;
import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.model.RotaryTable;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Supplier;
import java.util.stream.LongStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An encoder from a checkpoint: the weights as PyTorch tensors, which the program of {@link
 * TorchSession} takes as arguments. It holds the weights until it is closed.
 */
final class TorchEncoder implements Encoder {
  private static final Logger log = LoggerFactory.getLogger(TorchEncoder.class);

  private final TorchSession session;
  private final EncoderConfig config;
  private final Pooling pooling;
  private final Precision precision;
  private final Set<Output> outputs;
  private final int colbertDimension;

  /** Set by {@link #open} alone. */
  private RowLayout layout;

  /** The bases of rotary positions that there are. */
  private final List<Double> bases;

  /** The program's argument {@code sizes}. */
  private final long[] sizes;

  /** The program's arguments {@code embedding}, {@code layers}, {@code head} and {@code rotary}. */
  private final List<IValue> weights = new ArrayList<>();

  private TorchEncoder(
      TorchRuntime runtime,
      ModelFiles model,
      EncoderWeights files,
      BackendConfig settings,
      FreeMemory memory) {
    this.config = files.config();
    List<LayerAttention> attention = config.architecture().attention();
    this.bases =
        attention.stream()
            .filter(LayerAttention::isRotary)
            .map(LayerAttention::rotaryBase)
            .distinct()
            .toList();
    this.sizes = sizes(config, bases);
    this.pooling = model.description().requirePooling();
    this.precision = precision(settings);
    Set<Output> offered = EnumSet.of(Output.DENSE);
    files.sparseHead().ifPresent(head -> offered.add(Output.SPARSE));
    files.colbertHead().ifPresent(head -> offered.add(Output.COLBERT));
    this.outputs = TorchSession.outputs(model, offered, settings.outputs());
    this.colbertDimension =
        outputs.contains(Output.COLBERT)
            ? files.colbertHead().map(EncoderWeights.Linear::outputs).orElse(0)
            : 0;
    this.session = new TorchSession(runtime, settings, memory);
    this.layout = RowLayout.fastest(session.accelerated, precision, config);
    try {
      load(files);
    } catch (Throwable t) {
      close();
      throw t;
    }
  }

  /**
   * Opens a checkpoint.
   *
   * @throws BackendException if the device or the precision is not available
   * @throws io.luciole.LucioleException if the files are not a complete checkpoint
   */
  static TorchEncoder open(
      TorchRuntime runtime, ModelFiles model, BackendConfig settings, FreeMemory memory) {
    runtime.require(settings.device());
    precision(settings);
    try (EncoderWeights files = EncoderWeights.open(model)) {
      TorchEncoder encoder = new TorchEncoder(runtime, model, files, settings, memory);
      encoder.tryLayout();
      return encoder;
    } catch (EngineException | OutOfMemoryError e) {
      throw TorchErrors.of("loading " + model.name(), e);
    }
  }

  /** As {@link #open}, with a layout that is not the fastest; for tests. */
  static TorchEncoder open(
      TorchRuntime runtime,
      ModelFiles model,
      BackendConfig settings,
      FreeMemory memory,
      RowLayout layout) {
    TorchEncoder encoder = open(runtime, model, settings, memory);
    encoder.layout = layout;
    return encoder;
  }

  /** Cards below compute capability 8.0 and builds without the kernel fail in the packed layout. */
  private void tryLayout() {
    if (layout != RowLayout.PACKED) {
      return;
    }
    try {
      run(TokenBatch.of(List.of(new int[] {0, 0}, new int[] {0})), outputs);
    } catch (BackendOutOfMemoryException e) {
      close();
      throw e;
    } catch (BackendException e) {
      log.warn(
          "Texts are padded, which is slower where lengths differ: this GPU or this PyTorch cannot"
              + " compute them end to end ({})",
          e.getMessage());
      layout = RowLayout.PADDED;
    }
  }

  private static Precision precision(BackendConfig settings) {
    Precision usual = settings.device().isAccelerator() ? Precision.FP16 : Precision.FP32;
    Precision chosen = settings.precision().orElse(usual);
    if (chosen == Precision.INT8 || chosen == Precision.FP8) {
      throw new BackendException(
          "The backend djl computes in fp32, fp16 or bf16, not in "
              + chosen.id()
              + ", which the backend onnx can ("
              + (chosen == Precision.INT8
                  ? "on CPUs"
                  : "on GPUs of compute capability 9.0 or later")
              + ").");
    }
    return chosen;
  }

  private static long[] sizes(EncoderConfig config, List<Double> bases) {
    LongStream.Builder sizes = LongStream.builder();
    sizes.add(config.heads()).add(config.architecture().normFirst() ? 1 : 0);
    for (LayerAttention layer : config.architecture().attention()) {
      sizes.add(bases.indexOf(layer.rotaryBase())).add(layer.window());
    }
    return sizes.build().toArray();
  }

  private void load(EncoderWeights files) {
    TorchWeights tensors = new TorchWeights(session, precision);
    List<PtNDArray> embedding = new ArrayList<>();
    embedding.add(tensors.of(files.words()));
    embedding.add(files.positions().map(tensors::of).orElseGet(tensors::none));
    embedding.add(tensors.of(files.tokenTypes()));
    tensors.add(embedding, files.embeddingNorm());
    tensors.add(embedding, files.projection().orElse(null));
    tensors.add(embedding, files.finalNorm().orElse(null));
    embedding.add(
        files
            .relativeBias()
            .map(values -> tensors.of(values, config.heads(), 2L * EncoderWeights.FARTHEST + 1))
            .orElseGet(tensors::none));

    List<PtNDArray> layers = new ArrayList<>();
    for (int i = 0; i < config.layers(); i++) {
      EncoderWeights.Layer layer = files.layer(i);
      tensors.add(layers, layer.query());
      tensors.add(layers, layer.key());
      tensors.add(layers, layer.value());
      tensors.add(layers, layer.attentionOutput());
      tensors.add(layers, layer.attentionNorm());
      tensors.add(layers, layer.intermediate());
      tensors.add(layers, layer.output());
      tensors.add(layers, layer.outputNorm());
      tensors.add(layers, layer.gate());
    }

    List<PtNDArray> heads = new ArrayList<>();
    tensors.add(heads, outputs.contains(Output.SPARSE) ? files.sparseHead().orElse(null) : null);
    tensors.add(heads, outputs.contains(Output.COLBERT) ? files.colbertHead().orElse(null) : null);

    List<PtNDArray> rotary = new ArrayList<>();
    for (double base : bases) {
      RotaryTable table = RotaryTable.of(base, config.headSize(), config.maxTokens());
      for (float[] values : List.of(table.cos(), table.sin())) {
        rotary.add(tensors.floats(values, config.maxTokens(), config.headSize() / 2));
      }
    }

    for (List<PtNDArray> part : List.of(embedding, layers, heads, rotary)) {
      weights.add(IValue.listFrom(part.toArray(PtNDArray[]::new)));
    }
  }

  @Override
  public Set<Output> outputs() {
    return outputs;
  }

  @Override
  public int dimension() {
    return config.hidden();
  }

  @Override
  public int colbertDimension() {
    return colbertDimension;
  }

  @Override
  public int vocabulary() {
    return config.vocabulary();
  }

  @Override
  public String precision() {
    return precision.id();
  }

  @Override
  public boolean pads() {
    return layout == RowLayout.PADDED;
  }

  @Override
  public int tensors() {
    return session.tensors();
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
    checkSize(batch, wanted);
    return session.run(batch, scope -> forward(scope, batch, wanted));
  }

  private void checkSize(TokenBatch batch, Set<Output> wanted) {
    long rows = pads() ? (long) batch.size() * (batch.maxLength() + 7) : batch.tokens();
    boolean pools = pooling != Pooling.NONE;
    long values = (long) (pools ? batch.size() : batch.tokens()) * config.hidden();
    if (wanted.contains(Output.COLBERT)) {
      values = Math.max(values, (long) batch.tokens() * colbertDimension);
    }
    session.checkSize(batch, rows, bytesPerRow(batch, rows, wanted), values);
  }

  /**
   * Bytes of a row when a run needs most memory: the residual and the normalised row, with either
   * the two or three parts of the feed-forward block or the attention's query, key, value and
   * result; a row's share of the scores' biases; and the values to return, twice, while they are
   * copied.
   */
  private long bytesPerRow(TokenBatch batch, long rows, Set<Output> wanted) {
    long element = precision == Precision.FP32 ? 4 : 2;
    long inner = (config.architecture().gated() ? 3L : 2L) * config.feedForward();
    long attention = (bases.isEmpty() ? 6L : 10L) * config.hidden();
    long biases = 0;
    if (config.architecture().relativeBuckets() > 0) {
      biases = (long) batch.maxLength() * batch.maxLength() * (config.heads() + 4) / rows;
    }
    long returned = wanted.contains(Output.COLBERT) ? 8L * colbertDimension : 8;
    if (pooling == Pooling.NONE && wanted.contains(Output.DENSE)) {
      returned += 8L * config.hidden();
    }
    long wide = 2L * config.hidden() + Math.max(inner, attention) + biases;
    return wide * element + returned;
  }

  private BackendOutput forward(PtNDManager scope, TokenBatch batch, Set<Output> wanted) {
    BatchLayout layout = this.layout.of(batch, config.firstPosition());
    List<IValue> arguments = new ArrayList<>();
    List<IValue> own = new ArrayList<>();
    try {
      own.add(session.longs(scope, new Shape(layout.ids.length), layout.ids));
      own.add(session.longs(scope, new Shape(layout.positions.length), layout.positions));
      own.add(IValue.listFrom(layout.groups));
      own.add(session.flags(scope, layout.maskShape(), layout.mask));
      own.add(session.longs(scope, new Shape(layout.order.length), layout.order));
      own.add(session.longs(scope, new Shape(layout.rows.length), layout.rows));
      own.add(session.ints(scope, new Shape(layout.starts.length), layout.starts));
      own.add(IValue.from((long) batch.maxLength()));
      arguments.addAll(own);
      arguments.addAll(weights);
      List<Supplier<IValue>> rest =
          List.of(
              () -> IValue.listFrom(sizes),
              () -> IValue.from((double) config.epsilon()),
              () -> IValue.from(config.activation().name().toLowerCase(Locale.ROOT)),
              () -> IValue.from(pooling.name().toLowerCase(Locale.ROOT)),
              () -> TorchSession.wanted(wanted));
      for (Supplier<IValue> value : rest) {
        IValue made = value.get();
        own.add(made);
        arguments.add(made);
      }
      try (IValue result = IValueUtils.forward(session.program, arguments.toArray(IValue[]::new))) {
        return TorchSession.output(result.toTensorArray(scope), wanted);
      }
    } finally {
      own.forEach(IValue::close);
    }
  }

  @Override
  public void close() {
    weights.forEach(IValue::close);
    weights.clear();
    session.close();
  }
}
