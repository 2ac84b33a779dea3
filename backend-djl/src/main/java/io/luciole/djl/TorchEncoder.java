package io.luciole.djl;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import io.luciole.Output;
import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.io.InputStream;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A checkpoint in PyTorch: its weights as tensors, and the program that computes the encoder with
 * them ({@code encoder.pt}, written by {@code src/main/torchscript/make_encoder.py}, which says
 * what goes in and comes out). {@link DjlBackend} has checked every batch before it comes here,
 * calls from one thread at a time and closes once.
 *
 * <p>Native memory: the weights for as long as it is open; a run's inputs and outputs during the
 * run. What leaves a run lies on Java's heap.
 */
final class TorchEncoder implements AutoCloseable {
  private static final String PROGRAM = "encoder.pt";

  /** The largest byte array that JVMs give. */
  private static final long LARGEST_OUTPUT = Integer.MAX_VALUE - 8;

  private final boolean accelerated;
  private final PtNDManager manager;
  private final PtNDManager host;
  private final PtSymbolBlock program;
  private final EncoderConfig config;
  private final Pooling pooling;
  private final Precision precision;
  private final Set<Output> outputs;
  private final int colbertDimension;
  private final FreeMemory memory;
  private final int threads;

  /** The weights as the program takes them: {@code embedding}, {@code layers}, {@code head}. */
  private final List<IValue> weights = new ArrayList<>();

  private TorchEncoder(
      TorchRuntime runtime,
      ModelFiles model,
      EncoderWeights files,
      BackendConfig settings,
      FreeMemory memory) {
    this.accelerated = settings.device().isAccelerator();
    this.config = files.config();
    this.pooling = model.description().requirePooling();
    this.precision = precision(settings);
    this.memory = settings.device().isAccelerator() ? FreeMemory.unknown() : memory;
    this.threads = runtime.threads(settings.threads());
    Set<Output> offered = EnumSet.of(Output.DENSE);
    files.sparseHead().ifPresent(head -> offered.add(Output.SPARSE));
    files.colbertHead().ifPresent(head -> offered.add(Output.COLBERT));
    if (!settings.outputs().isEmpty()) {
      // Asking for less saves a head's memory; asking for more is refused when it is run.
      offered.retainAll(settings.outputs());
    }
    this.outputs = offered;
    this.colbertDimension =
        offered.contains(Output.COLBERT)
            ? files.colbertHead().map(EncoderWeights.Linear::outputs).orElse(0)
            : 0;
    this.manager = runtime.newManager(settings.device());
    this.host =
        settings.device().isAccelerator() ? manager.newSubManager(ai.djl.Device.cpu()) : manager;
    try {
      this.program = loadProgram(manager);
      load(files);
    } catch (Throwable t) {
      close();
      throw t;
    }
  }

  /**
   * Opens a checkpoint.
   *
   * @throws BackendException if the device or the precision is not to be had
   * @throws io.luciole.LucioleException if the files do not fit
   */
  static TorchEncoder open(
      TorchRuntime runtime, ModelFiles model, BackendConfig settings, FreeMemory memory) {
    runtime.require(settings.device());
    precision(settings);
    try (EncoderWeights files = EncoderWeights.open(model)) {
      return new TorchEncoder(runtime, model, files, settings, memory);
    } catch (EngineException | OutOfMemoryError e) {
      throw TorchErrors.of("loading " + model.name(), e);
    }
  }

  private static Precision precision(BackendConfig settings) {
    Precision usual = settings.device().isAccelerator() ? Precision.FP16 : Precision.FP32;
    Precision chosen = settings.chosenPrecision().orElse(usual);
    if (chosen == Precision.INT8) {
      throw new BackendException(
          "The backend djl computes in fp32, fp16 or bf16, not in int8, which the backend onnx"
              + " can.");
    }
    return chosen;
  }

  private static PtSymbolBlock loadProgram(PtNDManager manager) {
    try (InputStream in = TorchEncoder.class.getResourceAsStream(PROGRAM)) {
      if (in == null) {
        throw new BackendException(
            "Expected "
                + PROGRAM
                + " beside the backend's classes, found none: the jar is broken.");
      }
      return JniUtils.loadModule(manager, in, false, false);
    } catch (IOException e) {
      throw new BackendException("Cannot read " + PROGRAM + ": " + e.getMessage(), e);
    }
  }

  private void load(EncoderWeights files) {
    TorchWeights tensors = new TorchWeights(manager, accelerated ? host : null, precision, program);
    List<PtNDArray> embedding = new ArrayList<>();
    embedding.add(tensors.of(files.words()));
    embedding.add(tensors.of(files.positions()));
    embedding.add(tensors.of(files.tokenTypes()));
    tensors.add(embedding, files.embeddingNorm());

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
    }

    List<PtNDArray> heads = new ArrayList<>();
    addHead(tensors, heads, Output.SPARSE, files.sparseHead().orElse(null));
    addHead(tensors, heads, Output.COLBERT, files.colbertHead().orElse(null));

