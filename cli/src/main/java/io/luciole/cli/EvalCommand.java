package io.luciole.cli;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Role;
import io.luciole.cli.embed.OutputPath;
import io.luciole.lucene.Fusion;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.eval.Evaluation;
import io.luciole.lucene.eval.EvaluationQuery;
import io.luciole.lucene.eval.EvaluationTable;
import io.luciole.lucene.eval.FusionTuning;
import io.luciole.lucene.eval.Metric;
import io.luciole.lucene.eval.Qrels;
import io.luciole.lucene.eval.RankedRun;
import io.luciole.lucene.eval.Significance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.apache.lucene.search.Query;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code luciole eval}. */
@Command(
    name = "eval",
    description = "Measure how well an index answers queries with known answers.",
    footer = {
      "",
      "Prints nDCG@10, MRR@10, Recall@100 and MAP of each leg and fusion.",
      "",
      "Examples:",
      "  luciole eval --index my-index --queries queries.jsonl --qrels qrels.tsv",
      "  luciole eval --index my-index --queries queries.jsonl --qrels qrels.tsv --run fused.trec",
      "  luciole eval --index my-index --queries queries.jsonl --qrels qrels.tsv --fusion"
          + " auto,rrf,dbsf \\",
      "    --tune --compare yesterday.trec"
    })
final class EvalCommand implements Callable<Integer> {
  private static final List<Double> GRID = List.of(0.0, 0.25, 0.5, 0.75, 1.0);
  private static final int PARTS = 5;
  private static final long SEED = 1;

  /** What a file is to hold. */
  private interface Content {
    void writeTo(Path file) throws IOException;
  }

  private final Console console;

  @Spec private CommandSpec command = CommandSpec.create();

  @Mixin private EngineOptions engineOptions = new EngineOptions();

  @Mixin private IndexOption index = new IndexOption();

