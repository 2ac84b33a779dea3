package io.luciole.lucene.eval;

import static java.util.Objects.requireNonNull;

import io.luciole.lucene.Fusion;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SchemaFields;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.SourceException;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.IntConsumer;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.FieldExistsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.jspecify.annotations.Nullable;

/**
 * Measures how well an index answers queries with known answers: every leg by itself, and their
 * fusions. The definitions are those of trec_eval: linear gain, logarithmic discount. Means are
 * over the queries that have a relevant document; a query that finds nothing counts 0. Immutable.
 */
public final class Evaluation {
  /** The length of the legs' own lists, as far as no depth is set. */
  private static final int LEGS_DEPTH = 1000;

  private final HybridSearcher searcher;
  private final List<Fusion> fusions;
  private final @Nullable Integer depth;
  private final HybridQuery.@Nullable Rerank rerank;
  private final @Nullable Query filter;
  private final boolean ignoreIdenticalIds;

  private Evaluation(
      HybridSearcher searcher,
      List<Fusion> fusions,
      @Nullable Integer depth,
      HybridQuery.@Nullable Rerank rerank,
      @Nullable Query filter,
      boolean ignoreIdenticalIds) {
    this.searcher = searcher;
    this.fusions = List.copyOf(fusions);
    this.depth = depth;
    this.rerank = rerank;
    this.filter = filter;
    this.ignoreIdenticalIds = ignoreIdenticalIds;
  }

  /**
   * Makes an evaluation of every leg that the searcher has and, where there are several, of their
   * default fusion. Fusions are measured as searches without a depth make them, the legs' own lists
   * to a depth of 1000.
   *
   * @param searcher the searcher
   * @return the evaluation
   */
  public static Evaluation of(HybridSearcher searcher) {
    return new Evaluation(
        requireNonNull(searcher, "searcher"), List.of(Fusion.usual()), null, null, null, false);
  }

  /**
   * Sets the fusions to evaluate. Their rows have their names.
   *
   * @param fusions the fusions, at least one
   * @return a changed copy
   * @throws IllegalArgumentException if there are none
   */
  public Evaluation fusions(List<Fusion> fusions) {
    if (fusions.isEmpty()) {
      throw new IllegalArgumentException("expected at least one fusion, got none");
    }
    return new Evaluation(searcher, fusions, depth, rerank, filter, ignoreIdenticalIds);
  }

  /**
   * Sets the length of each leg's list, as {@link HybridQuery#depth(int)} does.
   *
   * @param depth the length, at least 100, where the recall is measured
   * @return a changed copy
   * @throws IllegalArgumentException if it is below 100
   */
  public Evaluation depth(int depth) {
    if (depth < 100) {
      throw new IllegalArgumentException("depth must be at least 100, got " + depth);
    }
    return new Evaluation(searcher, fusions, depth, rerank, filter, ignoreIdenticalIds);
  }

  /**
   * Adds a row for each fusion: its list with the best reranked.
   *
   * @param rerank how many, and by which scores
   * @return a changed copy
   */
  public Evaluation rerank(HybridQuery.Rerank rerank) {
    requireNonNull(rerank, "rerank");
    return new Evaluation(searcher, fusions, depth, rerank, filter, ignoreIdenticalIds);
  }

  /**
   * Sets whether a query's own document, which has the query's id, is left out of what is searched,
   * as in BEIR's option {@code ignore_identical_ids}. By default it is not. In ArguAna and Quora
   * queries are documents of the collection, and every leg finds them first.
   *
   * @param ignore whether it is left out
   * @return a changed copy
   */
  public Evaluation ignoreIdenticalIds(boolean ignore) {
    return new Evaluation(searcher, fusions, depth, rerank, filter, ignore);
  }

  /**
   * Searches only documents that match a filter. Judged documents that do not match count as not
   * found.
   *
   * @param filter the filter, as {@link HybridQuery#filter(Query)} takes it
   * @return a changed copy
   */
  public Evaluation filter(Query filter) {
    requireNonNull(filter, "filter");
    return new Evaluation(searcher, fusions, depth, rerank, filter, ignoreIdenticalIds);
  }

  /**
   * Searches with every query and compares the answers with the judgements.
   *
   * @param queries the queries
   * @param qrels the judgements
   * @param progress told the number of queries done, on the calling thread
   * @return the figures
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
          false);
    }
    Set<Leg> legs = searcher.legs();
    Map<Leg, Map<String, List<ScoredId>>> byLeg = new EnumMap<>(Leg.class);
    Map<String, Map<String, List<ScoredId>>> byFusion = new LinkedHashMap<>();
    int done = 0;
    for (EvaluationQuery query : judged) {
      HybridQuery plain = plain(query).legs(legs);
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

  private HybridQuery plain(EvaluationQuery query) {
    HybridQuery plain = HybridQuery.of(query.text()).top(0);
    // A page behind the thousandth hit: the legs find so many, and no hit is read.
    plain = depth == null ? plain.offset(LEGS_DEPTH) : plain.depth(depth);
    if (!ignoreIdenticalIds || !searcher.contains(query.id())) {
      return filter == null ? plain : plain.filter(filter);
    }
    return plain.filter(
        new BooleanQuery.Builder()
            .add(filter == null ? new FieldExistsQuery(SchemaFields.ID) : filter, Occur.FILTER)
            .add(new TermQuery(new Term(SchemaFields.ID, query.id())), Occur.MUST_NOT)
            .build());
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
