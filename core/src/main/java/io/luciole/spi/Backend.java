package io.luciole.spi;

import io.luciole.Output;
import java.util.Set;

/**
 * A model that is open on a device.
 *
 * <p>The engine calls {@link #run} from at most {@link BackendInfo#concurrentRuns} threads at once,
 * and {@link #close} once, after the last run has returned. A second close must do nothing; a run
 * after close must throw {@link IllegalStateException}.
 */
public interface Backend extends AutoCloseable {
  /**
   * Tells what this backend is and can do.
   *
   * @return the same value at every call
   */
  BackendInfo info();

  /**
   * The size of the model's vocabulary, so that the engine finds a tokenizer that is another
   * model's: when it opens, or, if only some texts have other ids, with each of these texts alone.
   *
   * @return one more than the greatest token id that {@link #run} takes; {@link Integer#MAX_VALUE}
   *     if that is not known
   */
  default int vocabulary() {
    return Integer.MAX_VALUE;
  }

  /**
   * Computes outputs for a batch; blocks meanwhile.
   *
   * <p>The result for a text does not depend on the other texts of the batch, except by rounding.
   *
   * @param batch the texts; valid during the call only
   * @param outputs the outputs to compute, a non-empty subset of {@link BackendInfo#outputs}
   * @return exactly those outputs; the caller closes it
   * @throws BackendOutOfMemoryException if the device has too little memory for this batch; a
   *     smaller batch may still succeed
   * @throws BackendException if the run failed for another reason
   * @throws IllegalArgumentException if an output is not offered, a text is longer than {@link
   *     BackendInfo#maxTokens}, or a token id lies outside the vocabulary
   * @throws IllegalStateException after {@link #close}
   */
  BackendOutput run(TokenBatch batch, Set<Output> outputs);

  /** Frees the memory and the device. Closing twice does nothing. */
  @Override
  void close();
}
