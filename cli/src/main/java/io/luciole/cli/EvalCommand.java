package io.luciole.cli;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.BeirReader;
import io.luciole.lucene.Evaluation;
import io.luciole.lucene.EvaluationQuery;
import io.luciole.lucene.EvaluationTable;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Qrels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code luciole eval}. */
@Command(
    name = "eval",
    description = "Measure how well an index answers queries with known answers.",
    footer = {
      "",
      "Prints nDCG@10, MRR@10 and Recall@100 of each leg and of their fusion.",
      "",
      "Examples:",
      "  luciole eval --index my-index --queries queries.jsonl --qrels qrels.tsv",
      "  luciole eval --index my-index --queries queries.jsonl --qrels qrels.tsv --run fused.trec"
    })
final class EvalCommand implements Callable<Integer> {
  private final Console console;

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  @Option(
      names = "--index",
      paramLabel = "DIR",
      required = true,
      description = "The index's folder.")
  private Path index = Path.of("");

  @Option(
      names = "--queries",
      paramLabel = "FILE",
      required = true,
      description = "Queries: JSON lines with _id and text (BEIR's queries.jsonl).")
  private Path queries = Path.of("");

  @Option(
      names = "--qrels",
      paramLabel = "FILE",
      required = true,
      description = "Judgements: query id, document id, grade, with tabs between; or TREC's.")
  private Path qrels = Path.of("");

  @Option(
      names = "--run",
      paramLabel = "OUT",
      description = "Write the fused ranking as a TREC run, which trec_eval reads.")
  private @Nullable Path run;

  @Option(names = "--tsv", description = "Print name and figures with tabs between, no headings.")
  private boolean tsv;

  EvalCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    LucioleConfig config = LucioleConfig.load();
    List<EvaluationQuery> asked = BeirReader.queries(queries);
    Qrels judged = BeirReader.qrels(qrels);
    try (@Nullable WholeFile file = run == null ? null : WholeFile.create(run);
        EmbeddingEngine engine = engineOptions.openForIndex(index, config);
        HybridSearcher searcher = HybridSearcher.open(index, engine)) {
      EvaluationTable table = evaluate(console, searcher, asked, judged);
      if (file != null) {
        table.runs().get(table.runs().size() - 1).writeTrec(file.path());
        file.commit();
      }
      console.out().print(tsv ? table.tsv() : table.format());
      return 0;
    }
  }

  /** Evaluates, and says what of the judgements could not count. */
  static EvaluationTable evaluate(
      Console console, HybridSearcher searcher, List<EvaluationQuery> queries, Qrels qrels) {
    EvaluationTable table;
    try (Progress progress = new Progress(console, "Searching", "queries", queries.size())) {
      table = Evaluation.of(searcher).run(queries, qrels, progress::to);
    }
    Set<String> known = new HashSet<>();
    queries.forEach(q -> known.add(q.id()));
    long strangers = qrels.queries().stream().filter(q -> !known.contains(q)).count();
    long missing =
        qrels.queries().stream()
            .filter(known::contains)
            .flatMap(q -> qrels.grades(q).keySet().stream())
            .distinct()
            .filter(id -> !searcher.contains(id))
            .count();
    note(console, table.unjudged(), "Queries left out for want of a relevant document");
    note(console, strangers, "Judged queries left out that are not among the queries");
    note(console, missing, "Judged documents that are not in the index, counted as not found");
    return table;
  }

  private static void note(Console console, long count, String what) {
    if (count > 0) {
      console.err().println(what + ": " + count);
    }
  }
}
