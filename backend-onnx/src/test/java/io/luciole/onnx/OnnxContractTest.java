package io.luciole.onnx;

import io.luciole.spi.BackendProvider;
import io.luciole.spi.Precision;
import io.luciole.testkit.BackendContractTest;
import java.util.EnumSet;
import java.util.Set;

/** The backend onnx passes the contract, on the reference fixture. */
class OnnxContractTest extends BackendContractTest {
  @Override
  protected BackendProvider provider() {
    return new OnnxBackendProvider();
  }

  @Override
  protected Set<Precision> precisions() {
    Set<Precision> precisions = EnumSet.of(Precision.FP32, Precision.INT8);
    if (TestModels.hasCpuKernels()) {
      precisions.add(Precision.BF16);
    }
    return precisions;
  }
}