    for (List<PtNDArray> part : List.of(embedding, layers, heads)) {
      weights.add(IValue.listFrom(part.toArray(PtNDArray[]::new)));
    }
  }

  private void addHead(
      TorchWeights tensors,
      List<PtNDArray> heads,
      Output output,
      EncoderWeights.@Nullable Linear head) {
    if (head != null && outputs.contains(output)) {
      tensors.add(heads, head);
    } else {
      heads.add(manager.create(new Shape(0), DataType.FLOAT32));
      heads.add(manager.create(new Shape(0), DataType.FLOAT32));
    }
  }

  Set<Output> outputs() {
    return outputs;
  }

  int dimension() {
    return config.hidden();
  }

  int colbertDimension() {
    return colbertDimension;
  }

  int vocabulary() {
    return config.vocabulary();
  }

  String precision() {
    return precision.id();
  }

  boolean pads() {
    return accelerated;
  }

  int tensors() {
    return manager.getManagedArrays().size();
  }

  BackendOutput run(TokenBatch batch, Set<Output> wanted) {
    checkSize(batch, wanted);
    try (PtNDManager scope = (PtNDManager) host.newSubManager()) {
      // Both hold for this thread. The optimizer would compile the program anew for shape after
      // shape.
      JniUtils.setNumThreads(threads);
      JniUtils.setGraphExecutorOptimize(false);
      return forward(scope, batch, wanted);
    } catch (EngineException | OutOfMemoryError e) {
      throw TorchErrors.of("running " + batch, e);
    }
  }

  /** Refuses what would not fit before anything is begun. */
  private void checkSize(TokenBatch batch, Set<Output> wanted) {
    long rows = pads() ? (long) batch.size() * (batch.maxLength() + 7) : batch.tokens();
    long bytes = (long) Float.BYTES * batch.size() * config.hidden();
    if (wanted.contains(Output.COLBERT)) {
      bytes = Math.max(bytes, (long) Float.BYTES * batch.tokens() * colbertDimension);
    }
    if (bytes > LARGEST_OUTPUT || rows > LARGEST_OUTPUT) {
      throw new BackendOutOfMemoryException(
          "An output of "
              + batch
              + " would take "
              + bytes
              + " bytes, more than an array can have.");
    }
    memory.require(rows * bytesPerRow(wanted), batch);
  }

  /**
   * What a row takes at the widest point of a run: the residual, the norm's output and the two
   * halves of the feed-forward block, or with the attention's query, key, value and result; and
   * what is returned, twice while it is copied.
   */
  private long bytesPerRow(Set<Output> wanted) {
    long element = precision == Precision.FP32 ? 4 : 2;
    long wide = 2L * config.hidden() + Math.max(2L * config.feedForward(), 6L * config.hidden());
    long returned = wanted.contains(Output.COLBERT) ? 8L * colbertDimension : 8;
    return wide * element + returned;
  }

  private BackendOutput forward(PtNDManager scope, TokenBatch batch, Set<Output> wanted) {
    BatchLayout layout =
        pads()
            ? BatchLayout.padded(batch, config.firstPosition())
            : BatchLayout.unpadded(batch, config.firstPosition());
    List<IValue> arguments = new ArrayList<>();
    List<IValue> own = new ArrayList<>();
    try {
      own.add(tensor(scope, layout.ids));
      own.add(tensor(scope, layout.positions));
      own.add(IValue.listFrom(layout.groups));
      own.add(mask(scope, layout.mask, batch.size()));
      own.add(tensor(scope, layout.order));
      own.add(tensor(scope, layout.rows));
      arguments.addAll(own);
      arguments.addAll(weights);
      List<Supplier<IValue>> rest =
          List.of(
              () -> IValue.listFrom((long) config.heads()),
              () -> IValue.from((double) config.epsilon()),
              () -> IValue.from(config.activation().name().toLowerCase(Locale.ROOT)),
              () -> IValue.from(pooling.name().toLowerCase(Locale.ROOT)),
              () ->
                  IValue.listFrom(
                      flag(wanted, Output.DENSE),
                      flag(wanted, Output.SPARSE),
                      flag(wanted, Output.COLBERT)));
      for (Supplier<IValue> value : rest) {
        IValue made = value.get();
        own.add(made);
        arguments.add(made);
      }
      try (IValue result = IValueUtils.forward(program, arguments.toArray(IValue[]::new))) {
        return output(result.toTensorArray(scope), wanted);
      }
    } finally {
      own.forEach(IValue::close);
    }
  }

  private static long flag(Set<Output> wanted, Output output) {
    return wanted.contains(output) ? 1 : 0;
  }

  private IValue tensor(PtNDManager scope, long[] values) {
    PtNDArray array = scope.create(new Shape(values.length), DataType.INT64);
    if (values.length > 0) {
      array.toByteBuffer(true).asLongBuffer().put(values);
    }
    return onDevice(scope, array);
  }

  private IValue mask(PtNDManager scope, byte[] values, int texts) {
    Shape shape = values.length == 0 ? new Shape(0) : new Shape(texts, values.length / texts);
    PtNDArray array = scope.create(shape, DataType.BOOLEAN);
    if (values.length > 0) {
      array.toByteBuffer(true).put(values);
    }
    return onDevice(scope, array);
  }

  private IValue onDevice(PtNDManager scope, PtNDArray array) {
    if (!accelerated) {
      return IValue.from(array);
    }
    PtNDArray there = array.toDevice(manager.getDevice(), true);
    there.attach(scope);
    return IValue.from(there);
  }

  private static BackendOutput output(PtNDArray[] found, Set<Output> wanted) {
    Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
    int next = 0;
    for (Output output : List.of(Output.DENSE, Output.SPARSE, Output.COLBERT)) {
      if (wanted.contains(output)) {
        // A copy on the heap: what is read after close must not take the process down.
        values.put(output, found[next++].toByteBuffer(false).asFloatBuffer());
      }
    }
    return new BackendOutput(
        values.get(Output.DENSE), values.get(Output.SPARSE), values.get(Output.COLBERT), () -> {});
  }

  @Override
  public void close() {
    weights.forEach(IValue::close);
    weights.clear();
    manager.close();
    if (accelerated) {
      JniUtils.emptyCudaCache();
    }
  }
}
