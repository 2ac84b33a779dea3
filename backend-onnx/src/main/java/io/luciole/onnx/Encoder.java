package io.luciole.onnx;

import io.luciole.Output;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.Set;

/**
 * A model in an ONNX Runtime session. {@link OnnxBackend} has checked every batch before it comes
 * here, calls from at most {@link #concurrentRuns} threads at once and closes once.
 */
interface Encoder extends AutoCloseable {
  /** What it gives. */
  Set<Output> outputs();

  /** Components of a dense vector. */
  int dimension();

  /** Components of a token vector, or 0 if there are none. */
  int colbertDimension();

  /** Whether the dense values are the states of all tokens, which the engine pools. */
  boolean leavesPooling();

  /** Rows of an output of a batch. */
  default int rows(Output output, TokenBatch batch) {
    return output == Output.DENSE && !leavesPooling() ? batch.size() : batch.tokens();
  }

  /** Columns of an output. */
  default int columns(Output output) {
    return switch (output) {
      case DENSE -> dimension();
      case SPARSE -> 1;
      case COLBERT -> colbertDimension();
    };
  }

  /** Token ids are below this. */
  int vocabulary();

  /** The arithmetic, in the words of {@link io.luciole.spi.BackendInfo#precision}. */
  String precision();

  /** Whether texts of unequal length cost padding. */
  boolean pads();

  /** How many threads may run it at once. */
  default int concurrentRuns() {
    return 1;
  }

  /**
   * Computes outputs, blocking.
   *
   * @throws io.luciole.spi.BackendException if ONNX Runtime fails
   */
  BackendOutput run(TokenBatch batch, Set<Output> outputs);

  @Override
  void close();
}
