package io.luciole.djl;

import io.luciole.spi.Precision;
import io.luciole.testkit.ReferenceText;
import java.util.List;

/** In fp16, in texts end to end; {@link DjlCudaEncodersTest} compares the vectors. */
class DjlCudaHalfContractTest extends DjlCudaContract {
  DjlCudaHalfContractTest() {
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
