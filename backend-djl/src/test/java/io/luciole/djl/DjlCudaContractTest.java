package io.luciole.djl;

import io.luciole.spi.Precision;

/** In fp32, in which the reference is. */
class DjlCudaContractTest extends DjlCudaContract {
  DjlCudaContractTest() {
    super(Precision.FP32);
  }
}
