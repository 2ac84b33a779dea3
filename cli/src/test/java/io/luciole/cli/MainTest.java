package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MainTest {
  @TempDir private Path folder;

  @Test
  void noCommand_isWrongUsage() {
    Run run = Cli.run();

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.out()).isEmpty();
    assertThat(run.errLines())
        .containsExactly("luciole: Expected a command", "Try: luciole --help");
  }

  @Test
  void unknownCommand_isWrongUsageWithASuggestion() {
    Run run = Cli.run("doktor");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err())
        .startsWith("luciole: Unknown command or option: doktor\n")
        .contains("Did you mean: luciole doctor");
  }

  @Test
  void misspeltRequiredOption_isNamed() {
    Run run = Cli.run("embed", "--inptu", "x.jsonl");

    assertThat(run.status()).isEqualTo(2);
    assertThat(run.errLines().get(0)).isEqualTo("luciole: Unknown option: '--inptu'");
    assertThat(run.err()).contains("--input");
  }

  @Test
  void help_listsEveryCommandAndNoOther() {
    Run run = Cli.run("--help");

    assertThat(run.status()).isZero();
    assertThat(run.err()).isEmpty();
    assertThat(
            run.outLines().stream()
                .dropWhile(l -> !l.equals("Commands:"))
                .filter(l -> l.matches(" {2}[a-z].*"))
                .map(l -> l.strip().replaceFirst(" .*", ""))
                .takeWhile(l -> !l.equals("luciole")))
        .containsExactly(
            "demo",
            "pull",
            "embed",
            "index",
            "search",
            "eval",
            "delete",
            "merge",
            "stats",
            "serve",
            "doctor",
            "verify",
            "generate-completion");
  }

  /** An id, a prompt or a folder may be called as an option is. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "pull", "embed", "index", "search", "eval", "delete", "merge", "serve", "doctor", "verify"
      })
  void valueBehindAnEqualsSign_mayBeginWithADash(String command) {
    List<String> options =
        Pattern.compile("(--[a-z-]+)=\\S")
            .matcher(Cli.run(command, "--help").out())
            .results()
            .map(match -> match.group(1))
            .distinct()
            .toList();
    assertThat(options).isNotEmpty();
    for (String option : options) {
      for (String value : List.of("-h", "--verbose", "-V=1")) {
        assertThat(Cli.run(command, option + '=' + value, "--help").err())
            .as(option)
            .doesNotContain("but found");
      }
      assertThat(Cli.run(command, option, "-h").err()).contains("but found '-h'");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "demo", "pull", "embed", "index", "search", "eval", "delete", "stats", "serve", "doctor"
      })
  void helpOfCommand_fitsTheScreenAndEndsWithExamples(String command) {
    Run run = Cli.run(command, "--help");

    assertThat(run.status()).isZero();
    assertThat(run.out())
        .startsWith("Usage: luciole " + command)
        .contains("Examples:\n  luciole " + command);
    assertThat(run.outLines())
        .allSatisfy(line -> assertThat(line.length()).isLessThanOrEqualTo(100));
  }

  /** Files that begin with a sign of their own are no lists of arguments. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "", "demo", "pull", "embed", "index", "search", "eval", "delete", "merge", "stats", "serve",
        "doctor", "verify"
      })
  void wordThatBeginsWithAt_isThatWord(String command) throws IOException {
    String word = "@" + Files.writeString(folder.resolve("words"), "--help");

    Run run = command.isEmpty() ? Cli.run(word) : Cli.run(command, word);

    assertThat(run.out()).isEmpty();
    assertThat(run.status()).isEqualTo(2);
  }

  @Test
  void version_namesVersionAndJava() {
    Run run = Cli.run("--version");

    assertThat(run.status()).isZero();
    assertThat(run.outLines().get(0)).matches("luciole \\d+\\.\\d+\\.\\d+.*");
    assertThat(run.outLines().get(1)).startsWith("Java " + Runtime.version().feature());
  }

  @Test
  void generateCompletion_printsAScriptThatKnowsTheCommands() {
    Run run = Cli.run("generate-completion");

    assertThat(run.status()).isZero();
    assertThat(run.out())
        .startsWith("#!/usr/bin/env bash")
        .contains("_picocli_luciole_embed", "--outputs");
  }

  @Test
  void help_cannotBeWritten_failsWithOneLine() {
    OutputStream full =
        new OutputStream() {
          @Override
          public void write(int b) throws IOException {
            throw new IOException("No space left on device");
          }
        };

    Run run = Cli.run(InputStream.nullInputStream(), full, "search", "--help");

    assertThat(run.status()).isEqualTo(1);
    assertThat(run.errLines())
        .containsExactly("luciole: Cannot write to standard output: No space left on device");
  }
}
