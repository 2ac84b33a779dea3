package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import io.luciole.Key;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import java.util.ArrayList;
import java.util.List;

/** Opens encoders on ONNX Runtime, on CPUs and CUDA devices. Chosen by the name {@code onnx}. */
public final class OnnxBackendProvider implements BackendProvider {
  static final String NAME = "onnx";

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
              + " for the backend onnx, found the TorchScript file "
              + model.torchscript()
              + ", which the backend djl runs.");
    }
    OrtRuntime runtime = OrtRuntime.load();
    Encoder encoder =
        model.weights() != null
            ? CompiledEncoder.open(runtime, model, config)
            : exported(runtime, model, config);
    return new OnnxBackend(
        encoder, runtime.version(), config.device(), model.description().maxTokens());
  }

  /**
   * An exported encoder, run so that a text's vectors depend on nothing but the text: see {@link
   * BatchDependence}. Its graph is not rewritten either, beyond what keeps every rounding: fused
   * operators round otherwise, and from one version of ONNX Runtime to the next, which 8-bit
   * activations magnify (cosines of 0.994 between 1.28 and 1.30 where the plain graphs agree to
   * seven digits).
   */
  private static Encoder exported(OrtRuntime runtime, ModelFiles model, BackendConfig config) {
    if (config.device().isAccelerator() || !BatchDependence.of(requireNonNull(model.onnx()))) {
      return ExportedEncoder.open(runtime, model, config, OptLevel.ALL_OPT);
    }
    return new TextByText(
        ExportedEncoder.open(runtime, model, config.threads(1), OptLevel.BASIC_OPT),
        OrtRuntime.threads(config));
  }
}
