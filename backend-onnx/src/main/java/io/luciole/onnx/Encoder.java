package io.luciole.onnx;

import io.luciole.Output;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.Set;

/**
 * A model in an ONNX Runtime session. {@link OnnxBackend} has checked every batch before it comes
 * here, calls from one thread at a time and closes once.
 */
interface Encoder extends AutoCloseable {
  /** What it gives. */
  Set<Output> outputs();

  /** Components of a dense vector. */
  int dimension();

  /** Components of a token vector, or 0 if there are none. */
  int colbertDimension();

  /** Token ids are below this. */
  int vocabulary();

  /** The arithmetic, in the words of {@link io.luciole.spi.BackendInfo#precision}. */
  String precision();

  /** Whether texts of unequal length cost padding. */
  boolean pads();

  /**
   * Computes outputs, blocking.
   *
   * @throws io.luciole.spi.BackendException if ONNX Runtime fails
   */
  BackendOutput run(TokenBatch batch, Set<Output> outputs);

  @Override
  void close();
}
