package io.luciole.server;

import io.luciole.lucene.IndexListener;
import io.luciole.lucene.IndexUnavailableException;
import io.luciole.micrometer.IndexMeters;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/**
 * The meters of each index, with the tag {@code index}, for as long as there is one of its name:
 * what it does, and gauges of what it holds, which are read when the meters are. Safe for use by
 * many threads.
 */
final class ServedIndexMeters implements Indexes.Watcher {
  private final MeterRegistry registry;
  private final Indexes indexes;
  private final Map<String, Meters> byName = new ConcurrentHashMap<>();

  /** The meters of one index. */
  private record Meters(IndexMeters events, List<Gauge> gauges) {}

  ServedIndexMeters(MeterRegistry registry, Indexes indexes) {
    this.registry = registry;
    this.indexes = indexes;
  }

  @Override
  public IndexListener added(String name) {
    return byName.computeIfAbsent(name, this::meters).events();
  }

  @Override
  public void removed(String name) {
    Meters meters = byName.remove(name);
    if (meters != null) {
      meters.events().close();
      meters.gauges().forEach(registry::remove);
    }
  }

  private Meters meters(String name) {
    return new Meters(
        new IndexMeters(registry, true, "index", name),
        List.of(
            ofIndex("documents", "Documents that searches see", name, SearchIndex::documents),
            ofIndex("segments", "Segments that searches see", name, SearchIndex::segments),
            ofIndex(
                "uncommitted",
                "Changes that a crash would lose: those since the last commit",
                name,
                index -> index.live().uncommittedChanges()),
            gauge(
                "writable",
                "Whether documents are taken: 1, or 0 while the index has failed, cannot be opened"
                    + " or has no room",
                name,
                all -> all.isWritable(name).map(writable -> writable ? 1 : 0))));
  }

  private Gauge ofIndex(
      String what, String help, String name, Function<SearchIndex, Number> value) {
    return gauge(what, help, name, all -> all.find(name).flatMap(index -> read(index, value)));
  }

  /** A value of an index; none if it is closed meanwhile. */
  private static Optional<Number> read(SearchIndex index, Function<SearchIndex, Number> value) {
    try {
      return Optional.of(value.apply(index));
    } catch (IndexUnavailableException e) {
      return Optional.empty();
    }
  }

  /** A gauge that is not a number while there is no value. */
  private Gauge gauge(
      String what, String help, String name, Function<Indexes, Optional<? extends Number>> value) {
    return Gauge.builder(
            "luciole.index." + what,
            indexes,
            all -> value.apply(all).map(Number::doubleValue).orElse(Double.NaN))
        .description(help)
        .tag("index", name)
        .register(registry);
  }
}
