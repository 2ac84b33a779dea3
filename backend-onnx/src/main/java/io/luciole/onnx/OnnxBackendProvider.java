package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.luciole.Key;
import io.luciole.Output;
import io.luciole.internal.Cosine;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.checkpoint.CheckpointException;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Opens encoders on ONNX Runtime, on CPUs and CUDA devices. Chosen by the name {@code onnx}. */
public final class OnnxBackendProvider implements BackendProvider {
  static final String NAME = "onnx";

  private static final Logger log = LoggerFactory.getLogger(OnnxBackendProvider.class);
  private static final String REMEDY =
      "The model's checkpoint (model.safetensors with config.json) has no such dependence.";

  /** Called by {@link java.util.ServiceLoader}; loads nothing. */
  public OnnxBackendProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public List<Key<?>> options() {
    return OnnxOptions.ALL;
  }

  /** The others say how the same arithmetic is done. */
  @Override
  public List<Key<?>> optionsOfVectors() {
    return List.of(OnnxOptions.CUDA_FP16_LAYERS);
  }

  @Override
  public Optional<Precision> fastest(ModelFiles model, Device device) {
    // int8 is faster than fp32 on every CPU that it was measured on. An export has the precision
    // that it was written with.
    return !device.isAccelerator() && model.weights() != null
        ? Optional.of(Precision.INT8)
        : Optional.empty();
  }

  @Override
  public Probe probe() {
    try {
      OrtRuntime runtime = OrtRuntime.load();
      List<String> problems = new ArrayList<>();
      List<Device> devices = runtime.devices(problems);
      return new Probe(runtime.version(), devices, problems);
    } catch (BackendException e) {
      return new Probe("ONNX Runtime", List.of(), List.of(String.valueOf(e.getMessage())));
    } catch (LinkageError e) {
      return new Probe(
          "ONNX Runtime",
          List.of(),
          List.of("ONNX Runtime's Java classes are missing: " + e + ". " + OrtRuntime.ADD_CPU));
    }
  }

  @Override
  public Backend open(ModelFiles model, BackendConfig config) {
    requireNonNull(model, "model");
    requireNonNull(config, "config");
    if (model.weights() == null && model.onnx() == null) {
      throw new ModelException(
          "Expected a checkpoint (model.safetensors or pytorch_model.bin) or an .onnx file in "
              + model.folder()
              + " for the backend onnx, found "
              + (model.torchscript() == null
                  ? model.ownWeights() + ", which another backend reads."
                  : "the TorchScript file "
                      + model.torchscript()
                      + ", which the backend djl runs."));
    }
    OrtRuntime runtime = OrtRuntime.load();
    EnvironmentHold hold = EnvironmentHold.of(runtime.environment());
    try {
      Encoder encoder =
          model.weights() != null
              ? CompiledEncoder.open(runtime, model, config)
              : exported(runtime, model, config);
      return new OnnxBackend(
          encoder, hold, runtime.version(), config.device(), model.description().maxTokens());
    } catch (Throwable t) {
      hold.close();
      throw t;
    }
  }

  /**
   * An exported encoder. One that depends on the batch is compiled from its weights, which are
   * dequantised or kept as bytes: then a text's vectors depend on nothing but the text. Where that
   * is not possible, or for one that depends on the processor, the log says so.
   */
  private static Encoder exported(OrtRuntime runtime, ModelFiles model, BackendConfig config) {
    Path file = requireNonNull(model.onnx());
    return switch (ExportDependence.of(file)) {
      case NONE -> ExportedEncoder.open(runtime, model, config, OptLevel.ALL_OPT);
      case PROCESSOR -> {
        log.warn(
            "{} multiplies bytes in a way that saturates on some processors: its vectors may depend"
                + " on the processor, so search an index on the kind that built it. {}",
            file,
            REMEDY);
        yield ExportedEncoder.open(runtime, model, config, OptLevel.ALL_OPT);
      }
      case BATCH -> {
        try {
          yield compiled(runtime, model, config);
        } catch (ModelException | CheckpointException e) {
          log.warn(
              "{} quantises activations as it runs, and its weights cannot be taken out of it ({})."
                  + " It is run text by text, and its vectors depend on the processor, so search an"
                  + " index on the kind that built it. {}",
              file,
              e.getMessage(),
              REMEDY);
          yield textByText(runtime, model, config);
        }
      }
    };
  }

  /**
   * The weights of an export, compiled as {@code config.json} says, and tried once beside the
   * export itself: heads, epsilon and activation stand in that file alone, and a wrong one shows in
   * the vectors only (cosines of 0.68 to 0.92 for bge-small, where the export's own errors stay
   * above 0.97). The starter's configuration is ours, so it needs no trial.
   */
  private static Encoder compiled(OrtRuntime runtime, ModelFiles model, BackendConfig config) {
    CompiledEncoder compiled = CompiledEncoder.open(runtime, model, config);
    if (model.name().equals(ModelSource.STARTER) || !compiled.outputs().contains(Output.DENSE)) {
      return compiled;
    }
    BackendConfig alone = BackendConfig.on(Device.CPU).threads(1).outputs(Set.of(Output.DENSE));
    try (Encoder exported = ExportedEncoder.open(runtime, model, alone, OptLevel.BASIC_OPT)) {
      int tokens = Math.min(12, model.description().maxTokens());
      double cosine = Cosine.of(trial(compiled, tokens), trial(exported, tokens));
      if (!(cosine > 0.95)) {
        throw new ModelException(
            "Expected config.json to describe the graph, found that the weights computed as it says"
                + " give another vector (cosine "
                + cosine
                + "): compare its heads, layer_norm_eps, hidden_act and model_type with the"
                + " model's page");
      }
      return compiled;
    } catch (Throwable t) {
      compiled.close();
      throw t;
    }
  }

  private static float[] trial(Encoder encoder, int tokens) {
    int[] ids =
        IntStream.range(0, tokens).map(i -> (i * 7919 + 5) % encoder.vocabulary()).toArray();
    try (BackendOutput output = encoder.run(TokenBatch.of(List.of(ids)), Set.of(Output.DENSE))) {
      float[] dense = new float[encoder.dimension()];
      output.get(Output.DENSE).get(0, dense);
      return dense;
    }
  }

  /**
   * One text a run. The graph is not rewritten beyond what keeps every rounding: fused operators
   * round otherwise, and from one version of ONNX Runtime to the next, which 8-bit activations
   * magnify (cosines of 0.994 between 1.28 and 1.30 where the plain graphs agree to seven digits).
   */
  private static Encoder textByText(OrtRuntime runtime, ModelFiles model, BackendConfig config) {
    return new TextByText(
        ExportedEncoder.open(runtime, model, config.threads(1), OptLevel.BASIC_OPT),
        OrtRuntime.threads(config));
  }
}
