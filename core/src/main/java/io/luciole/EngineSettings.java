package io.luciole;

import io.luciole.spi.Device;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** How an engine runs; see {@link EngineBuilder} for what each means. */
record EngineSettings(
    long maxWaitingTokens,
    long maxWaitingTexts,
    Overload overload,
    Duration maxWait,
    Duration batchTimeout,
    Duration closeTimeout,
    Duration reopenDelay,
    int tokenizerThreads) {
  /** For {@code maxWaitingTexts}, where the tokens alone are bounded. */
  static final long UNBOUNDED = Long.MAX_VALUE;

  private static final long CENTURY = TimeUnit.DAYS.toNanos(36_525);

  /** In nanoseconds, at most a century: what is longer never ends, and sums do not overflow. */
  static long nanos(Duration duration) {
    return Math.min(TimeUnit.NANOSECONDS.convert(duration), CENTURY);
  }

  boolean boundsTexts() {
    return maxWaitingTexts != UNBOUNDED;
  }

  static int atLeastOne(int number) {
    if (number < 1) {
      throw new IllegalArgumentException(
          "expected a whole number of at least 1, got \"" + number + '"');
    }
    return number;
  }

  static Duration notNegative(Duration duration) {
    if (duration.isNegative()) {
      throw new IllegalArgumentException("expected a duration of 0 or more, got " + duration);
    }
    return duration;
  }

  /** Settings as a builder gathers them. */
  static final class Draft {
    /** What the heap allows if empty. */
    Optional<Integer> maxWaitingTokens;

    Overload overload;
    Duration maxWait;

    /** The device's usual one if empty. */
    Optional<Duration> batchTimeout;

    Duration closeTimeout;
    Duration reopenDelay = Duration.ofSeconds(1);
    int tokenizerThreads;

    /** Starts with what was configured. */
    Draft(LucioleConfig config) {
      maxWaitingTokens = config.get(EngineKeys.MAX_WAITING_TOKENS);
      overload = config.get(EngineKeys.OVERLOAD);
      maxWait = config.get(EngineKeys.MAX_WAIT);
      batchTimeout = config.get(EngineKeys.BATCH_TIMEOUT);
      closeTimeout = config.get(EngineKeys.CLOSE_TIMEOUT);
      tokenizerThreads =
          config
              .get(EngineKeys.TOKENIZER_THREADS)
              .orElse(Math.max(1, Runtime.getRuntime().availableProcessors() / 2));
    }

    /** The settings, where the first device is this one. */
    EngineSettings on(Device device) {
      long heap = Runtime.getRuntime().maxMemory();
      Duration patience = Duration.ofMinutes(device.isAccelerator() ? 2 : 15);
      return new EngineSettings(
          maxWaitingTokens.map(Integer::longValue).orElseGet(() -> HeapBounds.waitingTokens(heap)),
          maxWaitingTokens.isPresent() ? UNBOUNDED : HeapBounds.waitingTexts(heap),
          overload,
          maxWait,
          batchTimeout.orElse(patience),
          closeTimeout,
          reopenDelay,
          tokenizerThreads);
    }
  }
}
