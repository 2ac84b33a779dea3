package io.luciole.lucene;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The answer to a query.
 *
 * @param hits the best documents of the fused list, best first
 * @param fused the whole fused list, best first: every document that any leg found. Of documents
 *     that were scored again the score is that one
 * @param legs each leg's list, best first, in the order of {@link Leg}; a leg that was asked and
 *     found nothing has an empty list
 * @param partial whether time ran out before all was done: legs that are incomplete, or documents
 *     that were to be scored again and were not
 * @param incomplete the legs that ran out of time, whose lists may lack documents
 * @param took the time it took, embedding the query included
 * @param embedding the part of that time until the query was embedded
 * @param tokens tokens of the query as the model saw it, 0 if no model was needed
 * @param view which state of the index it was, for {@link HybridQuery#view}
 */
public record SearchResult(
    List<Hit> hits,
    List<ScoredId> fused,
    Map<Leg, List<ScoredId>> legs,
    boolean partial,
    Set<Leg> incomplete,
    Duration took,
    Duration embedding,
    int tokens,
    long view) {
  /** Copies the lists. */
  public SearchResult {
    hits = List.copyOf(hits);
    fused = List.copyOf(fused);
    EnumMap<Leg, List<ScoredId>> copy = new EnumMap<>(Leg.class);
    legs.forEach((leg, list) -> copy.put(leg, List.copyOf(list)));
    legs = Collections.unmodifiableMap(copy);
    incomplete = Set.copyOf(incomplete);
  }

  /** A leg's list, best first; empty if it found nothing or was not asked. */
  public List<ScoredId> leg(Leg leg) {
    return legs.getOrDefault(leg, List.of());
  }
}
