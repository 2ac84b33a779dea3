package io.luciole.lucene.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.lucene.FakeModel;
import io.luciole.lucene.Fusion;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.SearchResult;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.SourceException;
import io.luciole.lucene.Texts;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EvaluationTest {
  @TempDir Path folder;

  private static List<ScoredId> ranking(String... ids) {
    List<ScoredId> ranking = new ArrayList<>();
    for (int i = 0; i < ids.length; i++) {
      ranking.add(new ScoredId(ids[i], ids.length - i));
    }
    return ranking;
  }

  private static List<String> ids(RankedRun run, String query) {
    return run.rankings().getOrDefault(query, List.of()).stream().map(ScoredId::id).toList();
  }

  @Test
  void metrics_ofAWorkedExample_areTrecEvals() {
    Map<String, Integer> grades = Map.of("a", 3, "b", 2, "c", 1, "x", 0, "lost", 1);
    List<ScoredId> ranking = ranking("x", "b", "u", "a", "c");
    // DCG = 2/log2(3) + 3/log2(5) + 1/log2(6); ideal = 3 + 2/log2(3) + 1/2 + 1/log2(5)
    double dcg = 1.2618595 + 1.2920297 + 0.3868528;
    double ideal = 3 + 1.2618595 + 0.5 + 0.4306766;
    assertThat(RankingMetrics.ndcg(ranking, grades, 10)).isCloseTo(dcg / ideal, within(1e-6));
    assertThat(RankingMetrics.ndcg(ranking, grades, 2))
        .isCloseTo(1.2618595 / (3 + 1.2618595), within(1e-6));
    assertThat(RankingMetrics.reciprocalRank(ranking, grades, 10)).isEqualTo(0.5);
    assertThat(RankingMetrics.reciprocalRank(ranking, grades, 1)).isZero();
    assertThat(RankingMetrics.recall(ranking, grades, 4)).isEqualTo(0.5);
    assertThat(RankingMetrics.averagePrecision(ranking, grades))
        .isCloseTo((1 / 2.0 + 2 / 4.0 + 3 / 5.0) / 4, within(1e-12));
    assertThat(RankingMetrics.ndcg(List.of(), grades, 10)).isZero();
    assertThat(RankingMetrics.ndcg(ranking("a", "b", "c", "lost"), grades, 10)).isEqualTo(1);
  }

  @Test
  void duplicateInARanking_countsOnce() {
    Map<String, Integer> grades = Map.of("a", 1, "b", 1);
    assertThat(RankingMetrics.recall(ranking("a", "a", "a"), grades, 10)).isEqualTo(0.5);
    assertThat(RankingMetrics.averagePrecision(ranking("a", "a", "b"), grades)).isEqualTo(1);
  }

  @Test
  void evaluation_ofDocumentsByTheirOwnText_isPerfect() throws IOException {
    List<SourceDocument> documents = new Texts(5).documents(150);
    List<EvaluationQuery> queries = new ArrayList<>();
    Map<String, Map<String, Integer>> grades = new LinkedHashMap<>();
    for (int i = 0; i < 20; i++) {
      queries.add(new EvaluationQuery("q" + i, documents.get(i * 7).text()));
      grades.put("q" + i, Map.of("d" + i * 7, 1));
    }
    queries.add(new EvaluationQuery("unjudged", "x"));
    Path index = folder.resolve("index");
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
        indexer.indexAll(documents.iterator(), progress -> {});
      }
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        List<Integer> progress = new ArrayList<>();
        EvaluationTable table =
            Evaluation.of(searcher).run(queries, Qrels.of(grades), progress::add);
        assertThat(table.rows())
            .extracting(EvaluationTable.Row::name)
            .containsExactly("dense", "sparse", "bm25", "auto");
        assertThat(table.rows()).allMatch(row -> row.recall100() == 1);
        assertThat(table.rows().get(0).ndcg10()).isEqualTo(1);
        assertThat(table.queries()).isEqualTo(20);
        assertThat(table.unjudged()).isEqualTo(1);
        assertThat(progress).hasSize(20).endsWith(20);
        assertThat(table.tsv().lines()).hasSize(4).allMatch(line -> line.split("\t").length == 5);
        assertThat(table.tsv()).startsWith("dense\t1.0000\t1.0000\t1.0000\t1.0000\n");
        assertThat(table.format().lines()).hasSize(5);

        Path file = folder.resolve("run.trec");
        table.runs().get(3).writeTrec(file);
        RankedRun read = RankedRun.readTrec(file, "read");
        assertThat(read.rankings().keySet()).isEqualTo(table.runs().get(3).rankings().keySet());
        read.rankings()
            .forEach((query, list) -> {
              assertThat(list.stream().map(ScoredId::id).toList())
                  .isEqualTo(ids(table.runs().get(3), query));
              for (int i = 1; i < list.size(); i++) {
                assertThat((float) list.get(i).score()).isLessThan((float) list.get(i - 1).score());
              }
            });
        for (EvaluationQuery query : queries.subList(0, 20)) {
          SearchResult searched = searcher.search(HybridQuery.of(query.text()).top(100));
          assertThat(ids(table.runs().get(3), query.id()).subList(0, 100))
              .as("what a search gives")
              .isEqualTo(searched.hits().stream().map(Hit::id).toList());
        }
        assertThatThrownBy(() ->
                Evaluation.of(searcher)
                    .run(queries, Qrels.of(Map.of("other", Map.of("d", 1))), progress::add))
            .isInstanceOf(SourceException.class)
            .hasMessageContaining("belong together");
      }
    }
  }

  @Test
  void randomisation_ofAWorkedExample_countsTheSwapsThatAreAsLarge() {
    // Of the 8 ways to swap 3 queries, the sums are ±6, ±4, ±2, 0, 0: two are as large as 6.
    double p = Significance.pValue(new double[] {1, 2, 3}, 200_000, 42);
    assertThat(p).isCloseTo(2 / 8.0, within(0.005));
    assertThat(Significance.pValue(new double[] {0, 0, 0, 0}, 100, 42)).isEqualTo(1);
    double[] clear = new double[100];
    Arrays.fill(clear, 0.1);
    assertThat(Significance.pValue(clear, 1000, 42)).isEqualTo(1 / 1001.0);
  }

  @Test
  void significance_ofARunWithItself_isNone() {
    Qrels qrels = Qrels.of(Map.of("q", Map.of("a", 1), "r", Map.of("b", 1), "s", Map.of("c", 0)));
    RankedRun run = new RankedRun("run", Map.of("q", ranking("a"), "r", ranking("a", "b")));
    RankedRun worse = new RankedRun("worse", Map.of("q", ranking("b", "a")));
    Significance same = Significance.between(run, run, qrels, Metric.MRR_10, 1000, 1);
    assertThat(same.queries()).isEqualTo(2);
    assertThat(same.pValue()).isEqualTo(1);
    Significance other = Significance.between(run, worse, qrels, Metric.MRR_10, 1000, 1);
    assertThat(other.first()).isEqualTo(0.75);
    assertThat(other.second()).isEqualTo(0.25);
    assertThat(other.pValue()).isGreaterThan(0.3);
  }

  @Test
  void tuning_findsTheLegThatKnows_andHoldsQueriesOut() {
    Map<String, Map<String, Integer>> grades = new LinkedHashMap<>();
    Map<String, List<ScoredId>> good = new LinkedHashMap<>();
    Map<String, List<ScoredId>> bad = new LinkedHashMap<>();
    for (int q = 0; q < 40; q++) {
      grades.put("q" + q, Map.of("right" + q, 1));
      good.put("q" + q, ranking("right" + q, "wrong" + q, "x"));
      bad.put("q" + q, ranking("wrong" + q, "y", "z"));
    }
    FusionTuning tuning =
        FusionTuning.search(
            Map.of(Leg.DENSE, new RankedRun("dense", good), Leg.BM25, new RankedRun("bm25", bad)),
            Qrels.of(grades),
            Metric.NDCG_10,
            List.of(Fusion.rrf(), Fusion.minMax()),
            List.of(0.0, 0.3, 1.0),
            5,
            1);
    assertThat(tuning.bestScore()).isEqualTo(1);
    assertThat(tuning.heldOut()).isEqualTo(1);
    assertThat(tuning.folds()).hasSize(5);
    assertThat(tuning.best().weights().getOrDefault(Leg.DENSE, 0.0))
        .isGreaterThan(tuning.best().weights().getOrDefault(Leg.BM25, 0.0));
    assertThatThrownBy(() ->
            FusionTuning.search(
                Map.of(Leg.DENSE, new RankedRun("dense", good)),
                Qrels.of(grades),
                Metric.MAP,
                List.of(Fusion.rrf()),
                List.of(1.0),
                41,
                1))
        .hasMessageContaining("41");
  }

  /** A train/test split: judgements of all queries, of which half are asked. */
  @Test
  void queriesThatWereNotAsked_countNowhere() {
    Map<String, Map<String, Integer>> grades = new LinkedHashMap<>();
    Map<String, List<ScoredId>> good = new LinkedHashMap<>();
    Map<String, List<ScoredId>> bad = new LinkedHashMap<>();
    for (int q = 0; q < 40; q++) {
      grades.put("q" + q, Map.of("right", 1));
      if (q % 2 == 0) {
        good.put("q" + q, ranking("right", "wrong"));
        bad.put("q" + q, ranking("wrong", "right"));
      }
    }
    Qrels qrels = Qrels.of(grades);
    RankedRun best = new RankedRun("dense", good);
    RankedRun worse = new RankedRun("bm25", bad);
    FusionTuning tuning =
        FusionTuning.search(
            Map.of(Leg.DENSE, best, Leg.BM25, worse),
            qrels,
            Metric.MRR_10,
            List.of(Fusion.rrf()),
            List.of(0.0, 1.0),
            5,
            1);
    assertThat(tuning.bestScore()).isEqualTo(1);
    assertThat(tuning.heldOut()).isEqualTo(1);
    Significance difference = Significance.between(best, worse, qrels, Metric.MRR_10, 1000, 1);
    assertThat(difference.queries()).isEqualTo(20);
    assertThat(difference.first()).isEqualTo(Evaluation.row(best, qrels).mrr10()).isEqualTo(1);
    assertThat(difference.second()).isEqualTo(0.5);
    // The other run may have more queries than were asked.
    bad.put("q1", ranking("right"));
    RankedRun longer = new RankedRun("longer", bad);
    assertThat(Significance.between(best, longer, qrels, Metric.MRR_10, 1000, 1).second())
        .isEqualTo(0.5);
  }

  /** As in ArguAna: a query is a document, and the answer is another one. */
  @Test
  void ownDocumentOfAQuery_isLeftOutWhereAsked() {
    List<SourceDocument> documents = new Texts(6).documents(150);
    List<EvaluationQuery> queries = new ArrayList<>();
    Map<String, Map<String, Integer>> grades = new LinkedHashMap<>();
    List<SourceDocument> indexed = new ArrayList<>(documents);
    for (int i = 0; i < 10; i++) {
      SourceDocument asked = documents.get(i);
      queries.add(new EvaluationQuery(asked.id(), asked.text()));
      indexed.add(SourceDocument.of("answer" + i, asked.title(), asked.text() + " indeed"));
      grades.put(asked.id(), Map.of("answer" + i, 1));
    }
    queries.add(new EvaluationQuery("not in the index", documents.get(0).text()));
    grades.put("not in the index", Map.of(documents.get(0).id(), 1, "answer0", 1));
    Path index = folder.resolve("index");
    try (EmbeddingEngine engine = new FakeModel(Output.DENSE, Output.SPARSE).open()) {
      try (HybridIndexer indexer = HybridIndexer.open(index, engine)) {
        indexer.indexAll(indexed.iterator(), progress -> {});
      }
      try (HybridSearcher searcher = HybridSearcher.open(index, engine)) {
        Qrels qrels = Qrels.of(grades);
        EvaluationTable with = Evaluation.of(searcher).run(queries, qrels, done -> {});
        EvaluationTable without =
            Evaluation.of(searcher).ignoreIdenticalIds(true).run(queries, qrels, done -> {});
        assertThat(with.rows().get(0).mrr10()).isLessThan(0.7);
        assertThat(without.rows())
            .filteredOn(row -> !row.name().equals("sparse"))
            .hasSize(3)
            .allMatch(row -> row.mrr10() == 1);
        for (RankedRun run : without.runs()) {
          run.rankings()
              .forEach(
                  (query, list) -> assertThat(list).extracting(ScoredId::id).doesNotContain(query));
        }
      }
    }
  }

  @Test
  void tuning_onNoise_promisesNoMoreThanItHolds() {
    // What is best on noise by chance must not be what is reported as held out.
    Random random = new Random(9);
    Map<String, Map<String, Integer>> grades = new LinkedHashMap<>();
    Map<String, List<ScoredId>> a = new LinkedHashMap<>();
    Map<String, List<ScoredId>> b = new LinkedHashMap<>();
    for (int q = 0; q < 30; q++) {
      grades.put("q" + q, Map.of("d" + random.nextInt(10), 1));
      a.put("q" + q, noise(random));
      b.put("q" + q, noise(random));
    }
    FusionTuning tuning =
        FusionTuning.search(
            Map.of(Leg.DENSE, new RankedRun("dense", a), Leg.BM25, new RankedRun("bm25", b)),
            Qrels.of(grades),
            Metric.MRR_10,
            List.of(Fusion.rrf(), Fusion.minMax(), Fusion.parse("sum"), Fusion.zScore()),
            List.of(0.0, 0.1, 0.3, 0.5, 1.0),
            10,
            1);
    assertThat(tuning.heldOut()).isLessThanOrEqualTo(tuning.bestScore());
  }

  private static List<ScoredId> noise(Random random) {
    List<ScoredId> list = new ArrayList<>();
    for (int d = 0; d < 10; d++) {
      list.add(new ScoredId("d" + d, random.nextDouble()));
    }
    list.sort((x, y) -> Double.compare(y.score(), x.score()));
    return list;
  }
}
