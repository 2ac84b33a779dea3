package io.luciole.lucene.eval;

import io.luciole.lucene.ScoredId;
import java.util.List;
import java.util.Map;

/** A figure of a ranking's quality, from 0 to 1, by the definitions of trec_eval. */
public enum Metric {
  /** Normalised discounted cumulative gain of the first 10, with the grade as gain. */
  NDCG_10 {
    @Override
    public double of(List<ScoredId> ranking, Map<String, Integer> grades) {
      return RankingMetrics.ndcg(ranking, grades, 10);
    }
  },
  /** One over the rank of the first relevant document among the first 10. */
  MRR_10 {
    @Override
    public double of(List<ScoredId> ranking, Map<String, Integer> grades) {
      return RankingMetrics.reciprocalRank(ranking, grades, 10);
    }
  },
  /** The share of the relevant documents among the first 100. */
  RECALL_100 {
    @Override
    public double of(List<ScoredId> ranking, Map<String, Integer> grades) {
      return RankingMetrics.recall(ranking, grades, 100);
    }
  },
  /** Average precision over the whole list. */
  MAP {
    @Override
    public double of(List<ScoredId> ranking, Map<String, Integer> grades) {
      return RankingMetrics.averagePrecision(ranking, grades);
    }
  };

  /**
   * Computes the figure of one ranking.
   *
   * @param ranking documents, best first
   * @param grades the grades of the judged documents; a document of grade 0 or less is not relevant
   * @return the figure, from 0 to 1
   */
  public abstract double of(List<ScoredId> ranking, Map<String, Integer> grades);
}
