package io.luciole.onnx;

import io.luciole.spi.Precision;
import io.luciole.testkit.ReferenceText;
import java.util.List;

/** In fp16; {@link OnnxCudaEncodersTest} compares the vectors. */
class OnnxCudaHalfContractTest extends OnnxCudaContract {
  OnnxCudaHalfContractTest() {
    super(Precision.FP16);
  }

  @Override
  protected List<ReferenceText> reference() {
    return List.of();
  }

  /** Some roundings to 11 bits. */
  @Override
  protected float tolerance() {
    return 1e-2f;
  }
}
