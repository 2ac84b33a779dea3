package io.luciole.micrometer;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineListener;
import io.luciole.EngineStats;
import io.luciole.EngineStats.Failure;
import io.luciole.EngineStats.Runs;
import io.luciole.Lane;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.FunctionTimer;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.TimeGauge;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import java.util.function.ToLongFunction;

/**
 * Publishes an engine's statistics in a Micrometer registry: {@code new
 * EngineMeters(engine).bindTo(registry)}. Counters start when the engine is opened, timers when
 * they are bound. The registry may be read by any thread, also after the engine is closed.
 *
 * <table>
 *   <caption>Meters</caption>
 *   <tr><td>{@code luciole.embed}</td>
 *       <td>timer of each text, from its submission to its result; tags {@code lane} and {@code
 *       outcome}: {@code embedded}, or why it failed, as {@code kind} below</td></tr>
 *   <tr><td>{@code luciole.tokenize}</td>
 *       <td>timer of tokenising each text that is not given as tokens; tag {@code lane}</td></tr>
 *   <tr><td>{@code luciole.queue}</td>
 *       <td>timer of the longest wait of a text of each batch, from its submission to the run; tag
 *       {@code lane}</td></tr>
 *   <tr><td>{@code luciole.batch}</td>
 *       <td>timer of each run of a batch; tags {@code device}, {@code lane}, {@code outcome}: {@code
 *       computed}, {@code out_of_memory}, {@code failed}</td></tr>
 *   <tr><td>{@code luciole.texts.submitted}, {@code .embedded}</td><td>counters</td></tr>
 *   <tr><td>{@code luciole.texts.failed}</td><td>counter, tag {@code kind}</td></tr>
 *   <tr><td>{@code luciole.texts.truncated}, {@code .chunked}</td><td>counters</td></tr>
 *   <tr><td>{@code luciole.waiting.texts}, {@code .tokens}</td><td>gauges, tag {@code lane}</td></tr>
 *   <tr><td>{@code luciole.wait}</td><td>timer of the texts that went to a device, from their
 *       submission to the start of the run: count and sum, without a maximum</td></tr>
 *   <tr><td>{@code luciole.batches}, {@code .texts}, {@code .tokens}, {@code .failed}</td>
 *       <td>counters of the whole engine</td></tr>
 *   <tr><td>{@code luciole.device.batches}, {@code .texts}, {@code .tokens}, {@code
 *       .tokens.padding}, {@code .failed}</td>
 *       <td>counters, tags {@code device} and {@code lane}; {@code .tokens} without padding</td></tr>
 *   <tr><td>{@code luciole.device.busy}, {@code .available}</td>
 *       <td>counters in seconds, tag {@code device}: time with at least one run in progress, and
 *       time in which the device was not lost. The rate of the first by that of the second is the
 *       share of busy time over a window</td></tr>
 *   <tr><td>{@code luciole.cache.hits}, {@code .misses}</td><td>counters</td></tr>
 *   <tr><td>{@code luciole.devices.usable}</td><td>gauge, number of devices</td></tr>
 *   <tr><td>{@code luciole.wait.mean}, {@code luciole.padding.share}, {@code
 *       luciole.device.busy.share}</td>
 *       <td>gauges over the whole time since the engine was opened</td></tr>
 * </table>
 *
 * <p>The engine refers to the timers of the registry, and not the registry to the engine. Meters
 * stay in a registry, as of the engine's end, until {@link #close}. While they do, those of another
 * engine with the same tags do not get in, which Micrometer logs: close them first where an engine
 * takes the place of another, and give engines that are there together tags that tell them apart.
 */
public final class EngineMeters implements MeterBinder, AutoCloseable {
  private static final double NANOS = 1e9;

  private final EmbeddingEngine engine;
  private final Tags tags;
  private boolean histograms;

  @GuardedBy("this")
  private final List<Binding> bindings = new ArrayList<>();

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

  /**
   * Sets whether the timers publish a histogram of 100 µs to a minute, from which a monitoring
   * system computes percentiles over any window and over several processes. It takes about 70
   * series for each timer. The default is false.
   *
   * @param publish whether to publish histograms
   * @return this binder
   */
  public EngineMeters histograms(boolean publish) {
    this.histograms = publish;
    return this;
  }

  @Override
  public synchronized void bindTo(MeterRegistry registry) {
    Binding to = new Binding(registry, new Timers(registry, tags, histograms));
    bindings.add(to);
    counter(to, "luciole.texts.submitted", Tags.empty(), EngineStats::submitted);
    counter(to, "luciole.texts.embedded", Tags.empty(), EngineStats::embedded);
    counter(to, "luciole.texts.truncated", Tags.empty(), EngineStats::truncated);
    counter(to, "luciole.texts.chunked", Tags.empty(), EngineStats::chunked);
    for (Failure kind : Failure.values()) {
      counter(
          to,
          "luciole.texts.failed",
          Tags.of("kind", Timers.word(kind)),
          s -> s.failures().getOrDefault(kind, 0L));
    }
    lane(to, Lane.INTERACTIVE, EngineStats::interactive);
    lane(to, Lane.BULK, EngineStats::bulk);
    waits(to);
    counter(to, "luciole.batches", Tags.empty(), EngineStats::batches);
    counter(to, "luciole.batches.texts", Tags.empty(), EngineStats::batchTexts);
    counter(to, "luciole.batches.tokens", Tags.empty(), EngineStats::batchTokens);
    counter(to, "luciole.batches.failed", Tags.empty(), EngineStats::failedRuns);
    gauge(to, "luciole.padding.share", Tags.empty(), EngineStats::paddingShare);
    gauge(to, "luciole.device.busy.share", Tags.empty(), EngineStats::busyShare);
    counter(to, "luciole.cache.hits", Tags.empty(), EngineStats::cacheHits);
    counter(to, "luciole.cache.misses", Tags.empty(), EngineStats::cacheMisses);
    to.add(
        Gauge.builder(
                "luciole.devices.usable",
                engine,
                e ->
                    e.health().devices().stream().filter(EngineHealth.DeviceHealth::usable).count())
            .description(Help.of("luciole.devices.usable"))
            .tags(tags)
            .register(to.registry));
    for (int i = 0; i < engine.stats().devices().size(); i++) {
      device(to, i);
    }
    engine.addListener(new Latencies(to.timers));
  }

