package io.luciole.server;

import io.luciole.EmbeddingEngine;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;

/**
 * A server in a process of its own, to be killed: {@code FOLDER MILLIS}, the time between commits;
 * prints its port.
 */
final class ServerProcess {
  private ServerProcess() {}

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
