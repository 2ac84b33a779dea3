package io.luciole.onnx;

import io.luciole.spi.Precision;

/** In fp32, in which the reference is. */
class OnnxCudaContractTest extends OnnxCudaContract {
  OnnxCudaContractTest() {
    super(Precision.FP32);
  }
}
