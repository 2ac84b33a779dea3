package io.luciole.djl;

import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.testkit.BackendContractTest;
import io.luciole.testkit.MiniM3;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

/** The backend djl passes the contract, on the reference fixture. */
class DjlContractTest extends BackendContractTest {
  @Override
  protected BackendProvider provider() {
    return new DjlBackendProvider();
  }

  @Override
  protected Set<Precision> precisions() {
    return EnumSet.of(Precision.FP32, Precision.FP16, Precision.BF16);
  }

  @Override
  protected Optional<Backend> openStarved() {
    ModelFiles model = MiniM3.source().resolve();
    return Optional.of(
        DjlBackendProvider.open(model, BackendConfig.on(Device.CPU), FreeMemory.of(1 << 20)));
  }

  @Override
  protected OptionalLong held(Backend backend) {
    return OptionalLong.of(((DjlBackend) backend).tensors());
  }
}
