package io.luciole.lucene;

import java.util.List;

/**
 * Quality figures, one row for each leg and fusion.
 *
 * @param rows the figures, legs first
 * @param runs the rankings behind the rows, in the same order
 * @param queries the number of queries the means are over: those with a relevant document
 * @param unjudged the number of queries left out because they have none
 */
public record EvaluationTable(List<Row> rows, List<RankedRun> runs, int queries, int unjudged) {
  /**
   * One way of searching and how good it was, each a mean over the queries from 0 to 1.
   *
   * @param name a leg's or a fusion's name
   * @param ndcg10 nDCG@10
   * @param mrr10 MRR@10
   * @param recall100 Recall@100
   * @param map mean average precision over the whole list
   */
  public record Row(String name, double ndcg10, double mrr10, double recall100, double map) {}

  /** Copies the lists. */
  public EvaluationTable {
    rows = List.copyOf(rows);
    runs = List.copyOf(runs);
  }

  /** A table for people: a line of headings, then a line for each row, in columns. */
  public String format() {
    return NotYet.built();
  }

  /** Lines of {@code name<TAB>ndcg10<TAB>mrr10<TAB>recall100<TAB>map}, without headings. */
  public String tsv() {
    return NotYet.built();
  }
}
