package io.luciole.djl;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.spi.Backend;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.testkit.BackendContractTest;
import java.util.EnumSet;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Tag;

/** The contract of the backend djl on a GPU, on the reference fixture; skipped without one. */
@Tag("gpu")
abstract class DjlCudaContract extends BackendContractTest {
  static final Device GPU = new Device("cuda", 0);

  private final Precision precision;

  DjlCudaContract(Precision precision) {
    assumeTrue(new DjlBackendProvider().probe().devices().contains(GPU), "PyTorch finds no GPU");
    this.precision = precision;
  }

  @Override
  protected BackendProvider provider() {
    return new DjlBackendProvider();
  }

  @Override
  protected Device device() {
    return GPU;
  }

  @Override
  protected Optional<Precision> precision() {
    return Optional.of(precision);
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
