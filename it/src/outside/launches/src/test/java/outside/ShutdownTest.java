package outside;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A JVM that ends while texts are under way loses none of them: three runs each. */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class ShutdownTest {
  private static final int RUNS = 3;
  private static final int TEXTS = 100;
  private static final String NONE_LOST = "embedded " + TEXTS + ", lost {}";

  @ParameterizedTest
  @CsvSource({"onnx,cold", "onnx,warm", "djl,cold", "djl,warm"})
  void systemExit_losesNoText(String backend, String start) throws Exception {
    for (int run = 0; run < RUNS; run++) {
      assertThat(
              Jvm.run(
                  Jvm.classPath(Jvm.libraries()), "outside.Shutdown", backend, start, "exit"))
          .contains(NONE_LOST);
    }
  }

  @ParameterizedTest
  @CsvSource({"onnx,cold", "onnx,warm", "djl,cold", "djl,warm"})
  void sigterm_losesNoText(String backend, String start) throws Exception {
    for (int run = 0; run < RUNS; run++) {
      Process process =
          Jvm.start(
              List.of(
                  Jvm.java().toString(),
                  Jvm.cache(),
                  "-cp",
                  Jvm.classPath(Jvm.libraries()),
                  "outside.Shutdown",
                  backend,
                  start,
                  "signal"),
              Map.of());
      BufferedReader out = process.inputReader();
      readUntil(out, "submitted");
      process.toHandle().destroy();

      assertThat(out.lines()).contains(NONE_LOST);
      assertThat(process.waitFor()).isEqualTo(128 + 15);
    }
  }

  @ParameterizedTest
  @CsvSource({"onnx,cold", "onnx,warm", "djl,cold", "djl,warm"})
  void serve_onSigterm_answersWhatIsUnderWay(String backend, String start) throws Exception {
    for (int run = 0; run < RUNS; run++) {
      Process process =
          Jvm.start(
              List.of(
                  Jvm.java().toString(),
                  Jvm.cache(),
                  "-Dluciole.backend=" + backend,
                  "-cp",
                  Jvm.classPath(Jvm.libraries()),
                  "io.luciole.cli.Main",
                  "serve",
                  "--port",
                  "0"),
              Map.of());
      BufferedReader out = process.inputReader();
      String serving = readUntil(out, "luciole: serving");
      URI server = URI.create(serving.substring(serving.indexOf("http://")));
      try (HttpClient client = HttpClient.newHttpClient()) {
        if (start.equals("warm")) {
          assertThat(send(client, server, 2).join().statusCode()).isEqualTo(200);
        }
        CompletableFuture<HttpResponse<String>> answer = send(client, server, TEXTS);
        awaitTextsUnderWay(client, server, start.equals("warm") ? 2 : 0);
        process.toHandle().destroy();

        HttpResponse<String> response = answer.join();
        String log = out.lines().collect(Collectors.joining("\n"));
        assertThat(response.statusCode()).as(response.body() + log).isEqualTo(200);
        assertThat(response.body().split("\"embedding\":", -1)).hasSize(TEXTS + 1);
        process.waitFor();
      } finally {
        process.destroyForcibly();
      }
    }
  }

  private static CompletableFuture<HttpResponse<String>> send(
      HttpClient client, URI server, int texts) {
    String input =
        IntStream.range(0, texts)
            .mapToObj(i -> "\"" + "some longer text that takes a while ".repeat(20) + i + "\"")
            .collect(Collectors.joining(","));
    return client.sendAsync(
        HttpRequest.newBuilder(server.resolve("/v1/embeddings"))
            .header("Content-Type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"model\":\"starter\",\"input\":[" + input + "]}"))
            .build(),
        HttpResponse.BodyHandlers.ofString());
  }

  /** Waits until the engine has been given texts of the last request. */
  private static void awaitTextsUnderWay(HttpClient client, URI server, int before)
      throws Exception {
    HttpRequest metrics = HttpRequest.newBuilder(server.resolve("/metrics")).build();
    while (submitted(client.send(metrics, HttpResponse.BodyHandlers.ofString()).body())
        <= before) {
      Thread.sleep(5);
    }
  }

  private static double submitted(String metrics) {
    return metrics
        .lines()
        .filter(line -> line.matches("luciole_texts_submitted(_total)?(\\{.*})? .*"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  private static String readUntil(BufferedReader out, String what) throws Exception {
    List<String> seen = new ArrayList<>();
    for (String line = out.readLine(); line != null; line = out.readLine()) {
      seen.add(line);
      if (line.contains(what)) {
        return line;
      }
    }
    throw new AssertionError("expected \"" + what + "\", found:\n" + String.join("\n", seen));
  }
}
