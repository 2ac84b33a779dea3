package io.luciole.lucene;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * The answer to a query.
 *
 * @param hits the best documents of the fused list, best first
 * @param fused the whole fused list, best first: every document that any leg found
 * @param legs each leg's list, best first, in the order of {@link Leg}; a leg that was asked and
 *     found nothing has an empty list
 * @param took the time it took, embedding the query included
 * @param embedding the share of that time which the query's embedding took
 * @param tokens tokens of the query as the model saw it, 0 if no model was needed
 */
public record SearchResult(
    List<Hit> hits,
    List<ScoredId> fused,
    Map<Leg, List<ScoredId>> legs,
    Duration took,
    Duration embedding,
    int tokens) {
  /** Copies the lists. */
  public SearchResult {
    hits = List.copyOf(hits);
    fused = List.copyOf(fused);
    EnumMap<Leg, List<ScoredId>> copy = new EnumMap<>(Leg.class);
    legs.forEach((leg, list) -> copy.put(leg, List.copyOf(list)));
    legs = Collections.unmodifiableMap(copy);
  }

  /** A leg's list, best first; empty if it found nothing or was not asked. */
  public List<ScoredId> leg(Leg leg) {
    return legs.getOrDefault(leg, List.of());
  }
}
