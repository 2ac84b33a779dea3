package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import java.nio.FloatBuffer;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * What a backend computed for a {@link TokenBatch} of B texts and T tokens, in fp32.
 *
 * <pre>
 * dense         [B, D]   pooled by the model's description, row i for text i
 * tokenWeights  [T]      relu(W·h + b), element t for token t
 * tokenVectors  [T, D']  ColBERT projection, row t for token t
 * </pre>
 *
 * <p>Each is there exactly if it was asked for. Rows line up with the batch's flat token ids,
 * whatever padding or sorting the backend did inside. Vectors need not be normalised, special
 * tokens are not removed and weights are not merged: {@code EmbeddingDecoder} does that, in one
 * place. The row of a text's first token in {@code tokenVectors} is never read and may hold
 * anything.
 *
 * <p>Buffers are read from absolute indices 0 on, may be heap or direct, and belong to the backend:
 * they are valid until {@link #close}, which the engine calls once, from any thread. Closing twice
 * does nothing.
 */
public final class BackendOutput implements AutoCloseable {
  private final @Nullable FloatBuffer dense;
  private final @Nullable FloatBuffer tokenWeights;
  private final @Nullable FloatBuffer tokenVectors;
  private final Runnable release;
  private final AtomicBoolean closed = new AtomicBoolean();

  /**
   * Creates an output.
   *
   * @param dense {@code [B, D]}, or null if not asked for
   * @param tokenWeights {@code [T]}, or null if not asked for
   * @param tokenVectors {@code [T, D']}, or null if not asked for
   * @param release gives the buffers' memory back; run once, at {@link #close}
   */
  public BackendOutput(
      @Nullable FloatBuffer dense,
      @Nullable FloatBuffer tokenWeights,
      @Nullable FloatBuffer tokenVectors,
      Runnable release) {
    this.dense = dense;
    this.tokenWeights = tokenWeights;
    this.tokenVectors = tokenVectors;
    this.release = requireNonNull(release, "release");
  }

  /**
   * The values of one output.
   *
   * @throws IllegalStateException if it was not asked for, or after {@link #close}
   */
  public FloatBuffer get(Output output) {
    if (closed.get()) {
      throw new IllegalStateException("this output is closed; its buffers belong to the backend");
    }
    FloatBuffer values =
        switch (output) {
          case DENSE -> dense;
          case SPARSE -> tokenWeights;
          case COLBERT -> tokenVectors;
        };
    if (values == null) {
      throw new IllegalStateException("this output holds no " + output + " values");
    }
    return values;
  }

  /** Whether an output is there. */
  public boolean has(Output output) {
    return switch (output) {
      case DENSE -> dense != null;
      case SPARSE -> tokenWeights != null;
      case COLBERT -> tokenVectors != null;
    };
  }

  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      release.run();
    }
  }
}
