package io.luciole.lucene;

import java.time.Duration;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TotalHits;

/**
 * The answer to a query.
 *
 * @param hits the page of the fused list that was asked for, best first
 * @param fused the whole fused list, best first: every document that any leg found; reranked
 *     documents have the score of the reranking. If the query has an {@link Arrangement}, sorted
 *     and collapsed as it says
 * @param legs each leg's list, best first, in the order of {@link Leg}; a leg that was asked and
 *     found nothing has an empty list
 * @param partial whether time ran out before all was done: some legs are incomplete, or documents
 *     were not reranked that should have been
 * @param incomplete the legs that ran out of time, whose lists may lack documents
 * @param took how long the search took, embedding the query included
 * @param embedding how long of that it took until the query was embedded
 * @param tokens tokens of the query as the model saw it; 0 if no model was needed
 * @param view the state of the index that was searched, for {@link HybridQuery#view}
 * @param docs the documents of {@code fused} by their numbers in that view, with the same scores as
 *     floats, for use with Lucene ({@link HybridSearcher#withSearcher(SearchResult,
 *     org.apache.lucene.util.IOFunction)}); not to be changed
 * @param matches how many documents match. For a list ({@link Arrangement}) their exact number; for
 *     a search nearly always a lower bound, as its relation says: the most that one leg counted, or
 *     the number of documents that all found. Every document is near a query to some degree, so
 *     dense vectors count only those that they found
 * @param facets the counts that the query's {@link Arrangement} asks for, in its order
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
    long view,
    TopDocs docs,
    TotalHits matches,
    List<FacetCounts> facets) {
  /** Copies the lists. */
  public SearchResult {
    hits = List.copyOf(hits);
    fused = List.copyOf(fused);
    EnumMap<Leg, List<ScoredId>> copy = new EnumMap<>(Leg.class);
    legs.forEach((leg, list) -> copy.put(leg, List.copyOf(list)));
    legs = Collections.unmodifiableMap(copy);
    incomplete = Set.copyOf(incomplete);
    facets = List.copyOf(facets);
  }

  /**
   * Returns a leg's list.
   *
   * @param leg the leg
   * @return its documents, best first; empty if it found nothing or was not asked
   */
  public List<ScoredId> leg(Leg leg) {
    return legs.getOrDefault(leg, List.of());
  }
}
