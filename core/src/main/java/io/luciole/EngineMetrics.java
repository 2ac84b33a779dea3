package io.luciole;

import io.luciole.internal.Listeners;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Counts what the engine does and calls its listeners. Safe for use by many threads. */
final class EngineMetrics {
  private final Listeners<EngineListener> listeners;

  private final LongAdder submitted = new LongAdder();
  private final LongAdder embedded = new LongAdder();
  private final Map<EngineStats.Failure, LongAdder> failures =
      new EnumMap<>(EngineStats.Failure.class);
  private final LongAdder truncated = new LongAdder();
  private final LongAdder chunked = new LongAdder();
  private final LongAdder waitedNanos = new LongAdder();
  private final LongAdder cacheHits = new LongAdder();
  private final LongAdder cacheMisses = new LongAdder();

  EngineMetrics(List<EngineListener> listeners) {
    this.listeners = new Listeners<>(listeners);
    for (EngineStats.Failure kind : EngineStats.Failure.values()) {
      failures.put(kind, new LongAdder());
    }
  }

  void add(EngineListener listener) {
    listeners.add(listener);
  }

  boolean hasListeners() {
    return !listeners.isEmpty();
  }

  void submitted() {
    submitted.increment();
  }

  /**
   * Counts a text that ends, and tells the listeners of it.
   *
   * @param nanos the time since it was submitted
   */
  void settled(Lane lane, long nanos, Request.Ending ending, @Nullable Throwable failure) {
    Optional<EngineStats.Failure> kind =
        ending == Request.Ending.EMBEDDED ? Optional.empty() : Optional.of(kind(ending, failure));
    kind.map(failures::get).orElse(embedded).increment();
    if (hasListeners()) {
      EngineListener.Text told = new EngineListener.Text(lane, Duration.ofNanos(nanos), kind);
      tell(listener -> listener.onText(told));
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
      case DeadlineExceededException e -> EngineStats.Failure.EXPIRED;
      case TimeoutException e -> EngineStats.Failure.EXPIRED; // CompletableFuture.orTimeout
      case EngineClosedException e -> EngineStats.Failure.CLOSED;
      case null, default -> EngineStats.Failure.OTHER;
    };
  }

  /** Tells the listeners of a text that was tokenised. */
  void tokenized(Lane lane, long nanos) {
    if (hasListeners()) {
      tell(listener -> listener.onTokenized(lane, Duration.ofNanos(nanos)));
    }
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

  void tell(Consumer<EngineListener> event) {
    listeners.tell(event);
  }

  /** The totals, with what waits in each lane and what each device has done. */
  EngineStats snapshot(
      EngineStats.Waiting interactive,
      EngineStats.Waiting bulk,
      List<EngineStats.DeviceStats> devices) {
    Map<EngineStats.Failure, Long> failed = new EnumMap<>(EngineStats.Failure.class);
    failures.forEach((kind, counter) -> failed.put(kind, counter.sum()));
    EngineStats.Runs runs =
        devices.stream()
            .flatMap(device -> device.runs().values().stream())
            .reduce(EngineStats.Runs.NONE, EngineStats.Runs::plus);
    return new EngineStats(
        submitted.sum(),
        embedded.sum(),
        failed,
        truncated.sum(),
        chunked.sum(),
        interactive,
        bulk,
        runs.batches(),
        runs.texts(),
        runs.tokens(),
        runs.computedTokens(),
        runs.failedRuns(),
        Duration.ofNanos(waitedNanos.sum()),
        sum(devices, EngineStats.DeviceStats::busy),
        sum(devices, EngineStats.DeviceStats::available),
        cacheHits.sum(),
        cacheMisses.sum(),
        devices);
  }

  private static Duration sum(
      List<EngineStats.DeviceStats> devices, Function<EngineStats.DeviceStats, Duration> time) {
    return devices.stream().map(time).reduce(Duration.ZERO, Duration::plus);
  }
}
