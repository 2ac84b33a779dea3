package io.luciole.djl;

import io.luciole.spi.Backend;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Precision;
import io.luciole.testkit.BackendContractTest;
import java.util.EnumSet;
import java.util.OptionalLong;
import java.util.Set;

/** The contract of the backend djl, for any model and device. */
abstract class DjlContract extends BackendContractTest {
  @Override
  protected BackendProvider provider() {
    return new DjlBackendProvider();
  }

  @Override
  protected Set<Precision> precisions() {
    return EnumSet.of(Precision.FP32, Precision.FP16, Precision.BF16);
  }

  @Override
  protected OptionalLong held(Backend backend) {
    return OptionalLong.of(((DjlBackend) backend).tensors());
  }
}
