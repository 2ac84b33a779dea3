package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.cli.Cli.Run;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class ServeCommandTest {
  @TempDir Path folder;

  private static Process start(String classPath, String... args) throws IOException {
    return start(classPath, Map.of(), args);
  }

  private static Process start(String classPath, Map<String, String> environment, String... args)
      throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Dluciole.cache=" + System.getProperty("luciole.cache"),
                "-cp",
                classPath,
                "io.luciole.cli.Main"));
    command.addAll(List.of(args));
    ProcessBuilder process = new ProcessBuilder(command).redirectErrorStream(true);
    process.environment().putAll(environment);
    return process.start();
  }

  private static String readUntil(BufferedReader out, String what) throws IOException {
    StringBuilder seen = new StringBuilder();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.contains(what)) {
        return line;
      }
      seen.append(line).append('\n');
    }
    throw new AssertionError("expected \"" + what + "\", found:\n" + seen);
  }

  @Test
  void wrongPort_isWrongUsage() {
    Run run = Cli.run("serve", "--port", "70000");
    assertThat(run.status()).isEqualTo(2);
    assertThat(run.err()).contains("0 to 65535");
  }

  @Test
  void otherAddressWithoutKey_isRefused() {
    Run run = Cli.run("serve", "--host", "0.0.0.0", "--port", "0");
    assertThat(run.status()).isEqualTo(1);
    assertThat(run.err()).contains("--insecure", "luciole.server.api-keys");
  }

  @Test
  void serve_answers_andEndsInOrderWhenTold() throws Exception {
    Process process =
        start(
            System.getProperty("java.class.path"),
            "serve",
            "--port",
            "0",
            "--index",
            folder.resolve("index").toString());
    try {
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String said = readUntil(out, "luciole: serving");
      assertThat(said).contains("starter", "http://127.0.0.1:");
      URI at = URI.create(said.substring(said.indexOf("http://")));
      try (HttpClient client = HttpClient.newHttpClient()) {
        HttpResponse<String> put =
            client.send(
                HttpRequest.newBuilder(at.resolve("/v1/documents/a"))
                    .PUT(HttpRequest.BodyPublishers.ofString("{\"text\":\"fireflies\"}"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(put.statusCode()).as(put.body()).isEqualTo(200);
      }
      // Not the process itself, which would close what it still has to say.
      assertThat(process.toHandle().destroy()).isTrue();
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(out.lines().collect(Collectors.joining("\n")))
          .contains("\"path\":\"/v1/documents/a\",\"status\":200")
          .contains("finishing");
      // What was put was committed on the way out.
      Run stats = Cli.run("stats", "--index", folder.resolve("index"), "--json");
      assertThat(stats.out()).contains("\"documents\":1");
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void log_isJsonLineByLine_untilTheEnd_ifASettingSaysSo() throws Exception {
    Process process =
        start(
            System.getProperty("java.class.path"),
            Map.of("LUCIOLE_SERVER_LOG_FORMAT", "json", "LUCIOLE_SERVER_DRAIN", "1m"),
            "serve",
            "--port",
            "0");
    try {
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      List<JsonNode> lines = new ArrayList<>();
      String said = readUntil(out, "serving ");
      lines.add(new ObjectMapper().readTree(said));
      URI at = URI.create(lines.get(0).path("message").asText().replaceAll(".* at ", ""));
      assertThat(process.toHandle().destroy()).isTrue();
      lines.add(new ObjectMapper().readTree(readUntil(out, "serving on for 60 s")));
      // What is served in the drain time is logged, too.
      try (HttpClient client = HttpClient.newHttpClient()) {
        HttpRequest ready =
            HttpRequest.newBuilder(at.resolve("/health/ready"))
                .header("X-Request-Id", "last")
                .build();
        Awaitility.await()
            .until(
                () -> client.send(ready, HttpResponse.BodyHandlers.ofString()).statusCode() == 503);
      }
      JsonNode line = new ObjectMapper().readTree(readUntil(out, "\"status\":503"));
      assertThat(line.path("path").asText()).isEqualTo("/health/ready");
      assertThat(line.path("request_id").asText()).isEqualTo("last");
      assertThat(line.path("message").isMissingNode()).isTrue();
      lines.add(line);
      assertThat(lines)
          .allSatisfy(each -> {
            assertThat(Instant.parse(each.path("time").asText())).isAfter(Instant.EPOCH);
            assertThat(each.path("level").asText()).isEqualTo("INFO");
            assertThat(each.path("logger").asText()).isNotBlank();
          });
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void failureToStart_isJson_too() throws Exception {
    Process process =
        start(
            System.getProperty("java.class.path"),
            Map.of("LUCIOLE_SERVER_LOG_FORMAT", "json"),
            "serve",
            "--port",
            "0",
            "--host",
            "0.0.0.0");
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    JsonNode line = new ObjectMapper().readTree(readUntil(out, "--insecure"));
    assertThat(line.path("level").asText()).isEqualTo("ERROR");
    assertThat(process.waitFor()).isEqualTo(1);
  }

  @Test
  void withoutTheServersJars_everythingElseWorks() throws Exception {
    String classPath =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .filter(e -> !e.matches(".*(server-lite|helidon|guice|micrometer|prometheus).*"))
            .collect(Collectors.joining(File.pathSeparator));
    Process help = start(classPath, "--help");
    assertThat(new String(help.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("Usage: luciole", "serve");
    assertThat(help.waitFor()).isZero();
    Process serve = start(classPath, "serve", "--port", "0");
    assertThat(new String(serve.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
        .contains("luciole-server-lite");
    assertThat(serve.waitFor()).isEqualTo(1);
  }
}
