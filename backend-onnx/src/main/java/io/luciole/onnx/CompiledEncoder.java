package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.Output;
import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An encoder whose graph is compiled from a checkpoint.
 *
 * <p>On CPUs a batch has all threads, so that a lone query is answered soonest. More batches may
 * run at once ({@link OnnxOptions#RUNS}), since threads of different batches do not wait for each
 * other. Luciole's own kernels share the threads among the batches that there are, and have a batch
 * for every {@value #THREADS_A_RUN} threads where there are many; ONNX Runtime's operators have a
 * fixed part of them each, with which a lone query takes longer. Small encoders in bytes run as
 * many batches as there are threads, on one each.
 */
final class CompiledEncoder implements Encoder {
  /**
   * Up to this hidden size, runs in bytes have a thread each unless told otherwise, and runs on
   * accelerators are so short that the host prepares the next meanwhile.
   */
  private static final int SMALL = 512;

  /** With so many threads, the batches that share them are several. */
  private static final int MANY_THREADS = 16;

  private static final int THREADS_A_RUN = 4;

  private static final Logger log = LoggerFactory.getLogger(CompiledEncoder.class);

  private final OrtRuntime runtime;
  private final BackendConfig device;
  private final EncoderConfig config;
  private final EncoderWeights weights;
  private final Set<Output> outputs;
  private final Pooling pooling;
  private final Set<Integer> outliers;
  private final Precision precision;
  private LayoutPolicy policy;

  /** What keeps the project's operators from being used on a GPU; null if nothing does. */
  private @Nullable String whyNotFused;

  private final int colbertDimension;
  private final int threads;
  private final int runs;
  private final BufferPool pool = new BufferPool();
  private final Map<AttentionLayout, OrtModel> models = new EnumMap<>(AttentionLayout.class);

  private CompiledEncoder(
      OrtRuntime runtime, ModelFiles files, BackendConfig device, EncoderWeights weights) {
    this.runtime = runtime;
    this.device = device;
    this.config = weights.config();
    this.weights = weights;
    this.outliers = files.description().outlierChannels();
    this.precision = precision(device);
    this.outputs = outputs(files, device.outputs(), weights);
    this.policy = policy();
    int all = OrtRuntime.threads(device);
    boolean shared = policy.usual() == AttentionLayout.LAYERS && !hasARunAThread();
    int onCpu = Math.min(wantedRuns(all, shared), all);
    this.threads = device.device().isAccelerator() || shared ? all : all / onCpu;
    this.pooling =
        outputs.contains(Output.DENSE) ? files.description().requirePooling() : Pooling.CLS;
    this.colbertDimension =
        outputs.contains(Output.COLBERT) ? weights.colbertHead().orElseThrow().outputs() : 0;
    switch (policy.usual()) {
      case FUSED -> tryFused();
      case LAYERS -> tryLayers();
      default -> model(policy.usual());
    }
    if (whyNotFused != null) {
      // Only now: a device that cannot be used at all is told by the exception alone.
      warnOfSlowerOperators(whyNotFused);
    }
    boolean stillShared = shared && policy.usual() == AttentionLayout.LAYERS; // they may not load
    this.runs =
        device.device().isAccelerator()
            ? runsOnAccelerator()
            : Math.min(wantedRuns(all, stillShared), all);
  }

  /**
   * Two where token vectors leave the device, so that they are copied while the next batch is
   * computed, and where the encoder is small; only the fused layout has all its sessions open from
   * the start.
   */
  private int runsOnAccelerator() {
    boolean worthwhile = outputs.contains(Output.COLBERT) || config.hidden() <= SMALL;
    return worthwhile && policy.usual() == AttentionLayout.FUSED ? 2 : 1;
  }

  /**
   * As set; or else 1, or of many shared threads one for every four, which reach a third more than
   * one run on 16 cores, without delaying a lone query (docs/experiments/cpu-int8.md). Small
   * encoders in bytes have one run for each thread: their products are so short that the threads of
   * one run wait for each other a third of the time, even for a lone query.
   */
  private int wantedRuns(int all, boolean shared) {
    int usual = shared && all >= MANY_THREADS ? all / THREADS_A_RUN : 1;
    return device.option(OnnxOptions.RUNS).orElse(hasARunAThread() ? all : usual);
  }

  private boolean hasARunAThread() {
    return precision == Precision.INT8
        && config.hidden() <= SMALL
        && device.option(OnnxOptions.RUNS).isEmpty();
  }

  /** The policy at the start. */
  private LayoutPolicy policy() {
    if (!device.device().isAccelerator()) {
      return policyOnCpu();
    }
    String obstacle =
        EncoderGraph.isHalf(precision)
            ? CudaEncoder.obstacle(config, device)
            : "they compute in fp16, not in " + precision.id();
    if (obstacle != null && precision == Precision.FP8) {
      throw noFp8(obstacle);
    }
    LayoutPolicy chosen = LayoutPolicy.on(device, obstacle == null, isPackable());
    whyNotFused = obstacle;
    if (precision == Precision.FP8 && chosen.usual() != AttentionLayout.FUSED) {
      throw noFp8(OnnxOptions.FORM + " chooses another form of attention");
    }
    return chosen;
  }

  private LayoutPolicy policyOnCpu() {
    String obstacle = CpuLayers.obstacle(config, precision, Processor.here());
    if (obstacle != null) {
      log.debug("{} runs on ONNX Runtime's own operators: {}", device.device(), obstacle);
    }
    LayoutPolicy chosen = LayoutPolicy.on(device, obstacle == null, isPackable());
    if (precision == Precision.BF16 && chosen.usual() != AttentionLayout.LAYERS) {
      throw noBf16(obstacle == null ? OnnxOptions.FORM + " chooses others" : obstacle);
    }
    return chosen;
  }

  private static BackendException noBf16(String reason) {
    return new BackendException(
        "Expected luciole's own kernels for CPUs for the precision bf16, which nothing else of this"
            + " backend computes in, found that they cannot be used: "
            + reason
            + ". Set luciole.precision=fp32, or luciole.backend=djl.");
  }

  /** Opens luciole's own kernels for CPUs, or ONNX Runtime's where they cannot be loaded. */
  private void tryLayers() {
    try {
      model(AttentionLayout.LAYERS);
      if (precision == Precision.FP32) {
        // Floats are packed at the first run, which is to be no caller's.
        TokenBatch first = TokenBatch.of(List.of(new int[] {0}));
        run(AttentionLayout.LAYERS, first, Set.of(outputs.iterator().next())).close();
      }
    } catch (BackendOutOfMemoryException e) {
      throw e;
    } catch (BackendException e) {
      if (precision == Precision.BF16) {
        throw e;
      }
      warnOfSlowerOperators(e.getMessage());
      policy = LayoutPolicy.on(device, false, isPackable());
      model(policy.usual());
    }
  }

  private boolean isPackable() {
    return config.architecture().hasLayersOfBert();
  }

  /** Warns of what a device does without luciole's operators; fp8 cannot do without. */
  private void warnOfSlowerOperators(@Nullable String reason) {
    log.warn(
        "{} runs on ONNX Runtime's own operators, which are slower than luciole's: {}",
        device.device(),
        reason);
  }

  private BackendException noFp8(String reason) {
    return new BackendException(
        "Expected luciole's own CUDA operators on "
            + device.device()
            + " for the precision fp8, which nothing else computes in, found that they cannot be"
            + " used: "
            + reason
            + ". Set luciole.precision=fp16.");
  }

  /** Opens the fused layout, or the packed layout where the fused one does not work. */
  private void tryFused() {
    String problem =
        FusedTrial.problem(
            batch -> values(AttentionLayout.FUSED, batch),
            config,
            precision == Precision.FP8 ? FusedTrial.FP8_SHARE : FusedTrial.SHARE);
    if (problem != null) {
      OrtModel failed = models.remove(AttentionLayout.FUSED);
      if (failed != null) {
        failed.close();
      }
      if (precision == Precision.FP8) {
        throw noFp8(problem);
      }
      whyNotFused = problem;
      policy = LayoutPolicy.on(device, false, isPackable());
      model(policy.usual());
    } else if (device.option(OnnxOptions.CUDA_TUNE)) {
      FusedTuning.run(batch -> run(AttentionLayout.FUSED, batch, Set.of(anyOutput())).close());
    }
  }

  private Output anyOutput() {
    return outputs.contains(Output.DENSE) ? Output.DENSE : outputs.iterator().next();
  }

  /** Values of each text, of whichever output there is. */
  private List<float[]> values(AttentionLayout layout, TokenBatch batch) {
    Output kind = anyOutput();
    try (BackendOutput output = run(layout, batch, Set.of(kind))) {
      FloatBuffer all = output.get(kind);
      int width = columns(kind);
      List<float[]> values = new ArrayList<>();
      for (int i = 0; i < batch.size(); i++) {
        boolean isRow = rows(kind, batch) == batch.size();
        int first = isRow ? i : batch.offset(i);
        float[] own = new float[width * (isRow ? 1 : batch.length(i))];
        all.get(first * width, own);
        values.add(own);
      }
      return values;
    }
  }

  /**
   * Compiles the model's checkpoint for a device.
   *
   * @throws io.luciole.LucioleException if the files do not fit, or the device cannot be used
   */
  static CompiledEncoder open(OrtRuntime runtime, ModelFiles files, BackendConfig device) {
    EncoderWeights weights = EncoderWeights.open(files);
    try {
      return new CompiledEncoder(runtime, files, device, weights);
    } catch (Throwable t) {
      weights.close();
      throw t;
    }
  }

  private Precision precision(BackendConfig config) {
    Device device = config.device();
    Precision chosen =
        config
            .precision()
            .orElse(
                device.isAccelerator()
                    ? Precision.FP16
                    : computesInBytes() ? Precision.INT8 : Precision.FP32);
    Set<Precision> possible =
        device.isAccelerator()
            ? EnumSet.of(Precision.FP32, Precision.FP16, Precision.FP8)
            : EnumSet.of(Precision.FP32, Precision.BF16, Precision.INT8);
    if (!possible.contains(chosen)) {
      throw new BackendException(
          "Expected a precision of "
              + (device.isAccelerator() ? "fp32, fp16 or fp8" : "fp32, bf16 or int8")
              + " on "
              + device
              + ", found "
              + chosen.id()
              + "."
              + switch (chosen) {
                case BF16 -> " The backend djl computes in bf16.";
                case FP8 -> " fp8 is for NVIDIA's GPUs of compute capability 9.0 or later.";
                default -> "";
              });
    }
    return chosen;
  }

  /**
   * Whether bytes are the usual arithmetic on CPUs: where the file has bytes itself, small enough
   * to be multiplied exactly everywhere, and is known for what would be lost otherwise.
   */
  private boolean computesInBytes() {
    return !outliers.isEmpty() && Int8Projection.isExact(weights.layer(0).query().weight());
  }

  private static Set<Output> outputs(ModelFiles files, Set<Output> wanted, EncoderWeights weights) {
    Set<Output> offered = EnumSet.of(Output.DENSE);
    if (weights.sparseHead().isPresent()) {
      offered.add(Output.SPARSE);
    }
    if (weights.colbertHead().isPresent()) {
      offered.add(Output.COLBERT);
    }
    if (!offered.containsAll(wanted)) {
      throw new BackendException(
          "The model "
              + files.name()
              + " gives "
              + offered
              + ", not "
              + wanted
              + ": expected sparse_linear.pt for SPARSE and colbert_linear.pt for COLBERT in "
              + files.folder()
              + ". A model that has both is BAAI/bge-m3.");
    }
    return wanted.isEmpty() ? offered : wanted;
  }

  /** The session of a layout, opened when first needed: each has the weights in its own way. */
  private OrtModel model(AttentionLayout layout) {
    return models.computeIfAbsent(
        layout,
        f -> {
          EncoderGraph graph =
              new EncoderGraph(
                  config, weights, outputs, pooling, f, precision, outliers, threads, device);
          String kernels =
              switch (f) {
                case FUSED -> CudaEncoder.library(device);
                case LAYERS -> OperatorLibrary.CPU.path();
                default -> null;
              };
          return runtime.compile(
              graph.build(), graph.initializers(), device.device(), threads, f, kernels);
        });
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
  public boolean leavesPooling() {
    return pooling == Pooling.NONE;
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
    return policy.usual() == AttentionLayout.PADDED;
  }

  @Override
  public int concurrentRuns() {
    return runs;
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
    return run(policy.choose(batch), batch, wanted);
  }

  private BackendOutput run(AttentionLayout layout, TokenBatch batch, Set<Output> wanted) {
    OrtModel model = model(layout);
    List<TensorBinding> in = new ArrayList<>();
    List<TensorBinding> out = new ArrayList<>();
    Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
    Map<Output, ShortBuffer> halves = new EnumMap<>(Output.class);
    try {
      EncoderInputs inputs = new EncoderInputs(batch, layout, config, pooling, pool, in);
      model.inputNames().forEach(inputs::add);
      List<Output> together =
          layout == AttentionLayout.FUSED ? EncoderGraph.together(outputs, pooling) : List.of();
      if (!Collections.disjoint(together, wanted)) {
        out.add(vectors(together, batch, wanted, values));
      }
      for (Output output : wanted) {
        if (!together.contains(output)) {
          boolean half = output == Output.COLBERT && EncoderGraph.isHalf(precision);
          TensorBinding binding =
              TensorBinding.from(
                  pool, output, half ? OnnxJavaType.FLOAT16 : OnnxJavaType.FLOAT, batch, this);
          out.add(binding);
          if (half) {
            halves.put(output, binding.buffer().asShortBuffer());
          } else {
            values.put(output, binding.buffer().asFloatBuffer());
          }
        }
      }
      model.run(in, out, batch);
      return OutputBuffers.of(values, halves, out, pool);
    } catch (Throwable t) {
      out.forEach(binding -> pool.give(binding.buffer()));
      throw t;
    } finally {
      in.forEach(binding -> pool.give(binding.buffer()));
    }
  }

  /** A binding for outputs that come together, and where in it those that are wanted will be. */
  private TensorBinding vectors(
      List<Output> together,
      TokenBatch batch,
      Set<Output> wanted,
      Map<Output, FloatBuffer> values) {
    int size = together.stream().mapToInt(output -> size(output, batch)).sum();
    TensorBinding binding =
        TensorBinding.from(pool, EncoderGraph.VECTORS, OnnxJavaType.FLOAT, size);
    FloatBuffer all = binding.buffer().asFloatBuffer();
    int from = 0;
    for (Output output : together) {
      int length = size(output, batch);
      if (wanted.contains(output)) {
        values.put(output, all.slice(from, length));
      }
      from += length;
    }
    return binding;
  }

  private int size(Output output, TokenBatch batch) {
    return rows(output, batch) * columns(output);
  }

  @Override
  public void close() {
    models.values().forEach(OrtModel::close);
    weights.close();
  }
}
