package io.luciole.micrometer;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** Timers of a registry, each made at its first use. Safe for use by many threads. */
final class Timers {
  /** The first bucket of a histogram ends here. */
  private static final Duration SHORTEST = Duration.ofNanos(100_000);

  /** The last bucket of a histogram ends here. */
  private static final Duration LONGEST = Duration.ofMinutes(1);

  private final MeterRegistry registry;
  private final Tags tags;
  private final boolean histograms;

  /** By name and own tags: to find a timer in the registry takes longer than to record a time. */
  private final Map<List<String>, Timer> timers = new ConcurrentHashMap<>();

  /**
   * Timers in a registry.
   *
   * @param tags tags of each
   * @param histograms whether they publish histograms
   */
  Timers(MeterRegistry registry, Tags tags, boolean histograms) {
    this.registry = registry;
    this.tags = tags;
    this.histograms = histograms;
  }

  /**
   * Records a time.
   *
   * @param own the timer's own tags, as alternating keys and values
   */
  void record(String name, Duration time, String... own) {
    String[] key = Arrays.copyOf(own, own.length + 1);
    key[own.length] = name;
    timers.computeIfAbsent(List.of(key), made -> timer(name, own)).record(time);
  }

  private Timer timer(String name, String... own) {
    return Timer.builder(name)
        .description(Help.of(name))
        .tags(tags.and(own))
        .publishPercentileHistogram(histograms)
        .minimumExpectedValue(SHORTEST)
        .maximumExpectedValue(LONGEST)
        .register(registry);
  }

  /** A constant as the value of a tag: lower case. */
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
