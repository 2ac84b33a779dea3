package io.luciole.micrometer;

import static java.util.Objects.requireNonNull;

import io.luciole.TextTooLongException;
import io.luciole.lucene.IndexException;
import io.luciole.lucene.IndexListener;
import io.luciole.lucene.SearchResult;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.time.Duration;
import java.util.Optional;

/**
 * Records searches and writes of an index in a Micrometer registry: {@code searcher.addListener(new
 * IndexMeters(registry, true))}, and the same for an indexer. Closing it takes its meters out of
 * the registry, for an index that is not used any more. Safe for use by many threads.
 *
 * <table>
 *   <caption>Meters</caption>
 *   <tr><td>{@code luciole.search}</td><td>timer of each search that gave a result, the embedding of
 *       its query included; tag {@code partial}: whether time ran out before it was
 *       complete</td></tr>
 *   <tr><td>{@code luciole.search.embedding}</td><td>timer of the time in it until the query was
 *       embedded, if a model was needed</td></tr>
 *   <tr><td>{@code luciole.index.document}</td><td>timer of each document, from when it was put until
 *       it was written or failed; tag {@code outcome}: {@code written}, {@code refused} if the
 *       document does not fit the index, {@code model_failed}, {@code index_failed}</td></tr>
 *   <tr><td>{@code luciole.index.commit}</td><td>timer of each commit that succeeded</td></tr>
 *   <tr><td>{@code luciole.index.committed}</td><td>gauge: when the last of them did, in seconds since
 *       1970; not a number before the first</td></tr>
 *   <tr><td>{@code luciole.index.failures}</td><td>counter of failures that ended an indexer or kept
 *       one from being opened, such as a full disk</td></tr>
 *   <tr><td>{@code luciole.index.lost}</td><td>counter of documents and deletions that were written
 *       and not committed before such a failure</td></tr>
 * </table>
 */
public final class IndexMeters implements IndexListener, AutoCloseable {
  private final MeterRegistry registry;
  private final Timers timers;
  private final Counter failures;
  private final Counter lost;
  private final Gauge lastCommit;
  private volatile double committed = Double.NaN;

  /**
   * Creates a listener.
   *
   * @param registry where the timers are made, at their first use, and the counters
   * @param histograms whether they publish histograms, as {@link EngineMeters#histograms}
   * @param tags tags of every meter, as alternating keys and values, which tell indexes apart
   */
  public IndexMeters(MeterRegistry registry, boolean histograms, String... tags) {
    Tags all = Tags.of(tags);
    this.registry = requireNonNull(registry, "registry");
    this.timers = new Timers(registry, all, histograms);
    this.failures =
        Counter.builder("luciole.index.failures")
            .description(Help.of("luciole.index.failures"))
            .tags(all)
            .register(registry);
    this.lost =
        Counter.builder("luciole.index.lost")
            .description(Help.of("luciole.index.lost"))
            .tags(all)
            .register(registry);
    this.lastCommit =
        Gauge.builder("luciole.index.committed", this, meters -> meters.committed)
            .description(Help.of("luciole.index.committed"))
            .baseUnit("seconds")
            .tags(all)
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
  public void onDocument(Duration latency, Optional<Throwable> failure) {
    String outcome = failure.map(IndexMeters::outcome).orElse("written");
    timers.record("luciole.index.document", latency, "outcome", outcome);
  }

  /** Whose fault a failure is: the document's, the index's, or else the model's. */
  private static String outcome(Throwable failure) {
    return switch (failure) {
      case IllegalArgumentException e -> "refused";
      case TextTooLongException e -> "refused";
      case IndexException e -> "index_failed";
      default -> "model_failed";
    };
  }

  @Override
  public void onCommit(Duration took) {
    timers.record("luciole.index.commit", took);
    committed = System.currentTimeMillis() / 1000.0;
  }

  @Override
  public void onFailure(IndexException reason, long changes) {
    failures.increment();
    lost.increment((double) changes);
  }

  /** Takes the meters out of the registry. What is told later is not recorded. */
  @Override
  public void close() {
    timers.close();
    registry.remove(failures);
    registry.remove(lost);
    registry.remove(lastCommit);
  }
}
