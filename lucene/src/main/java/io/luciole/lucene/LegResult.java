package io.luciole.lucene;

import java.util.List;
import org.apache.lucene.search.ScoreDoc;

/**
 * One leg's list, as a fusion takes it.
 *
 * @param leg the leg
 * @param weight what the leg counts in the fusion
 * @param hits documents with the leg's own scores, best first, ties in the index's order
 */
record LegResult(Leg leg, double weight, List<ScoreDoc> hits) {
  FusionSums.Ranked<Integer> ranked() {
    float[] scores = new float[hits.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = hits.get(i).score;
    }
    return new FusionSums.Ranked<>(hits.stream().map(hit -> hit.doc).toList(), scores, weight);
  }
}
