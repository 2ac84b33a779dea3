package io.luciole;

import io.luciole.spi.Device;
import java.time.Duration;

/**
 * Is told what an engine does, as it does it; for totals see {@link EmbeddingEngine#stats}.
 *
 * <p>Called on threads of the engine that are not a device's, by several at once. What a listener
 * throws is logged and otherwise ignored.
 */
public interface EngineListener {
  /** A device has run a batch, or failed to. */
  default void onBatch(Batch batch) {}

  /** A device was lost, is back, or had its token budget changed. */
  default void onHealth(EngineHealth health) {}

  /**
   * A run of a batch.
   *
   * @param device where
   * @param lane the lane of all its texts
   * @param texts how many
   * @param tokens of all texts
   * @param computedTokens the same with padding, where the backend pads
   * @param longestWait between submission and the device, of the text that waited longest
   * @param run how long the device took
   * @param outcome how it ended
   */
  record Batch(
      Device device,
      Lane lane,
      int texts,
      int tokens,
      long computedTokens,
      Duration longestWait,
      Duration run,
      Outcome outcome) {}

  /** How a run can end. */
  enum Outcome {
    /** With outputs for every text. */
    COMPUTED,
    /** Without the memory for it: it is run again in halves. */
    OUT_OF_MEMORY,
    /** With a failure: the texts at fault are sought. */
    FAILED
  }
}
