package outside;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A JVM that ends while texts are under way loses none of them: three runs each. */
@Timeout(value = 15, unit = TimeUnit.MINUTES)
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
      Server.readUntil(out, "submitted");
      process.toHandle().destroy();

      assertThat(out.lines()).contains(NONE_LOST);
      assertThat(process.waitFor()).isEqualTo(128 + 15);
    }
  }

  @ParameterizedTest
  @CsvSource({"onnx,cold", "onnx,warm", "djl,cold", "djl,warm"})
  void serve_onSigterm_answersWhatIsUnderWay(String backend, String start) throws Exception {
    for (int run = 0; run < RUNS; run++) {
      try (Server server = Server.start(Jvm.libraries(), backend)) {
        int before = start.equals("warm") ? 2 : 0;
        if (before > 0) {
          assertThat(server.embed(before).join().statusCode()).isEqualTo(200);
        }
        CompletableFuture<HttpResponse<String>> answer = server.embed(TEXTS);
        server.awaitMoreThan(before);
        server.terminate();

        HttpResponse<String> response = answer.join();
        assertThat(response.statusCode()).as(response.body() + server.log()).isEqualTo(200);
        assertThat(response.body().split("\"embedding\":", -1)).hasSize(TEXTS + 1);
      }
    }
  }
}
