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
