package io.luciole.testkit;

import io.luciole.Output;
import io.luciole.spi.BackendProvider;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/** The test of docs/write-a-backend.md. */
class StaticBackendTest extends BackendContractTest {
  @Override
  protected BackendProvider provider() {
    return new StaticBackend.Provider();
  }

  @Override
  protected Set<Output> outputs() {
    return EnumSet.of(Output.DENSE);
  }

  @Override
  protected List<ReferenceText> reference() {
    return List.of(); // No other program computes this.
  }
}
