package io.luciole.onnx;

import io.luciole.Output;
import io.luciole.spi.BackendOutput;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Hands filled slots to the engine, and takes their buffers back. */
final class OutputBuffers {
  private OutputBuffers() {}

  static BackendOutput of(Map<Output, Slot> slots, BufferPool pool) {
    List<Slot> all = List.copyOf(slots.values());
    return new BackendOutput(
        floats(slots.get(Output.DENSE)),
        floats(slots.get(Output.SPARSE)),
        floats(slots.get(Output.COLBERT)),
        () -> all.forEach(slot -> pool.give(slot.buffer())));
  }

  private static @Nullable FloatBuffer floats(@Nullable Slot slot) {
    return slot == null ? null : slot.buffer().asFloatBuffer();
  }
}
