package io.luciole;

import io.luciole.spi.Device;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** How an engine runs; see {@link EmbeddingEngine.Builder} for what each means. */
record EngineSettings(
    long maxWaitingTokens,
    Overload overload,
    Duration maxWait,
    Duration batchTimeout,
    Duration closeTimeout,
    Duration reopenDelay,
    int tokenizerThreads) {
  private static final long CENTURY = TimeUnit.DAYS.toNanos(36_525);

  /** In nanoseconds, at most a century: what is longer never ends, and sums do not overflow. */
  static long nanos(Duration duration) {
    return Math.min(TimeUnit.NANOSECONDS.convert(duration), CENTURY);
  }

  static Duration notNegative(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("expected a duration of 0 or more, got " + duration);
    }
    return duration;
  }

  /** Settings as a builder gathers them. */
  static final class Draft {
    private static final int MAX_WAITING_TOKENS = 1 << 22;

    long maxWaitingTokens;
    Overload overload;
    Duration maxWait;

    /** The device's usual one if null. */
    @Nullable Duration batchTimeout;

    Duration closeTimeout;
    Duration reopenDelay = Duration.ofSeconds(1);
    int tokenizerThreads;

    /** Starts with what was configured. */
    Draft(LucioleConfig config) {
      maxWaitingTokens =
          config.positive(LucioleConfig.Key.MAX_WAITING_TOKENS).orElse(MAX_WAITING_TOKENS);
      overload = config.get(LucioleConfig.Key.OVERLOAD).map(Overload::parse).orElse(Overload.BLOCK);
      maxWait = config.duration(LucioleConfig.Key.MAX_WAIT).orElse(Duration.ZERO);
      batchTimeout = config.duration(LucioleConfig.Key.BATCH_TIMEOUT).orElse(null);
      closeTimeout = config.duration(LucioleConfig.Key.CLOSE_TIMEOUT).orElse(Duration.ofMinutes(1));
      tokenizerThreads =
          config
              .positive(LucioleConfig.Key.TOKENIZER_THREADS)
              .orElse(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    }

    /** The settings, where the first device is this one. */
    EngineSettings on(Device device) {
      Duration patience = Duration.ofMinutes(device.isAccelerator() ? 2 : 15);
      return new EngineSettings(
          maxWaitingTokens,
          overload,
          maxWait,
          batchTimeout != null ? batchTimeout : patience,
          closeTimeout,
          reopenDelay,
          tokenizerThreads);
    }
  }
}
