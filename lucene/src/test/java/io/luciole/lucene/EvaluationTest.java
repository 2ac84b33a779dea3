package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
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
            .containsExactly("dense", "sparse", "bm25", "rrf:60");
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
        assertThatThrownBy(() ->
                Evaluation.of(searcher)
                    .run(queries, Qrels.of(Map.of("other", Map.of("d", 1))), progress::add))
            .isInstanceOf(SourceException.class)
            .hasMessageContaining("belong together");
      }
    }
  }

  @Test
  void runFile_withBadLine_isRefusedWithItsNumber() throws IOException {
    Path file = Files.writeString(folder.resolve("run"), "q Q0 d 1 0.5 n\nq Q0 e 2 high n\n");
    assertThatThrownBy(() -> RankedRun.readTrec(file, "n"))
        .isInstanceOf(SourceException.class)
        .hasMessageContaining("line 2")
        .hasMessageContaining("high");
  }
}
