package io.luciole.lucene;

import java.util.ArrayList;
import java.util.List;

/**
 * The lengths of the legs' lists in a search that is given no depth: 100, and for later pages 1000
 * and 10,000. What is ranked by shorter lists keeps its place, and what longer ones find comes
 * behind it; so the first hits do not depend on how many are asked for, and pages fit together.
 */
final class DepthSteps {
  static final int FIRST = HybridQuery.DEFAULT_DEPTH;

  /** No page reaches beyond what the legs find at this depth. */
  static final int LAST = 10_000;

  private DepthSteps() {}

  /**
   * The steps of a query, ascending. What is sorted by fields would be sorted anew by longer lists,
   * so that it has the first step alone; a depth of its own makes one step of all.
   */
  static List<Integer> of(HybridQuery query) {
    if (query.hasDepth()) {
      return List.of(Integer.MAX_VALUE);
    }
    if (!query.arrangement().sort().isEmpty()) {
      return List.of(FIRST);
    }
    int reranked = query.rerank().map(HybridQuery.Rerank::depth).orElse(0);
    return upTo(Math.max(reranked, (long) query.offset() + query.top()));
  }

  /** The steps for so many hits, ascending. */
  static List<Integer> upTo(long hits) {
    List<Integer> steps = new ArrayList<>();
    int step = FIRST;
    steps.add(step);
    while (step < hits && step < LAST) {
      step *= 10;
      steps.add(step);
    }
    return steps;
  }
}
