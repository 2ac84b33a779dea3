package io.luciole;

import io.luciole.spi.Device;
import java.time.Duration;
import java.util.List;
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
 * @param devices what each device has done, in the order of the configuration
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
    long cacheMisses,
    List<DeviceStats> devices) {
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
    /** Its deadline passed before it reached a device, or that of its future. */
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

  /**
   * What a device has done.
   *
   * @param device the device
   * @param busy the time with at least one run in progress
   * @param available the time in which it worked and was not lost
   * @param runs the batches that it ran, by the lane of their texts; has an entry for every lane
   */
  public record DeviceStats(
      Device device, Duration busy, Duration available, Map<Lane, Runs> runs) {
    /** Copies the map. */
    public DeviceStats {
      runs = Map.copyOf(runs);
    }
  }

  /**
   * The runs of batches on a device.
   *
   * @param batches the batches that were computed
   * @param texts the texts in them
   * @param tokens the tokens in them, without padding
   * @param computedTokens the tokens in them, padding included
   * @param failedRuns the runs that failed; their texts may have been computed later
   */
  public record Runs(long batches, long texts, long tokens, long computedTokens, long failedRuns) {
    /** No runs. */
    static final Runs NONE = new Runs(0, 0, 0, 0, 0);

    /** {@return the computed tokens that were padding} */
    public long paddingTokens() {
      return computedTokens - tokens;
    }

    /** These and others. */
    Runs plus(Runs more) {
      return new Runs(
          batches + more.batches,
          texts + more.texts,
          tokens + more.tokens,
          computedTokens + more.computedTokens,
          failedRuns + more.failedRuns);
    }
  }

  /** Copies the map and the list. */
  public EngineStats {
    devices = List.copyOf(devices);
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
