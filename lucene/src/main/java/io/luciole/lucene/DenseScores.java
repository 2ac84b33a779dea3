package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The dense scores of all hits of a search, also of those that another leg found: for interfaces
 * that ask for a similarity whose scale does not depend on the query, such as the scores of a
 * vector store. Fused scores have no such scale.
 */
public final class DenseScores {
  private DenseScores() {}

  /**
   * Takes the scores that the dense leg gave, and asks the index for the others. Blocks until they
   * are there.
   *
   * @param searcher the searcher that found the hits
   * @param query the dense vector of the query that found them
   * @param hits the hits
   * @return by id the dot product of the query's vector with the document's, or with its nearest
   *     passage's: the cosine, from -1 to 1, if the model normalises its vectors. A document that
   *     is gone by now is missing
   * @throws IllegalArgumentException if the index has no dense vectors
   * @throws IllegalStateException if the searcher is closed, or a score is to be asked for and the
   *     searcher's field of ids has doc values or stored values, but no terms
   * @throws IndexException if the index cannot be read
   */
  public static Map<String, Double> of(HybridSearcher searcher, Embedding query, List<Hit> hits) {
    requireNonNull(searcher, "searcher");
    requireNonNull(query, "query");
    Map<String, Double> scores = new HashMap<>();
    List<String> unknown = new ArrayList<>();
    for (Hit hit : hits) {
      LegScore dense = hit.legs().get(Leg.DENSE);
      if (dense == null) {
        unknown.add(hit.id());
      } else {
        scores.put(hit.id(), (double) dense.score());
      }
    }
    if (!unknown.isEmpty()) {
      HybridQuery all =
          HybridQuery.of("")
              .embedding(query)
              .legs(Leg.DENSE)
              .depth(unknown.size())
              .top(unknown.size())
              .filter(searcher.ofIds(unknown));
      searcher.search(all).leg(Leg.DENSE).forEach(found -> scores.put(found.id(), found.score()));
    }
    return scores;
  }
}
