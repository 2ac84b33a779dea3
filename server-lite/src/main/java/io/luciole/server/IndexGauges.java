package io.luciole.server;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;

/** What an index holds, as gauges that are read when the meters are. */
final class IndexGauges {
  private IndexGauges() {}

  /**
   * Adds the gauges of the index that has a name, now or later; not a number while none has it.
   *
   * @param index its name, the tag {@code index} of each
   */
  static void bind(MeterRegistry registry, Indexes indexes, String index) {
    gauge(
        registry,
        "luciole.index.documents",
        "Documents that searches see",
        indexes,
        index,
        SearchIndex::documents);
    gauge(
        registry,
        "luciole.index.segments",
        "Segments that searches see",
        indexes,
        index,
        SearchIndex::segments);
    gauge(
        registry,
        "luciole.index.uncommitted",
        "Changes that a crash would lose: those since the last commit",
        indexes,
        index,
        of -> of.live().uncommittedChanges());
  }

  private static void gauge(
      MeterRegistry registry,
      String name,
      String help,
      Indexes indexes,
      String index,
      ToDoubleFunction<SearchIndex> value) {
    Gauge.builder(
            name,
            indexes,
            all -> all.find(index).stream().mapToDouble(value).findFirst().orElse(Double.NaN))
        .description(help)
        .tag("index", index)
        .register(registry);
  }
}
