package io.luciole.lucene.eval;

import io.luciole.lucene.Leg;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

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

  /** {@return the table with its rows and runs in the order of nDCG@10, the best first} */
  public EvaluationTable bestFirst() {
    List<Integer> order =
        IntStream.range(0, rows.size())
            .boxed()
            .sorted(Comparator.comparingDouble(row -> -rows.get(row).ndcg10()))
            .toList();
    return new EvaluationTable(
        order.stream().map(rows::get).toList(),
        order.stream().map(runs::get).toList(),
        queries,
        unjudged);
  }

  /** {@return the runs of the legs, for {@link FusionTuning}} */
  public Map<Leg, RankedRun> legRuns() {
    Map<Leg, RankedRun> legs = new EnumMap<>(Leg.class);
    for (RankedRun run : runs) {
      for (Leg leg : Leg.values()) {
        if (leg.id().equals(run.name())) {
          legs.put(leg, run);
        }
      }
    }
    return legs;
  }

  /**
   * Writes a table for people.
   *
   * @return a line of headings, then a line for each row, in columns
   */
  public String format() {
    int width = rows.stream().mapToInt(row -> row.name().length()).max().orElse(0);
    String form = "%-" + Math.max(4, width) + "s";
    StringBuilder table = new StringBuilder();
    table.append(
        String.format(
            Locale.ROOT,
            form + "  %7s  %7s  %10s  %7s\n",
            "",
            "nDCG@10",
            "MRR@10",
            "Recall@100",
            "MAP"));
    for (Row row : rows) {
      table.append(
          String.format(
              Locale.ROOT,
              form + "  %7.4f  %7.4f  %10.4f  %7.4f\n",
              row.name(),
              row.ndcg10(),
              row.mrr10(),
              row.recall100(),
              row.map()));
    }
    return table.toString();
  }

  /**
   * Writes the figures of each query.
   *
   * @param qrels the judgements
   * @return a line for each query and row, {@code
   *     query<TAB>name<TAB>ndcg10<TAB>mrr10<TAB>recall100<TAB>map}
   */
  public String perQuery(Qrels qrels) {
    StringBuilder lines = new StringBuilder();
    for (RankedRun run : runs) {
      run.rankings()
          .forEach((query, ranking) -> {
            lines.append(query).append('\t').append(run.name());
            for (Metric metric :
                List.of(Metric.NDCG_10, Metric.MRR_10, Metric.RECALL_100, Metric.MAP)) {
              lines.append(
                  String.format(Locale.ROOT, "\t%.4f", metric.of(ranking, qrels.grades(query))));
            }
            lines.append('\n');
          });
    }
    return lines.toString();
  }

  /**
   * Writes the rows for programs.
   *
   * @return lines of {@code name<TAB>ndcg10<TAB>mrr10<TAB>recall100<TAB>map}, without headings
   */
  public String tsv() {
    StringBuilder lines = new StringBuilder();
    for (Row row : rows) {
      lines.append(
          String.format(
              Locale.ROOT,
              "%s\t%.4f\t%.4f\t%.4f\t%.4f\n",
              row.name(),
              row.ndcg10(),
              row.mrr10(),
              row.recall100(),
              row.map()));
    }
    return lines.toString();
  }
}
