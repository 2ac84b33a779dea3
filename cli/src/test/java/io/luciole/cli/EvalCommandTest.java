package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

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

  private static Run run(Object... more) {
    Stream<Object> first =
        Stream.of("eval", "--model", MiniM3.folder(), "--index", index, "--queries", queries);
    Stream<Object> rest = Stream.concat(Stream.of("--qrels", qrels), Stream.of(more));
    return Cli.run(Stream.concat(first, rest).toArray());
  }

  private static Run eval(Object... more) {
    Run run = run(more);
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

  /** What the evaluation has to tell of the judgements is not there yet. */
  @Test
  void rowThatThereIsNot_isToldBeforeTheEvaluation() {
    Path out = folder.resolve("none.trec");

    Run run = run("--row", "bm52", "--run", out);

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.errLines())
        .singleElement()
        .asString()
        .startsWith("luciole: --row: expected one of ")
        .contains("bm25", "auto")
        .endsWith(", got \"bm52\"");
    assertThat(out).doesNotExist();
  }

  /** The table would be lost, or both be written over each other. */
  @Test
  @DisabledOnOs(OS.WINDOWS)
  void outputThatIsTheFileOfStandardOutputOrError_isRefused() throws Exception {
    for (String flag : List.of("--run", "--per-query")) {
      for (Path file :
          List.of(folder.resolve("redirected.out"), folder.resolve("redirected.err"))) {
        Process process =
            Cli.process(
                    "eval", "--index", index, "--queries", queries, "--qrels", qrels, flag, file)
                .redirectOutput(folder.resolve("redirected.out").toFile())
                .redirectError(folder.resolve("redirected.err").toFile())
                .start();
        assertThat(process.waitFor()).isEqualTo(1);
        assertThat(folder.resolve("redirected.err"))
            .content()
            .contains("Expected ", "to overwrite no file that ", flag, "standard ");
      }
    }
  }

  @Test
  void outputThatIsAnInput_isRefused_andTheInputStays() throws IOException {
    Path compared = Files.writeString(folder.resolve("compared.trec"), "query%200 Q0 x 1 1.0 a\n");
    Path link = Files.createLink(folder.resolve("hard link"), queries);
    for (Path input : List.of(queries, qrels, compared, link)) {
      String before = Files.readString(input);
      for (String flag : List.of("--run", "--per-query")) {
        Run run = run("--compare", compared, flag, input);

        assertThat(run.status()).isEqualTo(1);
        assertThat(run.out()).isEmpty();
        assertThat(run.errLines())
            .singleElement()
            .asString()
            .startsWith("luciole: Expected " + flag + " to overwrite no file that --")
            .endsWith("Name another file for " + flag + ".");
        assertThat(input).hasContent(before);
      }
    }
  }

  @Test
  void runAndFiguresOfEachQuery_inOneFile_areRefused() throws IOException {
    Files.createDirectory(folder.resolve("below"));
    Path one = folder.resolve("one");
    for (Path same : List.of(one, folder.resolve("below").resolve("..").resolve("one"))) {
      Run run = run("--run", one, "--per-query", same);

      assertThat(run.status()).isEqualTo(1);
      assertThat(run.err())
          .startsWith("luciole: Expected --per-query to overwrite no file that --run names, found ")
          .contains(same.toString());
      assertThat(one).doesNotExist();
    }
  }

  /** The files behind these names are the process's own, whose streams the test does not have. */
  @ParameterizedTest
  @ValueSource(strings = {"-", "/dev/stdout"})
  void runToStandardOutput_standsBeforeTheTable(String name) {
    List<String> lines = eval("--tsv", "--run", name, "--row", "bm25").outLines();

    assertThat(lines.get(0)).startsWith("query%200 Q0 my%20notes%200.txt 1 ");
    assertThat(lines.get(lines.size() - 1)).startsWith("auto\t");
  }
}
