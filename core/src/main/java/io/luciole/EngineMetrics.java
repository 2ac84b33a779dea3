package io.luciole;

import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Counts what the engine does and calls its listeners. Safe for use by many threads. */
final class EngineMetrics {
  private static final Logger log = LoggerFactory.getLogger(EngineMetrics.class);

  private final List<EngineListener> listeners;
  private final LongAdder submitted = new LongAdder();
  private final LongAdder embedded = new LongAdder();
  private final Map<EngineStats.Failure, LongAdder> failures =
      new EnumMap<>(EngineStats.Failure.class);
  private final LongAdder truncated = new LongAdder();
  private final LongAdder chunked = new LongAdder();
  private final LongAdder batches = new LongAdder();
  private final LongAdder texts = new LongAdder();
  private final LongAdder tokens = new LongAdder();
  private final LongAdder computedTokens = new LongAdder();
  private final LongAdder failedRuns = new LongAdder();
  private final LongAdder waitedNanos = new LongAdder();
  private final LongAdder cacheHits = new LongAdder();
  private final LongAdder cacheMisses = new LongAdder();

  EngineMetrics(List<EngineListener> listeners) {
    this.listeners = List.copyOf(listeners);
    for (EngineStats.Failure kind : EngineStats.Failure.values()) {
      failures.put(kind, new LongAdder());
    }
  }

  boolean hasListeners() {
    return !listeners.isEmpty();
  }

  void submitted() {
    submitted.increment();
  }

  void settled(Request.Ending ending, @Nullable Throwable failure) {
    if (ending == Request.Ending.EMBEDDED) {
      embedded.increment();
    } else {
      LongAdder counter = failures.get(kind(ending, failure));
      if (counter != null) {
        counter.increment();
      }
    }
  }

  private static EngineStats.Failure kind(Request.Ending ending, @Nullable Throwable failure) {
    if (ending == Request.Ending.CANCELLED) {
      return EngineStats.Failure.CANCELLED;
    }
    return switch (failure) {
      case BackendOutOfMemoryException e -> EngineStats.Failure.OUT_OF_MEMORY;
      case DeviceLostException e -> EngineStats.Failure.DEVICE_LOST;
      case BackendException e -> EngineStats.Failure.BACKEND;
      case TextTooLongException e -> EngineStats.Failure.TOO_LONG;
      case NotFiniteException e -> EngineStats.Failure.NOT_FINITE;
      case TimeoutException e -> EngineStats.Failure.EXPIRED;
      case EngineClosedException e -> EngineStats.Failure.CLOSED;
      case null, default -> EngineStats.Failure.OTHER;
    };
  }

  void truncated() {
    truncated.increment();
  }

  void chunked() {
    chunked.increment();
  }

  void cached(boolean hit) {
    (hit ? cacheHits : cacheMisses).increment();
  }

  void waited(long nanos) {
    waitedNanos.add(nanos);
  }

  /** Counts a run. The listeners are called by {@link #tell}. */
  void ran(EngineListener.Outcome outcome, int count, int length, long computed) {
    if (outcome == EngineListener.Outcome.COMPUTED) {
      batches.increment();
      texts.add(count);
      tokens.add(length);
      computedTokens.add(computed);
    } else {
      failedRuns.increment();
    }
  }

  void tell(Consumer<EngineListener> event) {
    for (EngineListener listener : listeners) {
      try {
        event.accept(listener);
      } catch (Throwable t) {
        log.warn("A listener failed: {}", t.toString(), t);
      }
    }
  }

  EngineStats snapshot(
      EngineStats.Waiting interactive,
      EngineStats.Waiting bulk,
      long busyNanos,
      long availableNanos) {
    Map<EngineStats.Failure, Long> failed = new EnumMap<>(EngineStats.Failure.class);
    failures.forEach((kind, counter) -> failed.put(kind, counter.sum()));
    return new EngineStats(
        submitted.sum(),
        embedded.sum(),
        failed,
        truncated.sum(),
        chunked.sum(),
        interactive,
        bulk,
        batches.sum(),
        texts.sum(),
        tokens.sum(),
        computedTokens.sum(),
        failedRuns.sum(),
        Duration.ofNanos(waitedNanos.sum()),
        Duration.ofNanos(busyNanos),
        Duration.ofNanos(availableNanos),
        cacheHits.sum(),
        cacheMisses.sum());
  }
}
