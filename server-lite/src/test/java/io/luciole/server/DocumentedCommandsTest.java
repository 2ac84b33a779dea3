package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeReranker;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The commands of docs/server.md, run by a shell with the real curl, one after another. Skipped
 * where there is no curl.
 */
@Timeout(value = 180, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class DocumentedCommandsTest {
  /** Prints an answer, and notes its status and what was called. */
  private static final String CURL =
      """
      curl() {
        status=$(command curl -s -S --max-time 60 -o answer -w '%{http_code}' "$@")
        cat answer
        printf '%s %s\\n' "$status" "$*" | tr '\\n' ' ' >> calls
        echo >> calls
      }
      """;

  private static final Pattern BLOCK = Pattern.compile("```sh\\n(.*?)```", Pattern.DOTALL);
  private static final String RERANKER = "BAAI/bge-reranker-v2-m3";

  @TempDir Path folder;

  private static boolean hasCurl() throws InterruptedException {
    try {
      return new ProcessBuilder("sh", "-c", "command -v curl")
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private static Stream<String> blocks() throws IOException {
    return BLOCK
        .matcher(Files.readString(Path.of("../docs/server.md")))
        .results()
        .map(block -> block.group(1))
        .filter(block -> block.contains("localhost:8080"));
  }

  /** What runs over the page's own `luciole serve`, which has no reranker and no named indexes. */
  private static String commandsWithoutMore() throws IOException {
    return blocks()
        .filter(block -> !block.contains("/v1/indexes/"))
        .flatMap(String::lines)
        .filter(line -> !line.contains("# with --rerank-model"))
        .collect(Collectors.joining("\n"));
  }

  private static SequencedMap<String, EmbeddingEngine> engines() {
    SequencedMap<String, EmbeddingEngine> engines = new LinkedHashMap<>();
    engines.put(
        "m3",
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(MiniM3.folder().toString())
            .open());
    engines.put(
        "starter", EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model("starter").open());
    return engines;
  }

  private CrossEncoder reranker() throws IOException {
    return CrossEncoder.open(
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(FakeReranker.write(Files.createDirectory(folder.resolve("pairs")), 64))
            .backend(new FakeBackend()));
  }

  private ServerConfig withIndexes(ServerConfig config) {
    return config.indexes(
        config.indexes().index(folder.resolve("index")).folder(folder.resolve("indexes")));
  }

  private static String end(String output) {
    return output.substring(Math.max(0, output.length() - 2000));
  }

  @Test
  void everyCommandOfThePage_succeeds() throws Exception {
    try (CrossEncoder reranker = reranker();
        Server server = Server.of(engines(), Map.of(RERANKER, reranker), this::withIndexes)) {
      assertAllSucceed(server, blocks().collect(Collectors.joining("\n")));
    }
  }

  @Test
  void commandsThatAskForNoMore_succeedOverTheServerThatThePageStarts() throws Exception {
    try (Server server = Server.of(engines(), config -> config.index(folder.resolve("my-index")))) {
      assertAllSucceed(server, commandsWithoutMore());
    }
  }

  private void assertAllSucceed(Server server, String commands) throws Exception {
    assumeTrue(hasCurl(), "there is no curl");
    long expected =
        Pattern.compile("^curl ", Pattern.MULTILINE).matcher(commands).results().count();
    assertThat(expected).as("commands on the page").isGreaterThan(40);
    Files.writeString(folder.resolve("corpus.jsonl"), "{\"id\":\"d3\",\"text\":\"Bees dance.\"}\n");
    Path script = folder.resolve("commands.sh");
    String here = "127.0.0.1:" + server.server.port();
    Files.writeString(script, CURL + commands.replace("localhost:8080", here));
    Process shell =
        new ProcessBuilder("sh", script.toString())
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .start();
    String output = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(shell.waitFor(60, TimeUnit.SECONDS)).isTrue();
    List<String> calls = Files.readAllLines(folder.resolve("calls"));
    assertThat(calls).as("calls, and what the shell said: " + end(output)).hasSize((int) expected);
    assertThat(calls).allMatch(call -> call.startsWith("2"));
    assertThat(folder.resolve("all.jsonl")).content().contains("\"d1\"");
  }
}
