package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * An index of a few documents, made by the command, and commands over it.
 *
 * @param folder the index's folder
 */
record SmallIndex(Path folder) {
  static final SmallIndex NONE = new SmallIndex(Path.of(""));

  /** Writes an index with the model {@code starter}. */
  static SmallIndex write(Path within, String corpus, String... flags) throws IOException {
    Path input = Files.writeString(within.resolve("corpus.jsonl"), corpus);
    SmallIndex index = new SmallIndex(within.resolve("index"));
    List<String> more = new ArrayList<>(List.of("--model", "starter", "--input", input.toString()));
    Collections.addAll(more, flags);
    Run run = index.run("index", more.toArray(String[]::new));
    assertThat(run.status()).as(run.err()).isZero();
    return index;
  }

  Run run(String command, String... more) {
    return Cli.run(line(command, more));
  }

  /** Runs a command with its input typed at a terminal. */
  Run type(String input, String command, String... more) {
    return Cli.type(input, line(command, more));
  }

  private Object[] line(String command, String... more) {
    List<Object> line = new ArrayList<>(List.of(command, "--index", folder));
    Collections.addAll(line, more);
    return line.toArray();
  }
}
