package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Settings of every module are checked alike, wherever they come from. */
@Timeout(120)
class StrictSettingsTest {
  @TempDir Path folder;
  private Path texts;

  @BeforeEach
  void writeTexts() throws IOException {
    texts = Files.writeString(folder.resolve("d.jsonl"), "{\"id\":\"a\",\"text\":\"glow\"}\n");
  }

  /** The table of the review that asked for this. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          luciole.batch-tokns | 2    | luciole.batch-
          luciole.onnx.runs   | abc  | expected a whole number from 1 to 64
          luciole.onxx.runs   | 2    | did you mean luciole.onnx.runs?
          luciole.onnx.runz   | abc  | did you mean luciole.onnx.runs?
          luciole.onnx.form   | lop  | expected auto, loop, packed, fused or padded
          luciole.cuda.tune   | nope | expected true or false
          luciole.cuda.tuna   | true | did you mean luciole.cuda.tune?
          luciole.server.prot | 1    | did you mean luciole.server.port?
          luciole.server.port | x    | 0 to 65535
          """)
  void wrongSetting_isRefusedFromEverySource(String key, String value, String said)
      throws Exception {
    Path file = Files.writeString(folder.resolve("my.properties"), key + "=" + value + "\n");
    String variable = key.replace('.', '_').replace('-', '_').toUpperCase(java.util.Locale.ROOT);

    Run inFile = Properties.with(Map.of("luciole.config", file.toString()), this::embed);
    Run inProperty = Properties.with(Map.of(key, value), this::embed);
    Run inEnvironment = embedIn(Map.of(variable, value));

    assertRefused(inFile, key, file.toString(), said);
    assertRefused(inProperty, key, "system property", said);
    String saidOfVariable = said.contains("did you mean") ? "did you mean LUCIOLE_" : said;
    assertRefused(
        inEnvironment,
        variable,
        "environment variable",
        said.startsWith("luciole.") ? "LUCIOLE_BATCH_" : saidOfVariable);
  }

  private static void assertRefused(Run run, String key, String origin, String said) {
    assertThat(run.status()).as(run.out() + run.err()).isEqualTo(1);
    assertThat(run.out()).isEmpty();
    assertThat(run.errLines()).singleElement().asString().contains(key, origin, said);
  }

  @Test
  void backendsSetting_isReadFromAFile() throws Exception {
    Path file = Files.writeString(folder.resolve("my.properties"), "luciole.onnx.runs=2\n");

    Run run = Properties.with(Map.of("luciole.config", file.toString()), this::embed);

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.outLines()).hasSize(1);
  }

  @Test
  void variablesOfTheScriptsAndOfOthers_stopNothing() throws Exception {
    Run run =
        embedIn(
            Map.of(
                "LUCIOLE_JAVA_OPTS", "-Xmx1g",
                "LUCIOLE_PROFILES", "djl",
                "LUCIOLE_MVN", "wrapper",
                "LUCIOLE_OFFLINE", "1",
                "LUCIOLE_COMMAND", "./luciole",
                "LUCIOLE_TEST_ROOT", "/nowhere",
                "LUCIOLE_CUDA_VERBOSE", "1",
                "LUCIOLE_PORT_8080_TCP_ADDR", "10.0.0.1",
                "LUCIOLES", "mine",
                "APP_LUCIOLE_X", "mine"));

    assertThat(run.status()).as(run.err()).isZero();
    assertThat(run.outLines()).hasSize(1);
  }

  private Run embed() {
    return Cli.run("embed", "--input", texts);
  }

  /** Runs the command in a process with an environment of its own. */
  private Run embedIn(Map<String, String> environment) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Xlog:disable",
                "-Dluciole.cache=" + System.getProperty("luciole.cache"),
                "-cp",
                System.getProperty("java.class.path"),
                "io.luciole.cli.Main",
                "embed",
                "--input",
                texts.toString()));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    ProcessBuilder builder =
        new ProcessBuilder(command).redirectOutput(out.toFile()).redirectError(err.toFile());
    builder.environment().putAll(new TreeMap<>(environment));
    int status = builder.start().waitFor();
    return new Run(
        status,
        Files.readString(out, StandardCharsets.UTF_8),
        withoutJdksOwn(Files.readString(err, StandardCharsets.UTF_8)));
  }

  private static String withoutJdksOwn(String err) {
    return err.lines()
        .filter(line -> !line.startsWith("WARNING: "))
        .reduce("", (all, line) -> all + line + '\n');
  }
}
