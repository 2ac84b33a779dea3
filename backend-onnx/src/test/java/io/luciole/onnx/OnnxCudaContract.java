package io.luciole.onnx;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.testkit.BackendContractTest;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Tag;

/** The contract of the backend onnx on a GPU, on the reference fixture; skipped without one. */
@Tag("gpu")
abstract class OnnxCudaContract extends BackendContractTest {
  static final Device GPU = new Device("cuda", 0);

  private final Precision precision;

  OnnxCudaContract(Precision precision) {
    assumeTrue(hasGpu(), "ONNX Runtime finds no GPU");
    this.precision = precision;
  }

  static boolean hasGpu() {
    return new OnnxBackendProvider().probe().devices().contains(GPU);
  }

  @Override
  protected BackendProvider provider() {
    return new OnnxBackendProvider();
  }

  @Override
  protected Device device() {
    return GPU;
  }

  @Override
  protected Optional<Precision> precision() {
    return Optional.of(precision);
  }

  /** fp8 is for encoders that the operator takes, which the fixture is not. */
  @Override
  protected Set<Precision> precisions() {
    return EnumSet.of(Precision.FP32, Precision.FP16);
  }
}
