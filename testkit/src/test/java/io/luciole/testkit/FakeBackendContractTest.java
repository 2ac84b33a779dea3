package io.luciole.testkit;

import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.io.TempDir;

/** The fake backend passes the contract too. */
class FakeBackendContractTest extends BackendContractTest {
  @TempDir private static Path folder;

  private final FakeBackend fake = new FakeBackend().concurrentRuns(3);

  @Override
  protected BackendProvider provider() {
    return fake;
  }

  @Override
  protected ModelSource model() {
    return FakeModel.write(folder, 1024);
  }

  @Override
  protected List<ReferenceText> reference() {
    return List.of(); // Its vectors are made up.
  }

  @Override
  protected Optional<Backend> openStarved() {
    return Optional.of(
        new FakeBackend().maxTokens(1024).faults(Fault.memory(4096)).open(Device.CPU));
  }

  @Override
  protected OptionalLong held(Backend backend) {
    return OptionalLong.of(fake.openOutputs());
  }
}
