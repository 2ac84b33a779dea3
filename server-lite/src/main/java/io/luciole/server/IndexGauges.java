package io.luciole.server;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.function.ToDoubleFunction;

/** What an index holds, as gauges that are read when the meters are. */
final class IndexGauges {
  private IndexGauges() {}

  /**
   * Adds the gauges of an index.
   *
   * @param tags tags of each, as alternating keys and values, which tell indexes apart
   */
  static void bind(MeterRegistry registry, SearchIndex index, String... tags) {
    gauge(
        registry,
        "luciole.index.documents",
        "Documents that searches see",
        index,
        tags,
        SearchIndex::documents);
    gauge(
        registry,
        "luciole.index.segments",
        "Segments that searches see",
        index,
        tags,
        SearchIndex::segments);
    gauge(
        registry,
        "luciole.index.uncommitted",
        "Changes that a crash would lose: those since the last commit",
        index,
        tags,
        SearchIndex::uncommitted);
  }

  private static void gauge(
      MeterRegistry registry,
      String name,
      String help,
      SearchIndex index,
      String[] tags,
      ToDoubleFunction<SearchIndex> value) {
    Gauge.builder(name, index, value).description(help).tags(tags).register(registry);
  }
}
