package io.luciole;

import java.time.Duration;
import java.util.Map;

/**
 * What an engine has done since it was opened, and what waits. The parts of a snapshot are read one
 * after another, so they may differ by what happened in between.
 *
 * @param submitted the texts that the engine accepted
 * @param embedded the texts whose embedding was delivered, computed or from the cache
 * @param failures the texts that ended without an embedding, by kind; has an entry for every kind
 * @param truncated the texts whose end was cut off because they exceeded the model's limit
 * @param chunked the texts that were embedded in chunks because they exceeded the model's limit;
 *     each chunk counts as a text in {@code interactive}, {@code bulk} and {@code batchTexts}
 * @param interactive what waits in the interactive lane, tokenised or not
 * @param bulk what waits in the bulk lane, tokenised or not
 * @param batches the batches that the devices computed
 * @param batchTexts the texts in those batches
 * @param batchTokens the tokens in those batches, without padding
 * @param computedTokens the tokens in those batches, padding included
 * @param failedRuns the runs that failed; their texts may have been computed later
 * @param waited the sum of the times between a text's submission and its device
 * @param busy the sum over the devices of the time with at least one run in progress
 * @param available the sum over the devices of the time in which they worked and were not lost
 * @param cacheHits the texts that the cache answered
 * @param cacheMisses the texts that the cache did not know; 0 without a cache
 */
public record EngineStats(
    long submitted,
    long embedded,
    Map<Failure, Long> failures,
    long truncated,
    long chunked,
    Waiting interactive,
    Waiting bulk,
    long batches,
    long batchTexts,
    long batchTokens,
    long computedTokens,
    long failedRuns,
    Duration waited,
    Duration busy,
    Duration available,
    long cacheHits,
    long cacheMisses) {
  /** Why a text ended without an embedding. */
  public enum Failure {
    /** It alone does not fit the device's memory. */
    OUT_OF_MEMORY,
    /** The backend failed on it alone. */
    BACKEND,
    /** Its device was lost. */
    DEVICE_LOST,
    /** It exceeded the model's limit under {@link Truncation#ERROR}. */
    TOO_LONG,
    /** The model computed NaN or infinity. */
    NOT_FINITE,
    /** Its deadline passed before it reached a device. */
    EXPIRED,
    /** Its caller cancelled it. */
    CANCELLED,
    /** The engine was closed. */
    CLOSED,
    /** Anything else: it could not be tokenised, or its caller completed the future. */
    OTHER
  }

  /**
   * What waits in a lane.
   *
   * @param texts the number of texts
   * @param tokens the number of their tokens; an estimate for texts that are not tokenised yet
   */
  public record Waiting(long texts, long tokens) {}

  /** Copies the map. */
  public EngineStats {
    failures = Map.copyOf(failures);
  }

  /** {@return the number of texts that ended without an embedding} */
  public long failed() {
    return failures.values().stream().mapToLong(Long::longValue).sum();
  }

  /**
   * {@return the average number of tokens in a batch, without padding; 0 before the first batch}
   */
  public double tokensPerBatch() {
    return batches == 0 ? 0 : (double) batchTokens / batches;
  }

  /** {@return the share of the computed tokens that were padding, 0 to 1} */
  public double paddingShare() {
    return computedTokens == 0 ? 0 : 1 - (double) batchTokens / computedTokens;
  }

  /** {@return the share of their available time in which the devices were busy, 0 to 1} */
  public double busyShare() {
    return available.isZero() ? 0 : (double) busy.toNanos() / available.toNanos();
  }

  /** {@return the average time between a text's submission and its device} */
  public Duration meanWait() {
    return batchTexts == 0 ? Duration.ZERO : waited.dividedBy(batchTexts);
  }
}
