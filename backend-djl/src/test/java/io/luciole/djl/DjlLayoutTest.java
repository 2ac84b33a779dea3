package io.luciole.djl;

import io.luciole.spi.BackendProvider;
import io.luciole.testkit.LayoutContractTest;

/** The layouts of models' folders, on PyTorch. */
class DjlLayoutTest extends LayoutContractTest {
  @Override
  protected BackendProvider provider() {
    return new DjlBackendProvider();
  }
}
