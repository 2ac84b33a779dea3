package io.luciole.micrometer;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineStats;
import io.luciole.EngineStats.Failure;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;

/**
 * Publishes an engine's statistics in a Micrometer registry: {@code new
 * EngineMeters(engine).bindTo(registry)}. Counters start when the engine is opened. The registry
 * may be read by any thread, also after the engine is closed.
 *
 * <table>
 *   <caption>Meters</caption>
 *   <tr><td>{@code luciole.texts.submitted}, {@code .embedded}</td><td>counters</td></tr>
 *   <tr><td>{@code luciole.texts.failed}</td><td>counter, tag {@code kind}</td></tr>
 *   <tr><td>{@code luciole.texts.truncated}, {@code .chunked}</td><td>counters</td></tr>
 *   <tr><td>{@code luciole.waiting.texts}, {@code .tokens}</td><td>gauges, tag {@code lane}</td></tr>
 *   <tr><td>{@code luciole.wait.mean}</td><td>gauge, mean time between submission and the start of the run</td></tr>
 *   <tr><td>{@code luciole.batches}, {@code .texts}, {@code .tokens}, {@code .failed}</td>
 *       <td>counters</td></tr>
 *   <tr><td>{@code luciole.padding.share}, {@code luciole.device.busy.share}</td>
 *       <td>gauges, 0 to 1, since the engine was opened</td></tr>
 *   <tr><td>{@code luciole.cache.hits}, {@code .misses}</td><td>counters</td></tr>
 *   <tr><td>{@code luciole.devices.usable}</td><td>gauge, number of devices</td></tr>
 * </table>
 */
public final class EngineMeters implements MeterBinder {
  private final EmbeddingEngine engine;
  private final Tags tags;

  /**
   * Creates the binder; meters exist after {@link #bindTo}.
   *
   * @param engine the engine to read
   * @param tags tags of every meter, as alternating keys and values, which tell engines apart
   */
  public EngineMeters(EmbeddingEngine engine, String... tags) {
    this.engine = requireNonNull(engine, "engine");
    this.tags = Tags.of(tags);
  }

  @Override
  public void bindTo(MeterRegistry registry) {
    counter(registry, "luciole.texts.submitted", Tags.empty(), EngineStats::submitted);
    counter(registry, "luciole.texts.embedded", Tags.empty(), EngineStats::embedded);
    counter(registry, "luciole.texts.truncated", Tags.empty(), EngineStats::truncated);
    counter(registry, "luciole.texts.chunked", Tags.empty(), EngineStats::chunked);
    for (Failure kind : Failure.values()) {
      counter(
          registry,
          "luciole.texts.failed",
          Tags.of("kind", kind.name().toLowerCase(Locale.ROOT)),
          s -> s.failures().getOrDefault(kind, 0L));
    }
    lane(registry, "interactive", EngineStats::interactive);
    lane(registry, "bulk", EngineStats::bulk);
    TimeGauge.builder(
            "luciole.wait.mean", engine, TimeUnit.NANOSECONDS, e -> e.stats().meanWait().toNanos())
        .tags(tags)
        .register(registry);
    counter(registry, "luciole.batches", Tags.empty(), EngineStats::batches);
    counter(registry, "luciole.batches.texts", Tags.empty(), EngineStats::batchTexts);
    counter(registry, "luciole.batches.tokens", Tags.empty(), EngineStats::batchTokens);
    counter(registry, "luciole.batches.failed", Tags.empty(), EngineStats::failedRuns);
    gauge(registry, "luciole.padding.share", Tags.empty(), EngineStats::paddingShare);
    gauge(registry, "luciole.device.busy.share", Tags.empty(), EngineStats::busyShare);
    counter(registry, "luciole.cache.hits", Tags.empty(), EngineStats::cacheHits);
    counter(registry, "luciole.cache.misses", Tags.empty(), EngineStats::cacheMisses);
    Gauge.builder(
            "luciole.devices.usable",
            engine,
            e -> e.health().devices().stream().filter(EngineHealth.DeviceHealth::usable).count())
        .tags(tags)
        .register(registry);
  }

  private interface WaitingOf {
    EngineStats.Waiting of(EngineStats stats);
  }

  private void lane(MeterRegistry registry, String lane, WaitingOf waiting) {
    Tags tag = Tags.of("lane", lane);
    gauge(registry, "luciole.waiting.texts", tag, s -> waiting.of(s).texts());
    gauge(registry, "luciole.waiting.tokens", tag, s -> waiting.of(s).tokens());
  }

  private void counter(
      MeterRegistry registry, String name, Tags own, ToDoubleFunction<EngineStats> value) {
    FunctionCounter.builder(name, engine, e -> value.applyAsDouble(e.stats()))
        .tags(tags.and(own))
        .register(registry);
  }

  private void gauge(
      MeterRegistry registry, String name, Tags own, ToDoubleFunction<EngineStats> value) {
    Gauge.builder(name, engine, e -> value.applyAsDouble(e.stats()))
        .tags(tags.and(own))
        .register(registry);
  }
}
