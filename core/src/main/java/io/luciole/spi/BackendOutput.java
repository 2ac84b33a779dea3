package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The values that a backend computed for a {@link TokenBatch} of B texts and T tokens, in fp32 or,
 * if the backend computed in fp16, as it left them.
 *
 * <table>
 * <caption>Shapes, for dense vectors of D components and token vectors of D' components</caption>
 * <tr><td>{@link Output#DENSE}</td><td>{@code [B, D]}</td>
 *   <td>row i is text i, pooled as {@link io.luciole.model.ModelDescription#requirePooling} says;
 *   where that is {@link io.luciole.model.Pooling#NONE}, {@code [T, D]}, row t is token t's
 *   state</td></tr>
 * <tr><td>{@link Output#SPARSE}</td><td>{@code [T]}</td>
 *   <td>element t is token t, {@code relu(W·h + b)}</td></tr>
 * <tr><td>{@link Output#COLBERT}</td><td>{@code [T, D']}</td>
 *   <td>row t is token t, the ColBERT projection</td></tr>
 * </table>
 *
 * <p>An output has values exactly if it was asked for. Rows are in the order of the batch's flat
 * token ids, whatever padding or sorting the backend did inside. Vectors need not be normalised,
 * special tokens stay, and weights are not merged: the engine does all that, in one place. The row
 * of a text's first token in {@link Output#COLBERT} is never read and may hold anything.
 *
 * <p>Buffers are read at absolute indices from 0, by several threads at once. They may be heap or
 * direct buffers, belong to the backend, and are valid until {@link #close}, which the engine calls
 * once, from any thread. Closing twice does nothing.
 */
public final class BackendOutput implements AutoCloseable {
  private final Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
  private final Map<Output, ShortBuffer> halves = new EnumMap<>(Output.class);
  private final Runnable release;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * Creates an output.
   *
   * @param values the buffer of each output that was asked for, in the shapes above; the map is
   *     copied, the buffers are not
   * @param release frees the buffers' memory; run once, by {@link #close}
   */
  public BackendOutput(Map<Output, FloatBuffer> values, Runnable release) {
    this(values, Map.of(), release);
  }

  /**
   * Creates an output of which some values are in fp16, so that half as many bytes are copied and
   * kept.
   *
   * @param values the buffer of each output in fp32, in the shapes above; the map is copied, the
   *     buffers are not
   * @param halves likewise of each output in fp16, a value being the bits of IEEE 754's binary16
   *     ({@link Float#float16ToFloat}); no output may be in both maps
   * @param release frees the buffers' memory; run once, by {@link #close}
   * @throws IllegalArgumentException if an output is in both maps
   */
  public BackendOutput(
      Map<Output, FloatBuffer> values, Map<Output, ShortBuffer> halves, Runnable release) {
    this.values.putAll(values);
    this.halves.putAll(halves);
    this.release = requireNonNull(release, "release");
    for (Output output : halves.keySet()) {
      if (values.containsKey(output)) {
        throw new IllegalArgumentException(
            "expected " + output + " values in fp32 or in fp16, got both");
      }
    }
  }

  /**
   * Returns the values of one output in fp32.
   *
   * @param output one that was asked for
   * @return the buffer, not a copy; a converted copy if the values are in fp16
   * @throws IllegalStateException if the output was not asked for, or after {@link #close}
   */
  public FloatBuffer get(Output output) {
    requireHas(output);
    FloatBuffer found = values.get(output);
    return found != null ? found : toFloats(requireNonNull(halves.get(output)));
  }

  /**
   * Returns the values of one output as the backend left them in fp16.
   *
   * @param output one that was asked for
   * @return the buffer, not a copy; empty if the values are in fp32
   * @throws IllegalStateException if the output was not asked for, or after {@link #close}
   */
  public Optional<ShortBuffer> halves(Output output) {
    requireHas(output);
    return Optional.ofNullable(halves.get(output));
  }

  /**
   * Returns the number of values of one output.
   *
   * @param output one that was asked for
   * @return the limit of its buffer
   * @throws IllegalStateException if the output was not asked for, or after {@link #close}
   */
  public int size(Output output) {
    requireHas(output);
    FloatBuffer found = values.get(output);
    return found != null ? found.limit() : requireNonNull(halves.get(output)).limit();
  }

  private void requireHas(Output output) {
    if (closed.get()) {
      throw new IllegalStateException("this output is closed; its buffers belong to the backend");
    }
    if (!has(output)) {
      throw new IllegalStateException("this output holds no " + output + " values");
    }
  }

  private static FloatBuffer toFloats(ShortBuffer from) {
    float[] floats = new float[from.limit()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = Float.float16ToFloat(from.get(i));
    }
    return FloatBuffer.wrap(floats);
  }

  /**
   * Tells whether an output has values.
   *
   * @param output any output
   * @return true if it was asked for
   */
  public boolean has(Output output) {
    return values.containsKey(output) || halves.containsKey(output);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release.run();
    }
  }
}
