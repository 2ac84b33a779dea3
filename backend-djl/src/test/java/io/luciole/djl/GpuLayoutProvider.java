package io.luciole.djl;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Precision;

/**
 * The backend djl on the CPU with texts in the layout that a GPU would get in fp16, so that what
 * surrounds the GPU's attention kernel is tested on any machine.
 */
final class GpuLayoutProvider implements BackendProvider {
  @Override
  public String name() {
    return DjlBackendProvider.NAME;
  }

  @Override
  public Probe probe() {
    return new DjlBackendProvider().probe();
  }

  @Override
  public Backend open(ModelFiles model, BackendConfig settings) {
    EncoderConfig config;
    try (EncoderWeights weights = EncoderWeights.open(model)) {
      config = weights.config();
    }
    TorchRuntime runtime = TorchRuntime.load();
    TorchEncoder encoder =
        TorchEncoder.open(
            runtime,
            model,
            settings,
            FreeMemory.ofThisProcess(),
            RowLayout.fastest(true, Precision.FP16, config));
    return new DjlBackend(
        encoder, runtime.version(), settings.device(), model.description().maxTokens());
  }
}