  /**
   * Takes the meters out of the registries, for an engine that is not used any more. What is told
   * later is not recorded. Closing twice does nothing.
   */
  @Override
  public synchronized void close() {
    bindings.forEach(Binding::close);
    bindings.clear();
  }

  private void waits(Binding to) {
    to.add(
        FunctionTimer.builder(
                "luciole.wait",
                engine,
                e -> e.stats().batchTexts(),
                e -> e.stats().waited().toNanos(),
                TimeUnit.NANOSECONDS)
            .description(Help.of("luciole.wait"))
            .tags(tags)
            .register(to.registry));
    to.add(
        TimeGauge.builder(
                "luciole.wait.mean",
                engine,
                TimeUnit.NANOSECONDS,
                e -> e.stats().meanWait().toNanos())
            .description(Help.of("luciole.wait.mean"))
            .tags(tags)
            .register(to.registry));
  }

  private void device(Binding to, int index) {
    Tags device = Tags.of("device", engine.stats().devices().get(index).device().toString());
    seconds(to, "luciole.device.busy", device, s -> s.devices().get(index).busy());
    seconds(to, "luciole.device.available", device, s -> s.devices().get(index).available());
    for (Lane lane : Lane.values()) {
      Tags both = device.and("lane", Timers.word(lane));
      runs(to, "luciole.device.batches", both, index, lane, Runs::batches);
      runs(to, "luciole.device.texts", both, index, lane, Runs::texts);
      runs(to, "luciole.device.tokens", both, index, lane, Runs::tokens);
      runs(to, "luciole.device.tokens.padding", both, index, lane, Runs::paddingTokens);
      runs(to, "luciole.device.failed", both, index, lane, Runs::failedRuns);
    }
  }

  private void runs(
      Binding to, String name, Tags own, int device, Lane lane, ToLongFunction<Runs> value) {
    counter(to, name, own, s -> value.applyAsLong(s.devices().get(device).runs().get(lane)));
  }

  private interface TimeOf {
    Duration of(EngineStats stats);
  }

  private void seconds(Binding to, String name, Tags own, TimeOf time) {
    to.add(
        FunctionCounter.builder(name, engine, e -> time.of(e.stats()).toNanos() / NANOS)
            .baseUnit("seconds")
            .description(Help.of(name))
            .tags(tags.and(own))
            .register(to.registry));
  }

  private interface WaitingOf {
    EngineStats.Waiting of(EngineStats stats);
  }

  private void lane(Binding to, Lane lane, WaitingOf waiting) {
    Tags tag = Tags.of("lane", Timers.word(lane));
    gauge(to, "luciole.waiting.texts", tag, s -> waiting.of(s).texts());
    gauge(to, "luciole.waiting.tokens", tag, s -> waiting.of(s).tokens());
  }

  private void counter(Binding to, String name, Tags own, ToDoubleFunction<EngineStats> value) {
    to.add(
        FunctionCounter.builder(name, engine, e -> value.applyAsDouble(e.stats()))
            .description(Help.of(name))
            .tags(tags.and(own))
            .register(to.registry));
  }

  private void gauge(Binding to, String name, Tags own, ToDoubleFunction<EngineStats> value) {
    to.add(
        Gauge.builder(name, engine, e -> value.applyAsDouble(e.stats()))
            .description(Help.of(name))
            .tags(tags.and(own))
            .register(to.registry));
  }

  /** What stands in one registry. */
  private static final class Binding implements AutoCloseable {
    final MeterRegistry registry;
    final Timers timers;
    private final Set<Meter> others;
    private final Set<Meter> own = new HashSet<>();

    Binding(MeterRegistry registry, Timers timers) {
      this.registry = registry;
      this.timers = timers;
      this.others = new HashSet<>(registry.getMeters());
    }

    /** Notes a meter, unless it is another engine's, which was there before. */
    void add(Meter meter) {
      if (!others.contains(meter)) {
        own.add(meter);
      }
    }

    @Override
    public void close() {
      timers.close();
      own.forEach(registry::remove);
    }
  }

  /** Records what the engine tells of. */
  private record Latencies(Timers timers) implements EngineListener {
    @Override
    public void onText(Text text) {
      timers.record(
          "luciole.embed",
          text.latency(),
          "lane",
          Timers.word(text.lane()),
          "outcome",
          text.failure().map(Timers::word).orElse("embedded"));
    }

    @Override
    public void onTokenized(Lane lane, Duration took) {
      timers.record("luciole.tokenize", took, "lane", Timers.word(lane));
    }

    @Override
    public void onBatch(Batch batch) {
      timers.record("luciole.queue", batch.longestWait(), "lane", Timers.word(batch.lane()));
      timers.record(
          "luciole.batch",
          batch.run(),
          "device",
          batch.device().toString(),
          "lane",
          Timers.word(batch.lane()),
          "outcome",
          Timers.word(batch.outcome()));
    }
  }
}
