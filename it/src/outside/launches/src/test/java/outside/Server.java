package outside;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** {@code luciole serve} with the starter model, in a JVM of its own. */
final class Server implements AutoCloseable {
  private final Process process;
  private final BufferedReader out;
  private final URI address;
  private final HttpClient client = HttpClient.newHttpClient();

  private Server(Process process) throws IOException {
    this.process = process;
    this.out = process.inputReader();
    String serving = readUntil(out, "luciole: serving");
    this.address = URI.create(serving.substring(serving.indexOf("http://")));
  }

  /** Starts a server; returns when it serves. */
  static Server start(List<Path> libraries, String backend) throws IOException {
    return new Server(
        Jvm.start(
            List.of(
                Jvm.java().toString(),
                Jvm.cache(),
                "-Dluciole.backend=" + backend,
                "-Dluciole.close-timeout=5m",
                "-Dluciole.server.shutdown-timeout=5m",
                "-cp",
                Jvm.classPath(libraries),
                "io.luciole.cli.Main",
                "serve",
                "--port",
                "0"),
            Map.of()));
  }

  /** Reads lines until one has a text; returns that line. */
  static String readUntil(BufferedReader out, String what) throws IOException {
    List<String> seen = new ArrayList<>();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      seen.add(line);
      if (line.contains(what)) {
        return line;
      }
    }
    throw new AssertionError("expected \"" + what + "\", found:\n" + String.join("\n", seen));
  }

  /** Sends a request for the embeddings of texts. */
  CompletableFuture<HttpResponse<String>> embed(int texts) {
    String input =
        IntStream.range(0, texts)
            .mapToObj(i -> "\"" + "some longer text that takes a while ".repeat(8) + i + "\"")
            .collect(Collectors.joining(","));
    return client.sendAsync(
        HttpRequest.newBuilder(address.resolve("/v1/embeddings"))
            .header("Content-Type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\"starter\",\"input\":[" + input + "]}"))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Waits until the engine was given more than a number of texts. */
  void awaitMoreThan(int texts) throws IOException, InterruptedException {
    HttpRequest metrics = HttpRequest.newBuilder(address.resolve("/metrics")).build();
    while (submitted(client.send(metrics, HttpResponse.BodyHandlers.ofString()).body()) <= texts) {
      Thread.sleep(5);
    }
  }

  private static double submitted(String metrics) {
    return metrics
        .lines()
        .filter(line -> line.matches("luciole_texts_submitted(_total)?(\\{.*})? .*"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no luciole_texts_submitted in " + metrics));
  }

  /** Sends SIGTERM. */
  void terminate() {
    process.toHandle().destroy();
  }

  /** What it says until it ends. */
  String log() {
    return out.lines().collect(Collectors.joining("\n"));
  }

  @Override
  public void close() {
    client.close();
    process.destroyForcibly();
  }
}
