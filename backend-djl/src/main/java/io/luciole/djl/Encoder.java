package io.luciole.djl;

import io.luciole.Output;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.Set;

/**
 * A model in PyTorch. {@link DjlBackend} has checked every batch before it comes here, calls from
 * one thread at a time and closes once.
 */
interface Encoder extends AutoCloseable {
  /** What it gives. */
  Set<Output> outputs();

  /** Components of a dense vector. */
  int dimension();

  /** Components of a token vector, or 0. */
  int colbertDimension();

  /** Token ids are below this. */
  int vocabulary();

  /** As {@link io.luciole.spi.BackendInfo#precision}. */
  String precision();

  /** As {@link io.luciole.spi.BackendInfo#pads}. */
  boolean pads();

  /** Native tensors that are held. */
  int tensors();

  /** As {@link io.luciole.spi.Backend#run}. */
  BackendOutput run(TokenBatch batch, Set<Output> wanted);

  @Override
  void close();
}
