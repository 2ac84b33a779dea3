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
import org.jspecify.annotations.Nullable;

/**
 * Timers of a registry, each made at its first use, until they are closed. Safe for use by many
 * threads.
 */
final class Timers implements AutoCloseable {
  /** The first bucket of a histogram ends here. */
  private static final Duration SHORTEST = Duration.ofNanos(100_000);

  /** The last bucket of a histogram ends here. */
  private static final Duration LONGEST = Duration.ofMinutes(1);

  private final MeterRegistry registry;
  private final Tags tags;
  private final boolean histograms;

  /** By name and own tags: to find a timer in the registry takes longer than to record a time. */
  private final Map<List<String>, Timer> timers = new ConcurrentHashMap<>();

  private boolean closed;

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
    List<String> wanted = List.of(key);
    Timer timer = timers.get(wanted);
    timer = timer == null ? made(wanted, name, own) : timer;
    if (timer != null) {
      timer.record(time);
    }
  }

  /** The timer of a key, which is made if it is not there; null after the close. */
  private synchronized @Nullable Timer made(List<String> key, String name, String... own) {
    return closed ? null : timers.computeIfAbsent(key, none -> timer(name, own));
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

  /** Takes the timers out of the registry; times that are recorded later are dropped. */
  @Override
  public synchronized void close() {
    closed = true;
    timers.values().forEach(registry::remove);
    timers.clear();
  }

  /** A constant as the value of a tag: lower case. */
  static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }
}
