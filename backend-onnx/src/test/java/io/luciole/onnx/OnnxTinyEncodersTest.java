package io.luciole.onnx;

import io.luciole.spi.BackendProvider;
import io.luciole.testkit.TinyEncodersTest;

/** All architectures that run from their checkpoint, compared with Transformers. */
class OnnxTinyEncodersTest extends TinyEncodersTest {
  @Override
  protected BackendProvider provider() {
    return new OnnxBackendProvider();
  }
}
