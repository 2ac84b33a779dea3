package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code eval} where files and judgements are not those of the textbook. */
class EvalCommandTest {
  private static final int DOCUMENTS = 20;

  @TempDir private static Path folder;
  private static Path index;
  private static Path queries;
  private static Path qrels;

  /** Ids hold blanks, as names of files do. Half of the judged queries are asked. */
  @BeforeAll
  static void index() throws IOException {
    StringBuilder corpus = new StringBuilder();
    StringBuilder asked = new StringBuilder();
    StringBuilder judged = new StringBuilder("query-id\tcorpus-id\tscore\n");
    for (int i = 0; i < DOCUMENTS; i++) {
      corpus.append("{\"_id\":\"my notes %d.txt\",\"text\":\"common word%d\"}%n".formatted(i, i));
      if (i % 2 == 0) {
        asked.append("{\"_id\":\"query %d\",\"text\":\"word%d\"}%n".formatted(i, i));
      }
      judged.append("query %d\tmy notes %d.txt\t1%n".formatted(i, i));
    }
    Path source = Files.writeString(folder.resolve("corpus.jsonl"), corpus);
    queries = Files.writeString(folder.resolve("queries.jsonl"), asked);
    qrels = Files.writeString(folder.resolve("qrels.tsv"), judged);
    index = folder.resolve("index");
    Run run = Cli.run("index", "--model", MiniM3.folder(), "--index", index, "--input", source);
    assertThat(run.status()).as(run.err()).isZero();
  }

  private static Run eval(Object... more) {
    Stream<Object> first =
        Stream.of("eval", "--model", MiniM3.folder(), "--index", index, "--queries", queries);
    Stream<Object> rest = Stream.concat(Stream.of("--qrels", qrels), Stream.of(more));
    Run run = Cli.run(Stream.concat(first, rest).toArray());
    assertThat(run.status()).as(run.err()).isZero();
    return run;
  }

  @Test
  void runWithBlanksInIds_comparedWithItself_isThatOfTheTable() throws IOException {
    Path run = folder.resolve("run.trec");
    String figure = eval("--tsv", "--row", "bm25", "--run", run).out();
    assertThat(Files.readString(run)).contains("query%200 Q0 my%20notes%200.txt 1 ");
    assertThat(figure).contains("bm25\t1.0000");
    assertThat(eval("--row", "bm25", "--compare", run).out())
        .contains(
            "nDCG@10 of bm25 1.0000, of " + run + " 1.0000: difference +0.0000 over 10 queries");
  }

  @Test
  void judgedQueriesThatWereNotAsked_countNowhere() {
    Run tuned = eval("--tune");
    assertThat(tuned.err()).contains("not among the queries: 10");
    assertThat(tuned.out()).containsPattern("Best of the grid: .* nDCG@10 1\\.0000 on the queries");
  }
}
