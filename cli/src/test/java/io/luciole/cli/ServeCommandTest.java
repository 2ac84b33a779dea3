package io.luciole.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.cli.Cli.Run;
import io.luciole.testkit.MiniM3;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.ConnectException;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class ServeCommandTest {
  @TempDir Path folder;

  private static Process start(String classPath, String... args) throws IOException {
    return run(command(classPath, args));
  }

  private static Process run(List<String> command) throws IOException {
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static List<String> command(String classPath, String... args) {
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
    return command;
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
  void severalModels_areServedByTheirNames() throws Exception {
    Process process =
        start(
            System.getProperty("java.class.path"),
            "serve",
            "--port",
            "0",
            "--model",
            "small=starter",
            "--model",
            "m3=" + MiniM3.folder());
    try {
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String said = readUntil(out, "luciole: serving");
      assertThat(said).contains("small, m3");
      URI at = URI.create(said.substring(said.indexOf("http://")));
      try (HttpClient client = HttpClient.newHttpClient()) {
        HttpResponse<String> answer =
            client.send(
                HttpRequest.newBuilder(at.resolve("/v1/m3/embeddings"))
                    .POST(
                        HttpRequest.BodyPublishers.ofString(
                            "{\"model\":\"m3\",\"outputs\":[\"sparse\"],\"input\":\"bees\"}"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
        assertThat(answer.body()).contains("\"model\":\"m3\"");
      }
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  void modelsOfOneName_andSeveralForOtherCommands_areRefused() {
    Run twice = Cli.run("serve", "--port", "0", "--model", "a=starter", "--model", "a=starter");
    assertThat(twice.status()).isEqualTo(2);
    assertThat(twice.err()).contains("\"a\"", "NAME=MODEL");
    Run nameless = Cli.run("serve", "--port", "0", "--model", "=starter");
    assertThat(nameless.status()).isEqualTo(2);
    assertThat(nameless.err()).contains("NAME=MODEL");
    Run other = Cli.run("doctor", "--model", "starter", "--model", "starter");
    assertThat(other.status()).isEqualTo(2);
    assertThat(other.err()).contains("--model once", "serve");
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
      assertThat(out.lines().collect(Collectors.joining("\n")))
          .contains("\"path\":\"/v1/documents/a\",\"status\":200")
          .contains("finishing");
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      // What was put was committed on the way out.
      Run stats = Cli.run("stats", "--index", folder.resolve("index"), "--json");
      assertThat(stats.out()).contains("\"documents\":1");
    } finally {
      process.destroyForcibly();
    }
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void serverThatCanAcceptNoMore_endsWithAStatusAndAMessage() throws Exception {
    List<String> limited = new ArrayList<>(List.of("sh", "-c", "ulimit -n 300; exec \"$@\"", "sh"));
    List<String> serve = command(System.getProperty("java.class.path"), "serve", "--port", "0");
    // More connections than there are descriptors, so that the system's accept fails.
    serve.add(1, "-Dluciole.server.max-connections=10000");
    limited.addAll(serve);
    Process process = run(limited);
    List<Socket> sockets = new ArrayList<>();
    try {
      BufferedReader out =
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
      String said = readUntil(out, "luciole: serving");
      URI at = URI.create(said.substring(said.indexOf("http://")));
      try {
        for (int i = 0; i < 400; i++) {
          sockets.add(new Socket(at.getHost(), at.getPort()));
        }
      } catch (ConnectException e) {
        // The listener had ended before all connections were made.
      }
      // Read to its end before the wait: a process whose output nobody reads cannot end.
      assertThat(out.lines().collect(Collectors.joining("\n")))
          .contains("luciole: The server has stopped listening", "ulimit -n")
          .doesNotContain("sun.nio.ch.Poller");
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
      assertThat(process.exitValue()).isEqualTo(1);
    } finally {
      process.destroyForcibly();
      for (Socket socket : sockets) {
        socket.close();
      }
    }
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
