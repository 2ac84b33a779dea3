package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class OrtErrorsTest {
  /** As they come through ONNX Runtime; the engine answers by smaller batches. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "Non-zero status code returned while running Layers node: luciole::Layers: out of memory for"
            + " a batch",
        "Failed to allocate memory for requested buffer of size 4096",
        "std::bad_alloc"
      })
  void lackOfMemory_isTold(String message) {
    assertThat(OrtErrors.isOutOfMemory(message)).isTrue();
  }
}
