package io.luciole.onnx;

import io.luciole.spi.BackendProvider;
import io.luciole.testkit.LayoutContractTest;

/** The layouts of models' folders, on ONNX Runtime. */
class OnnxLayoutTest extends LayoutContractTest {
  @Override
  protected BackendProvider provider() {
    return new OnnxBackendProvider();
  }
}
