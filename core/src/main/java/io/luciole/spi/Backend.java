package io.luciole.spi;

import io.luciole.Output;
import java.util.Set;

/**
 * A model opened on a device.
 *
 * <p>The engine calls {@link #run} from at most {@link BackendInfo#concurrentRuns} threads at once
 * and {@link #close} once, after the last run has returned. Further closes must do nothing; a run
 * after close must throw {@link IllegalStateException}.
 */
public interface Backend extends AutoCloseable {
  /** What this backend is and can do; the same value at every call. */
  BackendInfo info();

  /**
   * Computes outputs for a batch, blocking until they are there.
   *
   * <p>The result for a text does not depend on the other texts of the batch, beyond rounding.
   *
   * @param batch the texts; valid during the call only
   * @param outputs what to compute, a non-empty part of {@link BackendInfo#outputs}
   * @return exactly those outputs; the caller closes it
   * @throws BackendOutOfMemoryException if the device has too little memory for this batch; a
   *     smaller one may still succeed
   * @throws BackendException if the run failed for another reason
   * @throws IllegalArgumentException if an output is not offered, a text is longer than {@link
   *     BackendInfo#maxTokens}, or a token id lies outside the vocabulary
   * @throws IllegalStateException after {@link #close}
   */
  BackendOutput run(TokenBatch batch, Set<Output> outputs);

  /** Gives memory and device back. Closing twice does nothing. */
  @Override
  void close();
}
