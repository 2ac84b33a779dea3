package io.luciole.server;

import io.luciole.EmbeddingEngine;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A server in a process of its own, to be killed: {@code FOLDER MILLIS}, the time between commits;
 * prints its port.
 */
final class ServerProcess {
  /** A server that has started. */
  record Running(Process process, int port) {}

  private ServerProcess() {}

  /**
   * Starts a server over a folder, by a command that runs the rest of its words if there is one.
   */
  static Running start(Path folder, String... before) throws IOException {
    return start(folder, "512m", Duration.ofHours(1), before);
  }

  /** As {@link #start(Path, String...)}, with a heap of another size, as {@code -Xmx} has it. */
  static Running withHeap(Path folder, String heap) throws IOException {
    return start(folder, heap, Duration.ofHours(1));
  }

  /** As {@link #start(Path, String...)}, with a time between commits. */
  static Running start(Path folder, Duration period, String... before) throws IOException {
    return start(folder, "512m", period, before);
  }

  private static Running start(Path folder, String heap, Duration period, String... before)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(before));
    command.addAll(
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx" + heap,
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Dluciole.cache=" + folder.resolve("cache"),
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-cp",
            System.getProperty("java.class.path"),
            ServerProcess.class.getName(),
            folder.toString(),
            Long.toString(period.toMillis())));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    BufferedReader out =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      if (line.startsWith("port ")) {
        return new Running(process, Integer.parseInt(line.substring(5)));
      }
    }
    throw new IllegalStateException("the server did not start");
  }

  public static void main(String[] args) throws IOException, InterruptedException {
    Path folder = Path.of(args[0]);
    Path model = Files.createDirectories(folder.resolve("model"));
    FakeBackend backend = new FakeBackend().faults(Fault.delay(Duration.ofMillis(2)));
    EmbeddingEngine engine = Server.fakeEngine(backend, model);
    Duration period = Duration.ofMillis(Long.parseLong(args[1]));
    ServerConfig config = Server.config();
    LucioleServer server =
        LucioleServer.start(
            config.indexes(
                config.indexes().index(folder.resolve("index")).commits(period, Integer.MAX_VALUE)),
            engine);
    System.out.println("port " + server.port());
    Thread.currentThread().join();
  }
}
