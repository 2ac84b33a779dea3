package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

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
    OrtRuntime runtime = OrtRuntime.load();
    Encoder encoder =
        model.weights() != null
            ? CompiledEncoder.open(runtime, model, config)
            : ExportedEncoder.open(runtime, model, config);
    return new OnnxBackend(
        encoder, runtime.version(), config.device(), model.description().maxTokens());
  }
}