  @Mixin private FilterOption filter = new FilterOption();

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
      names = "--fusion",
      paramLabel = "NAME",
      split = ",",
      converter = FusionOptions.FusionConverter.class,
      completionCandidates = FusionOptions.FusionNames.class,
      description =
          "Fusions to measure, with commas between: ${COMPLETION-CANDIDATES}, or rrf:K; auto by"
              + " default.")
  private List<Fusion> fusions = List.of(Fusion.usual());

  @Option(
      names = "--depth",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description =
          "How many documents each leg finds, at least 100. By default fusions are measured as"
              + " luciole search makes them, and the legs' own lists to a depth of 1000.")
  private @Nullable Integer depth;

  @Option(
      names = "--rerank",
      paramLabel = "N",
      converter = Choice.Positive.class,
      description = "Measure each fusion with its best N reranked by token vectors, too.")
  private @Nullable Integer rerank;

  @Option(
      names = "--run",
      paramLabel = "OUT",
      description = {
        "Write a ranking as a TREC run, which trec_eval reads: the last of the table. A file is"
            + " there whole or not at all; - is standard output."
      })
  private @Nullable Path run;

  @Option(
      names = "--row",
      paramLabel = "NAME",
      description = "Which ranking of the table --run and --compare take, such as dense or auto.")
  private @Nullable String row;

  @Option(
      names = "--per-query",
      paramLabel = "OUT",
      description = "Write each ranking's figures for each query, with tabs between.")
  private @Nullable Path perQuery;

  @Option(
      names = "--compare",
      paramLabel = "RUN",
      description = "A TREC run to compare with, by a paired randomisation test of nDCG@10.")
  private @Nullable Path compare;

  @Option(
      names = "--tune",
      description = {
        "Look for weights of the legs on a grid, by five-fold cross-validation, and say what to"
            + " expect of them."
      })
  private boolean tune;

  @Option(
      names = "--ignore-identical-ids",
      description = {
        "Leave a query's own document out, which has the query's id, as BEIR does for ArguAna and"
            + " Quora."
      })
  private boolean ignoreIdenticalIds;

  @Option(names = "--tsv", description = "Print name and figures with tabs between, no headings.")
  private boolean tsv;

  EvalCommand(Console console) {
    this.console = console;
  }

  @Override
  public Integer call() throws IOException {
    if (tune && depth != null) {
      throw new ParameterException(
          command.commandLine(),
          "--tune measures what searches without --depth give: leave out one");
    }
    LucioleConfig config = LucioleConfig.load().requireKnown();
    requireOtherOutputs();
    List<EvaluationQuery> asked = EvaluationQuery.readBeir(queries);
    Qrels judged = Qrels.read(qrels);
    @Nullable RankedRun other = compare == null ? null : other(compare, judged);
    try (@Nullable WholeFile file = whole(run);
        @Nullable WholeFile queryFile = whole(perQuery);
        EmbeddingEngine engine =
            engineOptions.openForIndex(index.folder(), config, Set.of(Role.QUERY));
        HybridSearcher searcher = HybridSearcher.open(index.folder(), engine)) {
      Evaluation evaluation = evaluation(searcher);
      requireRow(evaluation, asked, judged);
      EvaluationTable table = evaluate(console, evaluation, searcher, asked, judged);
      if (run != null) {
        write(file, chosen(table)::writeTrec);
      }
      if (perQuery != null) {
        write(queryFile, to -> Files.writeString(to, table.perQuery(judged)));
      }
      console.out().print(tsv ? table.tsv() : table.format());
      if (other != null) {
        compare(chosen(table), other, judged);
      }
      if (tune) {
        tune(table, judged);
      }
      return 0;
    }
  }

  /** Inputs stay as they are, a run to compare with among them: it may be the better one. */
  private void requireOtherOutputs() {
    List<OutputPath.Named> written = new ArrayList<>();
    name("--run", run, written);
    name("--per-query", perQuery, written);
    List<OutputPath.Named> read = new ArrayList<>();
    name("--queries", queries, read);
    name("--qrels", qrels, read);
    name("--compare", compare, read);
    // What is written there would be lost, or be mixed with a file's.
    OutputPath.name("standard output", console.outFile(), read);
    OutputPath.name("standard error", console.errFile(), read);
    try {
      OutputPath.requireOthers(written, read);
    } catch (IOException e) {
      throw new CliException(Failures.message(e), e);
    }
  }

  private static void name(String flag, @Nullable Path file, List<OutputPath.Named> files) {
    if (file != null && !OutputPath.isStandardOutput(file.toString())) {
      files.add(new OutputPath.Named(flag, file));
    }
  }

  /** Begins a file; null if none is named, or standard output. */
  private static @Nullable WholeFile whole(@Nullable Path file) {
    return file == null || OutputPath.isStandardOutput(file.toString())
        ? null
        : WholeFile.create(file);
  }

  /** Writes a file, or to standard output what the file would hold. */
  private void write(@Nullable WholeFile file, Content content) throws IOException {
    if (file != null) {
      content.writeTo(file.path());
      file.commit();
      return;
    }
    Path part = Files.createTempFile("luciole", ".part");
    try {
      content.writeTo(part);
      console.out().print(Files.readString(part));
    } finally {
      Files.delete(part);
    }
  }

  private RankedRun other(Path file, Qrels judged) {
    RankedRun run = RankedRun.readTrec(file, "other").named(judged);
    return ignoreIdenticalIds ? run.withoutIdenticalIds() : run;
  }

  private Evaluation evaluation(HybridSearcher searcher) {
    Evaluation evaluation =
        Choice.usable(
                command,
                () -> {
                  Evaluation of = Evaluation.of(searcher).fusions(fusions);
                  return depth == null ? of : of.depth(depth);
                })
            .ignoreIdenticalIds(ignoreIdenticalIds);
    Query wanted = filter.query(searcher.schema()).orElse(null);
    if (wanted != null) {
      evaluation = evaluation.filter(wanted);
    }
    return rerank == null
        ? evaluation
        : evaluation.rerank(new HybridQuery.Rerank(rerank, HybridQuery.Rerank.COLBERT));
  }

  /** Has one query tell the names of the rows, so that a wrong name costs no more. */
  private void requireRow(Evaluation evaluation, List<EvaluationQuery> asked, Qrels judged) {
    if (row == null) {
      return;
    }
    asked.stream()
        .filter(query -> judged.isJudged(query.id()))
        .findFirst()
        .ifPresent(query -> {
          RankedRun unused = chosen(evaluation.run(List.of(query), judged, done -> {}));
        });
  }

  private RankedRun chosen(EvaluationTable table) {
    String wanted = row;
    if (wanted == null) {
      return table.runs().get(table.runs().size() - 1);
    }
    return table.runs().stream()
        .filter(r -> r.name().equals(wanted))
        .findFirst()
        .orElseThrow(() ->
            new CliException(
                "--row: expected one of "
                    + table.runs().stream().map(RankedRun::name).collect(Collectors.joining(", "))
                    + ", got \""
                    + wanted
                    + '"'));
  }

  private void compare(RankedRun ours, RankedRun other, Qrels judged) {
    Significance of =
        Significance.between(
            ours, other, judged, Metric.NDCG_10, Significance.DEFAULT_ROUNDS, SEED);
    console
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "nDCG@10 of %s %.4f, of %s %.4f: difference %+.4f over %,d queries, p = %.4f",
                ours.name(),
                of.first(),
                compare,
                of.second(),
                of.first() - of.second(),
                of.queries(),
                of.pValue()));
  }

  private void tune(EvaluationTable table, Qrels judged) {
    if (table.legRuns().size() < 2) {
      throw new CliException("--tune: expected an index with several legs, found one");
    }
    // Fixed weights take the place of those that follow the query.
    List<Fusion> tuned =
        fusions.stream()
            .map(fusion -> fusion.equals(Fusion.auto()) ? Fusion.softMaximum() : fusion)
            .distinct()
            .toList();
    FusionTuning tuning =
        Choice.possible(() ->
            FusionTuning.search(table.legRuns(), judged, Metric.NDCG_10, tuned, GRID, PARTS, SEED));
    console
        .out()
        .println(
            String.format(
                Locale.ROOT,
                "Best of the grid: %s, nDCG@10 %.4f on the queries it was chosen by; expect %.4f of"
                    + " new ones (%d-fold cross-validation)",
                tuning.best(),
                tuning.bestScore(),
                tuning.heldOut(),
                PARTS));
  }

  /** Evaluates, and reports queries and judgements that had to be left out. */
  static EvaluationTable evaluate(
      Console console, HybridSearcher searcher, List<EvaluationQuery> queries, Qrels qrels) {
    return evaluate(console, Evaluation.of(searcher), searcher, queries, qrels);
  }

  private static EvaluationTable evaluate(
      Console console,
      Evaluation evaluation,
      HybridSearcher searcher,
      List<EvaluationQuery> queries,
      Qrels qrels) {
    EvaluationTable table;
    try (Progress progress = new Progress(console, "Searching", "queries", queries.size())) {
      table = evaluation.run(queries, qrels, progress::to);
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
