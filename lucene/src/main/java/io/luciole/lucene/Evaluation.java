package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Measures how well an index answers queries with known answers: every leg by itself, and their
 * fusions. Definitions are those of trec_eval: linear gain, logarithmic discount; means are over
 * the queries that have a relevant document, one that finds nothing counting 0. Immutable.
 */
public final class Evaluation {
  /** The length of each leg's list. */
  static final int DEFAULT_DEPTH = 1000;

  private final HybridSearcher searcher;
  private final List<Fusion> fusions;
  private final int depth;
  private final HybridQuery.@Nullable Rerank rerank;

  private Evaluation(
      HybridSearcher searcher,
      List<Fusion> fusions,
      int depth,
      HybridQuery.@Nullable Rerank rerank) {
    this.searcher = searcher;
    this.fusions = List.copyOf(fusions);
    this.depth = depth;
    this.rerank = rerank;
  }

  /**
   * An evaluation of every leg the searcher has and, where there are several, of their usual
   * fusion; lists 1000 long.
   */
  public static Evaluation of(HybridSearcher searcher) {
    return new Evaluation(
        requireNonNull(searcher, "searcher"), List.of(Fusion.usual()), DEFAULT_DEPTH, null);
  }

  /** The same with these fusions instead; their rows bear their names. */
  public Evaluation fusions(List<Fusion> fusions) {
    if (fusions.isEmpty()) {
      throw new IllegalArgumentException("expected at least one fusion, got none");
    }
    return new Evaluation(searcher, fusions, depth, rerank);
  }

  /**
   * The same with each leg's list this long.
   *
   * @throws IllegalArgumentException if it is below 100, which the recall is measured at
   */
  public Evaluation depth(int depth) {
    if (depth < 100) {
      throw new IllegalArgumentException("depth must be at least 100, got " + depth);
    }
    return new Evaluation(searcher, fusions, depth, rerank);
  }

  /** The same with, for each fusion, a row more: its best scored again. */
  public Evaluation rerank(HybridQuery.Rerank rerank) {
    return new Evaluation(searcher, fusions, depth, requireNonNull(rerank, "rerank"));
  }

  /**
   * Searches with every query and compares the answers with the judgements.
   *
   * @param progress told the number of queries done, on the calling thread
   * @throws SourceException if no query has a relevant document
   */
  public EvaluationTable run(List<EvaluationQuery> queries, Qrels qrels, IntConsumer progress) {
    requireNonNull(progress, "progress");
    List<EvaluationQuery> judged =
        queries.stream().filter(query -> qrels.isJudged(query.id())).toList();
    if (judged.isEmpty()) {
      throw new SourceException(
          "Expected judgements for these queries, found a relevant document for none of the "
              + queries.size()
              + ". Do the two files belong together?",
          false,
          null);
    }
    Set<Leg> legs = searcher.legs();
    Map<Leg, Map<String, List<ScoredId>>> byLeg = new EnumMap<>(Leg.class);
    Map<String, Map<String, List<ScoredId>>> byFusion = new LinkedHashMap<>();
    int done = 0;
    for (EvaluationQuery query : judged) {
      HybridQuery plain = HybridQuery.of(query.text()).top(0).legs(legs).depth(depth);
      List<SearchResult> answers = searcher.search(plain, fusions);
      put(byFusion, query, answers, "");
      if (rerank != null) {
        put(byFusion, query, searcher.search(plain.rerank(rerank), fusions), "+rerank");
      }
      answers
          .get(0)
          .legs()
          .forEach((leg, list) ->
              byLeg.computeIfAbsent(leg, l -> new LinkedHashMap<>()).put(query.id(), list));
      progress.accept(++done);
    }
    List<RankedRun> runs = new ArrayList<>();
    byLeg.forEach((leg, rankings) -> runs.add(new RankedRun(leg.id(), rankings)));
    if (legs.size() > 1 || rerank != null) {
      byFusion.forEach((name, rankings) -> runs.add(new RankedRun(name, rankings)));
    }
    return table(runs, qrels, queries.size() - judged.size());
  }

  private void put(
      Map<String, Map<String, List<ScoredId>>> byFusion,
      EvaluationQuery query,
      List<SearchResult> answers,
      String suffix) {
    for (int f = 0; f < fusions.size(); f++) {
      byFusion
          .computeIfAbsent(fusions.get(f).name() + suffix, name -> new LinkedHashMap<>())
          .put(query.id(), answers.get(f).fused());
    }
  }

  private static EvaluationTable table(List<RankedRun> runs, Qrels qrels, int unjudged) {
    List<EvaluationTable.Row> rows = runs.stream().map(run -> row(run, qrels)).toList();
    return new EvaluationTable(rows, runs, runs.get(0).rankings().size(), unjudged);
  }

  /** The figures of a run, over the queries it has rankings for. */
  static EvaluationTable.Row row(RankedRun run, Qrels qrels) {
    return new EvaluationTable.Row(
        run.name(),
        mean(run, qrels, Metric.NDCG_10),
        mean(run, qrels, Metric.MRR_10),
        mean(run, qrels, Metric.RECALL_100),
        mean(run, qrels, Metric.MAP));
  }

  private static double mean(RankedRun run, Qrels qrels, Metric metric) {
    return run.rankings().entrySet().stream()
        .mapToDouble(ranking -> metric.of(ranking.getValue(), qrels.grades(ranking.getKey())))
        .average()
        .orElse(0);
  }
}
