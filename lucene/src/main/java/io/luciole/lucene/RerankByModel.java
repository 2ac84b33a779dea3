package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

/**
 * Reranking by a model that reads the query together with each hit's title and best passage, such
 * as BAAI/bge-reranker-v2-m3. The index must store texts. If the search has a {@link
 * HybridQuery#timeout} and it passes meanwhile, hits keep the order of the fusion, and {@link
 * SearchResult#partial} says so.
 *
 * @param scorer scores them, {@link PassageScorer#of} a {@link io.luciole.CrossEncoder}
 * @param depth how many of the fused list, at least 1; the others keep their order behind them
 */
public record RerankByModel(PassageScorer scorer, int depth) {
  /** Checks the components. */
  public RerankByModel {
    requireNonNull(scorer, "scorer");
    if (depth < 1) {
      throw new IllegalArgumentException("depth must be at least 1, got " + depth);
    }
  }
}
