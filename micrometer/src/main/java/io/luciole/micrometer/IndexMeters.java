package io.luciole.micrometer;

import static java.util.Objects.requireNonNull;

import io.luciole.lucene.IndexListener;
import io.luciole.lucene.SearchResult;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;

/**
 * Records searches and writes of an index in a Micrometer registry: {@code searcher.addListener(new
 * IndexMeters(registry, true))}, and the same for an indexer. Safe for use by many threads.
 *
 * <table>
 *   <caption>Meters</caption>
 *   <tr><td>{@code luciole.search}</td><td>timer of each search that gave a result, the embedding of
 *       its query included; tag {@code partial}: whether time ran out before it was
 *       complete</td></tr>
 *   <tr><td>{@code luciole.search.embedding}</td><td>timer of the time in it until the query was
 *       embedded, if a model was needed</td></tr>
 *   <tr><td>{@code luciole.index.document}</td><td>timer of each document, from when it was put until
 *       it was written or failed; tag {@code outcome}: {@code written}, {@code failed}</td></tr>
 *   <tr><td>{@code luciole.index.commit}</td><td>timer of each commit that succeeded</td></tr>
 *   <tr><td>{@code luciole.index.committed}</td><td>gauge: when the last of them did, in seconds since
 *       1970; not a number before the first</td></tr>
 * </table>
 */
public final class IndexMeters implements IndexListener {
  private final Timers timers;
  private volatile double committed = Double.NaN;

  /**
   * Creates a listener.
   *
   * @param registry where the timers are made, at their first use
   * @param histograms whether they publish histograms, as {@link EngineMeters#histograms}
   * @param tags tags of every meter, as alternating keys and values, which tell indexes apart
   */
  public IndexMeters(MeterRegistry registry, boolean histograms, String... tags) {
    this.timers = new Timers(requireNonNull(registry, "registry"), Tags.of(tags), histograms);
    Gauge.builder("luciole.index.committed", this, meters -> meters.committed)
        .description(Help.of("luciole.index.committed"))
        .baseUnit("seconds")
        .tags(tags)
        .register(registry);
  }

  @Override
  public void onSearch(SearchResult result) {
    timers.record("luciole.search", result.took(), "partial", String.valueOf(result.partial()));
    if (result.tokens() > 0) {
      timers.record("luciole.search.embedding", result.embedding());
    }
  }

  @Override
  public void onDocument(Duration latency, boolean written) {
    timers.record("luciole.index.document", latency, "outcome", written ? "written" : "failed");
  }

  @Override
  public void onCommit(Duration took) {
    timers.record("luciole.index.commit", took);
    committed = System.currentTimeMillis() / 1000.0;
  }
}
