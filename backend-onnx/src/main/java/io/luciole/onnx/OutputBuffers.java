package io.luciole.onnx;

import io.luciole.Output;
import io.luciole.spi.BackendOutput;
import java.nio.FloatBuffer;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Hands filled slots to the engine, and takes their buffers back. */
final class OutputBuffers {
  private OutputBuffers() {}

  static BackendOutput of(Map<Output, Slot> slots, BufferPool pool) {
    Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
    slots.forEach((output, slot) -> values.put(output, slot.buffer().asFloatBuffer()));
    return of(values, List.copyOf(slots.values()), pool);
  }

  /**
   * As for slots that have an output each.
   *
   * @param values in the slots' buffers
   */
  static BackendOutput of(Map<Output, FloatBuffer> values, List<Slot> slots, BufferPool pool) {
    return new BackendOutput(values, () -> slots.forEach(slot -> pool.give(slot.buffer())));
  }
}
