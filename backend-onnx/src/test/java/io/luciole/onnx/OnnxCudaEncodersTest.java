package io.luciole.onnx;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.testkit.TinyEncodersTest;
import org.junit.jupiter.api.Tag;

/**
 * All architectures on a GPU in fp16, compared with Transformers in fp32; skipped without a GPU.
 */
@Tag("gpu")
class OnnxCudaEncodersTest extends TinyEncodersTest {
  OnnxCudaEncodersTest() {
    assumeTrue(OnnxCudaContract.hasGpu(), "ONNX Runtime finds no GPU");
  }

  @Override
  protected BackendProvider provider() {
    return new OnnxBackendProvider();
  }

  @Override
  protected Device device() {
    return OnnxCudaContract.GPU;
  }

  @Override
  protected Precision precision() {
    return Precision.FP16;
  }

  /** Some roundings to 11 bits, of components of up to 3. */
  @Override
  protected float tolerance() {
    return 2e-2f;
  }
}
