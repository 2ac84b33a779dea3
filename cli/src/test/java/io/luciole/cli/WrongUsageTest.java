package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the command line alone shows to be wrong is told with status 2 and the way to the help. */
class WrongUsageTest {
  @TempDir private static Path folder;

  @BeforeAll
  static void files() throws IOException {
    SmallIndex index = SmallIndex.write(folder, "{\"_id\":\"a\",\"text\":\"june\"}\n");
    assertThat(index.folder()).isEqualTo(folder.resolve("index"));
    Files.writeString(folder.resolve("q.jsonl"), "{\"_id\":\"q\",\"text\":\"june\"}\n");
    Files.writeString(folder.resolve("q.tsv"), "q\ta\t1\n");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          search --index IX june --offset -1                | offset must be 0 or more, got -1
          search --index IX june --filter lang              | expected NAME=VALUE or a JSON object, got "lang"
          search --index IX june --filter =en               | expected NAME=VALUE or a JSON object, got "=en"
          delete --index IX --filter lang                   | expected NAME=VALUE or a JSON object, got "lang"
          eval --index IX EVAL --filter lang                | expected NAME=VALUE or a JSON object, got "lang"
          eval --index IX EVAL --tune --depth 200           | --tune measures what searches without --depth give
          eval --index IX EVAL --depth 5                    | depth must be at least 100, got 5
          index --index NEW --input IN --chunk-overlap 3    | --chunk-overlap: expected --chunk beside it
          index --index NEW --input IN --chunk 32 --chunk-overlap 32 | --chunk:
          index --index NEW --input IN --chunk 32 --chunk-overlap -1 | --chunk:
          index --index NEW --input IN --metadata a=blob    | expected one of keyword, long, double, boolean, date, got "blob"
          index --index NEW --input IN --analyzer klingon   | --analyzer:
          pull a/b@x --revision y                           | expected one revision, got x with the name and y
          serve --port 0 --model =starter                   | Expected --model MODEL or NAME=MODEL
          serve --port 0 --rerank-model x=                  | Expected --rerank-model MODEL or NAME=MODEL
          serve --port 0 --model a=starter --model a=other  | Two models are called "a"
          """)
  void commandLine_thatIsWrongByItself_isWrongUsage(String line, String message) {
    Object[] words =
        Arrays.stream(
                line.replace("EVAL", "--queries DIR/q.jsonl --qrels DIR/q.tsv")
                    .replace("IN ", "DIR/corpus.jsonl ")
                    .split(" ", -1))
            .map(word -> word.equals("IX") ? "DIR/index" : word.equals("NEW") ? "DIR/new" : word)
            .map(word -> word.replace("DIR", folder.toString()))
            .toArray();

    Run run = Cli.run(words);

    assertThat(run.status()).as(run.err()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.errLines()).hasSize(2);
    assertThat(run.errLines().get(0)).startsWith("luciole: ").contains(message);
    assertThat(run.errLines().get(1)).isEqualTo("Try: luciole " + words[0] + " --help");
    assertThat(folder.resolve("new")).doesNotExist();
  }
}
