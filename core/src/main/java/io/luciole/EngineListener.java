package io.luciole;

import io.luciole.spi.Device;
import java.time.Duration;
import java.util.Optional;

/**
 * Receives events of an engine; for totals see {@link EmbeddingEngine#stats}.
 *
 * <p>Called from several threads of the engine at once, but never from a device's thread. What a
 * listener throws is logged and otherwise ignored.
 */
public interface EngineListener {
  /**
   * Called after each run of a batch, successful or not.
   *
   * @param batch the run
   */
  default void onBatch(Batch batch) {}

  /**
   * Called after each text that was tokenised, by the thread that did: return at once. Texts that
   * are given as tokens, and those that a cache has, are not.
   *
   * @param lane the text's lane
   * @param took how long tokenising it took
   */
  default void onTokenized(Lane lane, Duration took) {}

  /**
   * Called after each text that ends, however it ends, before its future completes: return at once.
   * A text that is cancelled is told of by the thread that cancels it. Do not close the engine
   * here: {@code close} waits for this text, its whole limit and some seconds more.
   *
   * @param text how it ended
   */
  default void onText(Text text) {}

  /**
   * Called when a device was lost, works again, or has another token budget.
   *
   * @param health the health of the engine after the change
   */
  default void onHealth(EngineHealth health) {}

  /**
   * The end of a text.
   *
   * @param lane the text's lane
   * @param latency the time since its submission
   * @param failure why it has no embedding; empty if it has one
   */
  record Text(Lane lane, Duration latency, Optional<EngineStats.Failure> failure) {}

  /**
   * A run of a batch.
   *
   * @param device the device that ran it
   * @param lane the lane of all its texts
   * @param texts the number of texts
   * @param tokens the number of their tokens, without padding
   * @param computedTokens the number of tokens that the device computed, padding included
   * @param longestWait the longest time between the submission of one of its texts and the run
   * @param run the time that the run took
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

  /** How a run ended. */
  enum Outcome {
    /** It gave outputs for every text. */
    COMPUTED,
    /** The device ran out of memory; the batch is run again in halves. */
    OUT_OF_MEMORY,
    /** It failed; the engine looks for the texts at fault. */
    FAILED
  }
}
