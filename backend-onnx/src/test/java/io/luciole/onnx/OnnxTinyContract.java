package io.luciole.onnx;

import io.luciole.Output;
import io.luciole.model.ModelSource;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Precision;
import io.luciole.testkit.BackendContractTest;
import io.luciole.testkit.ReferenceText;
import io.luciole.testkit.TinyEncoder;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * The contract of the backend onnx over a {@link TinyEncoder}, whose vectors {@link
 * OnnxTinyEncodersTest} compares.
 */
abstract class OnnxTinyContract extends BackendContractTest {
  private final String family;

  OnnxTinyContract(String family) {
    this.family = family;
  }

  @Override
  protected BackendProvider provider() {
    return new OnnxBackendProvider();
  }

  @Override
  protected ModelSource model() {
    return new TinyEncoder(family).source();
  }

  @Override
  protected List<ReferenceText> reference() {
    return List.of(); // OnnxTinyEncodersTest compares the vectors.
  }

  @Override
  protected Set<Output> outputs() {
    return EnumSet.of(Output.DENSE);
  }

  @Override
  protected Set<Precision> precisions() {
    return EnumSet.of(Precision.FP32, Precision.INT8);
  }
}
