package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.Key;
import io.luciole.LucioleConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.junit.jupiter.api.Test;

/**
 * docs/settings.md is what the declared keys say. This module has all others on its class path. To
 * rewrite the page after a change of a key, run the command in {@link #COMMAND}.
 */
class SettingsPageTest {
  private static final Path PAGE = Path.of("../docs/settings.md");

  private static final String COMMAND =
      "./mvnw -q -pl cli -am test -Dtest=SettingsPageTest"
          + " -Dsurefire.failIfNoSpecifiedTests=false -Dluciole.test.rewrite=true";

  private static final String HEAD =
      """
      <!-- Written by SettingsPageTest from the keys in the code; do not edit. To rewrite it:
      COMMAND -->
      # Settings

      Everything that can be set without changing code. In order of increasing strength:

      1. `luciole.properties` in the working directory, or the file that `luciole.config` names, in UTF-8: `luciole.token-budget=8192`
      2. the environment: `LUCIOLE_TOKEN_BUDGET=8192`. A variable's name is the setting's in upper case, with `_` for `.` and `-`.
      3. system properties: `-Dluciole.token-budget=8192` (for the script `luciole`: `LUCIOLE_JAVA_OPTS=-Dluciole.token-budget=8192`)
      4. code (`EngineBuilder`, `ServerConfig`) and flags of the command

      A program with a configuration of its own passes names and values to `LucioleConfig.of` instead of 1 to 3; Spring Boot's starter does so with
      `application.properties` ([frameworks.md](frameworks.md)). Settings of a backend can differ from engine to engine in one process: `EmbeddingEngine.builder().option("luciole.onnx.runs", "2")`.

      `luciole doctor` shows every setting with its value and where the value comes from.

      ## What is refused

      A name that begins with `luciole.` or `LUCIOLE_` and is no setting, and a value that a setting cannot have, stop the program, wherever they come from.
      One message lists all of them, each with its source and the closest setting there is. All other names belong to the application and are ignored.
      Only an unknown system property does not stop an application, since it may be the application's own: the first engine warns of it. The command
      `luciole` refuses it.

      These names are accepted as well:

      - `luciole.onnx.*`, `luciole.cuda.*`, `luciole.index.*` and `luciole.server.*` in a program that does not have the backend, Lucene's module or the server
        on its class path, so that several programs can share a file. They are then not checked and have no effect.
      - Variables that Kubernetes sets for a service whose name begins with `luciole`: `LUCIOLE_SERVICE_HOST`, `LUCIOLE_PORT=tcp://…` and so on. For a service
        named `luciole-server` it also sets `LUCIOLE_SERVER_PORT=tcp://…`, which is a setting and is refused: give the service another name, or set
        `enableServiceLinks: false` in the pod.
      - `luciole.test.*`, `luciole.testkit.*` and `luciole.fuzz.*`, which this project's tests read.

      A size is a number of bytes: `65536`, `64k`, `16m`, `1g`, in powers of 1024. A duration is `500ms`, `2s`, `5m` or `1h`. In the tables a default in
      `code` is a value as it would be written; other defaults say what happens if nothing is set.
      """;

  private static boolean isOf(Key<?> key, String... namespaces) {
    return List.of(namespaces).stream().anyMatch(n -> key.name().startsWith("luciole." + n + "."));
  }

  private static String page() {
    List<Key<?>> all = LucioleConfig.knownKeys();
    StringBuilder page = new StringBuilder(HEAD.replace("COMMAND", COMMAND));
    Predicate<Key<?>> onnx = key -> isOf(key, "onnx", "cuda");
    Predicate<Key<?>> index = key -> isOf(key, "index");
    Predicate<Key<?>> server = key -> isOf(key, "server");
    Predicate<Key<?>> process = key -> key.scope() != Key.Scope.EVERYWHERE;
    section(page, "The engine", all, onnx.or(index).or(server).or(process).negate());
    section(page, "The backend onnx", all, onnx);
    section(page, "The index of a container: Spring Boot, Guice", all, index);
    section(page, "The server", all, server);
    page.append(
        """

        ## The process

        These are read before there is a configuration. A file cannot set them: those with a `luciole.` name come from the environment or from system
        properties, the others from the environment alone.

        | setting | default | |
        |---|---|---|
        """);
    all.stream().filter(process).forEach(key -> page.append(processRow(key)));
    return page.toString();
  }

  private static void section(
      StringBuilder page, String title, List<Key<?>> all, Predicate<Key<?>> which) {
    page.append("\n## ").append(title).append("\n\n");
    page.append("| setting | values | default | |\n|---|---|---|---|\n");
    all.stream().filter(which).forEach(key -> page.append(row(key)));
  }

  private static String row(Key<?> key) {
    return "| `%s` | %s | %s | %s |\n"
        .formatted(key.name(), key.values(), defaultOf(key), escaped(key.doc()));
  }

  private static String processRow(Key<?> key) {
    String name =
        key.scope() == Key.Scope.PROCESS
            ? "`%s`, `%s`".formatted(key.name(), key.variable())
            : "`%s`".formatted(key.variable());
    return "| %s | %s | %s |\n".formatted(name, key.defaultText(), escaped(key.doc()));
  }

  private static String defaultOf(Key<?> key) {
    return key.defaultValue() instanceof java.util.Optional<?>
        ? key.defaultText()
        : '`' + key.defaultText() + '`';
  }

  private static String escaped(String text) {
    return text.replace("|", "\\|");
  }

  @Test
  void page_saysWhatTheKeysSay() throws IOException {
    String expected = page();
    if (Boolean.getBoolean("luciole.test.rewrite")) {
      Files.writeString(PAGE, expected);
    }
    assertThat(Files.exists(PAGE) ? Files.readString(PAGE) : "")
        .as("docs/settings.md is out of date; to rewrite it: %s", COMMAND)
        .isEqualTo(expected);
  }

  @Test
  void page_hasEverySettingOfEveryModule() throws IOException {
    String page = Files.readString(PAGE);
    for (String setting :
        List.of(
            "luciole.calibrate",
            "luciole.overload",
            "luciole.max-wait",
            "luciole.batch-timeout",
            "luciole.close-timeout",
            "luciole.max-waiting-tokens",
            "luciole.onnx.runs",
            "luciole.cuda.graphs",
            "luciole.index.folder",
            "luciole.server.access-log",
            "LUCIOLE_OFFLINE")) {
      assertThat(page).contains('`' + setting + '`');
    }
  }
}
