package io.luciole.djl;

import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.Device;
import io.luciole.testkit.MiniM3;
import java.util.Optional;

/** The backend djl passes the contract, on the reference fixture. */
class DjlContractTest extends DjlContract {
  @Override
  protected Optional<Backend> openStarved() {
    ModelFiles model = MiniM3.source().resolve();
    return Optional.of(
        DjlBackendProvider.open(model, BackendConfig.on(Device.CPU), FreeMemory.of(1 << 20)));
  }
}
