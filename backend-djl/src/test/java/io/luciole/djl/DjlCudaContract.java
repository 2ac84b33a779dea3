package io.luciole.djl;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import java.util.Optional;
import org.junit.jupiter.api.Tag;

/** The contract of the backend djl on a GPU, on the reference fixture; skipped without one. */
@Tag("gpu")
abstract class DjlCudaContract extends DjlContract {
  static final Device GPU = new Device("cuda", 0);

  private final Precision precision;

  DjlCudaContract(Precision precision) {
    assumeTrue(new DjlBackendProvider().probe().devices().contains(GPU), "PyTorch finds no GPU");
    this.precision = precision;
  }

  @Override
  protected Device device() {
    return GPU;
  }

  @Override
  protected Optional<Precision> precision() {
    return Optional.of(precision);
  }
}
