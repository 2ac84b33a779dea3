package io.luciole.lucene;

import java.util.List;
import java.util.function.IntConsumer;

/** Measures how well an index answers queries with known answers. Immutable. */
public final class Evaluation {
  private Evaluation() {}

  /** An evaluation of every leg the searcher has and of their fusion by reciprocal rank. */
  public static Evaluation of(HybridSearcher searcher) {
    return NotYet.built();
  }

  /** The same with these fusions instead. */
  public Evaluation fusions(List<Fusion> fusions) {
    return NotYet.built();
  }

  /**
   * Searches with every query and compares the answers with the judgements.
   *
   * @param progress told the number of queries done, on the calling thread
   * @throws SourceException if no query has a relevant document
   */
  public EvaluationTable run(List<EvaluationQuery> queries, Qrels qrels, IntConsumer progress) {
    return NotYet.built();
  }
}
