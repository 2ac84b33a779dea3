package io.luciole.djl;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.checkpoint.CheckpointException;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import java.util.ArrayList;
import java.util.List;

/**
 * The backend named {@code djl}: opens encoders on PyTorch, on CPUs and CUDA devices.
 *
 * <p>It reads checkpoints of BERT's relatives with all of BGE-M3's heads, and TorchScript files
 * that return token states, such as those of DJL's model zoo; and, dequantised, the weights of
 * 8-bit ONNX exports such as the starter model's. On the CPU, fp32 weights are used in place in the
 * mapped file. It downloads nothing and reports nothing. Safe for use by many threads.
 */
public final class DjlBackendProvider implements BackendProvider {
  static final String NAME = "djl";

  /** Called by {@link java.util.ServiceLoader}; loads nothing. */
  public DjlBackendProvider() {}

  @Override
  public String name() {
    return NAME;
  }

  /**
   * True if the libraries on the class path, or those that DJL is told to load, may be for CUDA.
   */
  @Override
  public boolean mayHaveAccelerator() {
    return TorchRuntime.mayBeForCuda();
  }

  @Override
  public Probe probe() {
    try {
      TorchRuntime runtime = TorchRuntime.load();
      List<String> problems = new ArrayList<>();
      List<Device> devices = runtime.devices(problems);
      return new Probe(runtime.version(), devices, problems);
    } catch (BackendException e) {
      return new Probe("PyTorch", List.of(), List.of(String.valueOf(e.getMessage())));
    } catch (LinkageError e) {
      return new Probe("PyTorch", List.of(), List.of(Natives.classesMissing(e)));
    }
  }

  @Override
  public Backend open(ModelFiles model, BackendConfig config) {
    requireNonNull(model, "model");
    requireNonNull(config, "config");
    return open(model, config, FreeMemory.ofThisProcess());
  }

  /** As {@link #open(ModelFiles, BackendConfig)}, with a given source of free memory. */
  static Backend open(ModelFiles model, BackendConfig config, FreeMemory memory) {
    TorchRuntime runtime;
    try {
      runtime = TorchRuntime.load();
    } catch (LinkageError e) {
      throw new BackendException(Natives.classesMissing(e), e);
    }
    Encoder encoder =
        model.torchscript() != null && model.weights() == null
            ? ScriptedEncoder.open(runtime, model, config, memory)
            : checkpoint(runtime, model, config, memory);
    return new DjlBackend(
        encoder, runtime.version(), config.device(), model.description().maxTokens());
  }

  private static Encoder checkpoint(
      TorchRuntime runtime, ModelFiles model, BackendConfig config, FreeMemory memory) {
    try {
      return TorchEncoder.open(runtime, model, config, memory);
    } catch (ModelException | CheckpointException e) {
      if (model.weights() != null) {
        throw e;
      }
      throw new ModelException(
          "Expected a checkpoint (model.safetensors or pytorch_model.bin) for the backend djl in "
              + model.folder()
              + ", or an 8-bit .onnx file whose weights can be taken over, found "
              + (model.onnx() == null ? model.ownWeights() : model.onnx())
              + ": "
              + e.getMessage(),
          e);
    }
  }
}
