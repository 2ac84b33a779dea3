package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import java.nio.FloatBuffer;
import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * The values that a backend computed for a {@link TokenBatch} of B texts and T tokens, in fp32.
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
 * <p>Buffers are read at absolute indices from 0. They may be heap or direct buffers, belong to the
 * backend, and are valid until {@link #close}, which the engine calls once, from any thread.
 * Closing twice does nothing.
 */
public final class BackendOutput implements AutoCloseable {
  private final Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
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
    this.values.putAll(values);
    this.release = requireNonNull(release, "release");
  }

  /**
   * Returns the values of one output.
   *
   * @param output one that was asked for
   * @return the buffer, not a copy
   * @throws IllegalStateException if the output was not asked for, or after {@link #close}
   */
  public FloatBuffer get(Output output) {
    if (closed.get()) {
      throw new IllegalStateException("this output is closed; its buffers belong to the backend");
    }
    FloatBuffer found = values.get(output);
    if (found == null) {
      throw new IllegalStateException("this output holds no " + output + " values");
    }
    return found;
  }

  /**
   * Tells whether an output has values.
   *
   * @param output any output
   * @return true if it was asked for
   */
  public boolean has(Output output) {
    return values.containsKey(output);
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release.run();
    }
  }
}
