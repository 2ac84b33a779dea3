package io.luciole.lucene;

import java.util.List;
import org.apache.lucene.search.ScoreDoc;

/**
 * One leg's list, as a fusion takes it.
 *
 * @param leg the leg
 * @param weight what the leg counts in the fusion
 * @param hits documents with the leg's own scores, best first, ties in the index's order
 * @param restIsZero whether all documents that are not in the list score 0: those of a leg of words
 *     or weights that gave fewer than asked for
 */
record LegResult(Leg leg, double weight, List<ScoreDoc> hits, boolean restIsZero) {
  /** The same list with another weight. */
  LegResult weighted(double other) {
    return new LegResult(leg, other, hits, restIsZero);
  }

  /** The first of the list. */
  LegResult first(int depth) {
    return hits.size() <= depth ? this : new LegResult(leg, weight, hits.subList(0, depth), false);
  }

  FusionSums.Ranked<Integer> ranked() {
    float[] scores = new float[hits.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = hits.get(i).score;
    }
    return new FusionSums.Ranked<>(
        hits.stream().map(hit -> hit.doc).toList(), scores, weight, restIsZero);
  }
}
