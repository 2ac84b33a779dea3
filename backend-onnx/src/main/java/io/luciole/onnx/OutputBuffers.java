package io.luciole.onnx;

import io.luciole.Output;
import io.luciole.spi.BackendOutput;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Hands filled bindings to the engine, and takes their buffers back. */
final class OutputBuffers {
  private OutputBuffers() {}

  static BackendOutput of(Map<Output, TensorBinding> bindings, BufferPool pool) {
    Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
    bindings.forEach((output, binding) -> values.put(output, binding.buffer().asFloatBuffer()));
    return of(values, List.copyOf(bindings.values()), pool);
  }

  /**
   * As for bindings that have an output each.
   *
   * @param values in the bindings' buffers
   */
  static BackendOutput of(
      Map<Output, FloatBuffer> values, List<TensorBinding> bindings, BufferPool pool) {
    return of(values, Map.of(), bindings, pool);
  }

  /**
   * As above, with outputs in fp16 besides.
   *
   * @param halves in the bindings' buffers
   */
  static BackendOutput of(
      Map<Output, FloatBuffer> values,
      Map<Output, ShortBuffer> halves,
      List<TensorBinding> bindings,
      BufferPool pool) {
    return new BackendOutput(
        values, halves, () -> bindings.forEach(binding -> pool.give(binding.buffer())));
  }
}
