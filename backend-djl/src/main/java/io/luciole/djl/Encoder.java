package io.luciole.djl;

import io.luciole.Output;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.Set;

/**
 * A model that PyTorch runs. {@link DjlBackend} checks every batch before it calls this, calls from
 * one thread at a time, and closes once.
 */
interface Encoder extends AutoCloseable {
  /** The outputs that {@link #run} can compute. */
  Set<Output> outputs();

  /** Components of a dense vector. */
  int dimension();

  /** Components of a token vector, or 0 if there are none. */
  int colbertDimension();

  /** The number of token ids; ids must be less than this. */
  int vocabulary();

  /** As {@link io.luciole.spi.BackendInfo#precision}. */
  String precision();

  /** As {@link io.luciole.spi.BackendInfo#pads}. */
  boolean pads();

  /** Native tensors that exist now. */
  int tensors();

  /** As {@link io.luciole.spi.Backend#run}. */
  BackendOutput run(TokenBatch batch, Set<Output> wanted);

  @Override
  void close();
}
