package io.luciole;

import java.time.Duration;
import java.util.Map;

/**
 * What an engine has done since it was opened, and what it holds: a snapshot whose parts are read
 * one after another, so that they may differ by what happened in between.
 *
 * @param submitted texts taken
 * @param embedded texts whose embedding was delivered, from the cache or not
 * @param failures texts that ended otherwise, by kind; every kind is there
 * @param truncated texts whose end was cut off because they were longer than the model's limit
 * @param chunked texts that were embedded in chunks for that reason; a chunk counts as a text among
 *     what waits and in batches
 * @param interactive what waits in the interactive lane, tokenised or not
 * @param bulk what waits in the bulk lane, tokenised or not
 * @param batches batches that devices computed
 * @param batchTexts texts of those
 * @param batchTokens tokens of those, without padding
 * @param computedTokens tokens of those as computed, padding included
 * @param failedRuns runs of a batch that failed, whatever became of their texts
 * @param waited for how long texts waited between submission and their device, added up
 * @param busy for how long devices were computing, added up
 * @param available for how long devices were there to compute, added up: lost ones are not
 * @param cacheHits texts answered by the cache
 * @param cacheMisses texts looked up in it in vain; 0 without a cache
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
  /** How a text can end without an embedding. */
  public enum Failure {
    /** It alone does not fit the device's memory. */
    OUT_OF_MEMORY,
    /** The backend failed on it alone. */
    BACKEND,
    /** Its device was lost. */
    DEVICE_LOST,
    /** It was longer than the model's limit, and was not to be cut. */
    TOO_LONG,
    /** The model gave NaN or infinity. */
    NOT_FINITE,
    /** Its deadline passed before it reached a device. */
    EXPIRED,
    /** Its caller cancelled it. */
    CANCELLED,
    /** The engine was closed. */
    CLOSED,
    /** Anything else: it could not be tokenised, its caller completed it. */
    OTHER
  }

  /**
   * What waits in a lane.
   *
   * @param texts texts
   * @param tokens tokens: an estimate for texts that are not tokenised yet
   */
  public record Waiting(long texts, long tokens) {}

  /** Copies the map. */
  public EngineStats {
    failures = Map.copyOf(failures);
  }

  /** Texts that ended without an embedding. */
  public long failed() {
    return failures.values().stream().mapToLong(Long::longValue).sum();
  }

  /** Tokens of a batch on average; 0 before the first. */
  public double tokensPerBatch() {
    return batches == 0 ? 0 : (double) batchTokens / batches;
  }

  /** The share of what was computed that was padding, 0 to 1. */
  public double paddingShare() {
    return computedTokens == 0 ? 0 : 1 - (double) batchTokens / computedTokens;
  }

  /** The share of the time that devices computed, 0 to 1. */
  public double busyShare() {
    return available.isZero() ? 0 : (double) busy.toNanos() / available.toNanos();
  }

  /** How long a text waited for its device on average. */
  public Duration meanWait() {
    return batchTexts == 0 ? Duration.ZERO : waited.dividedBy(batchTexts);
  }
}
