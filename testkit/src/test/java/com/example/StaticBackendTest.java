package com.example;

import io.luciole.Output;
import io.luciole.spi.BackendProvider;
import io.luciole.testkit.BackendContractTest;
import io.luciole.testkit.ReferenceText;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

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
