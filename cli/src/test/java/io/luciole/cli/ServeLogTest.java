package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
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
import java.util.List;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What {@code luciole serve} writes to standard error when its log is to be JSON. */
@Timeout(120)
class ServeLogTest {
  private static Process start(Map<String, String> environment, String... args) throws IOException {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-Dluciole.cache=" + System.getProperty("luciole.cache"),
                "-cp",
                System.getProperty("java.class.path"),
                "io.luciole.cli.Main"));
    command.addAll(List.of(args));
    ProcessBuilder process = new ProcessBuilder(command).redirectErrorStream(true);
    process.environment().putAll(environment);
    return process.start();
  }

  private static JsonNode readUntil(BufferedReader out, String what) throws IOException {
    StringBuilder seen = new StringBuilder();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.contains(what)) {
        return new ObjectMapper().readTree(line);
      }
      seen.append(line).append('\n');
    }
    throw new AssertionError("expected \"" + what + "\", found:\n" + seen);
  }

  @Test
  void log_isJsonLineByLine_untilTheEnd_ifASettingSaysSo() throws Exception {
    Process process =
        start(
            Map.of("LUCIOLE_SERVER_LOG_FORMAT", "json", "LUCIOLE_SERVER_DRAIN", "1m"),
            "serve",
            "--port",
            "0");
    try {
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      List<JsonNode> lines = new ArrayList<>();
      lines.add(readUntil(out, "serving "));
      URI at = URI.create(lines.get(0).path("message").asText().replaceAll(".* at ", ""));
      assertThat(process.toHandle().destroy()).isTrue();
      lines.add(readUntil(out, "serving on for 60 s"));
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
      JsonNode line = readUntil(out, "\"status\":503");
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
            Map.of("LUCIOLE_SERVER_LOG_FORMAT", "json"),
            "serve",
            "--port",
            "0",
            "--host",
            "0.0.0.0");
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    JsonNode line = readUntil(out, "--insecure");
    assertThat(line.path("level").asText()).isEqualTo("ERROR");
    assertThat(process.waitFor()).isEqualTo(1);
  }
}
