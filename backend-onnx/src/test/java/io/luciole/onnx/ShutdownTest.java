package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * No text is lost when a JVM shuts down while an engine computes, provided that the application
 * closes the engine in a shutdown hook. Each test starts a JVM of its own.
 */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class ShutdownTest {
  private static final int TEXTS = 60;
  private static final int EXIT_CODE = 7;
  private static final String SUBMITTED = "submitted";
  private static final String ALL_COMPUTED = "computed " + TEXTS + ", failed {}";

  @ParameterizedTest
  @ValueSource(strings = {"starter", "mini-m3"})
  void systemExit_losesNoText_ifAHookClosesTheEngine(String model) throws Exception {
    Process process = start(model, "close", "exit");

    assertThat(output(process)).contains(ALL_COMPUTED);
    assertThat(process.waitFor()).isEqualTo(EXIT_CODE);
  }

  @ParameterizedTest
  @ValueSource(strings = {"starter", "mini-m3"})
  @DisabledOnOs(value = OS.WINDOWS, disabledReason = "there is no SIGTERM")
  void sigterm_losesNoText_ifAHookClosesTheEngine(String model) throws Exception {
    Process process = start(model, "close", "wait");
    BufferedReader reader = process.inputReader();
    List<String> lines = new ArrayList<>();
    for (String line = reader.readLine(); line != null; line = reader.readLine()) {
      lines.add(line);
      if (line.equals(SUBMITTED)) {
        process.toHandle().destroy();
      }
    }

    assertThat(lines).contains(ALL_COMPUTED);
    assertThat(process.waitFor()).isEqualTo(128 + 15);
  }

  @ParameterizedTest
  @ValueSource(strings = {"starter", "mini-m3"})
  void systemExit_endsTheJvm_alsoIfTheEngineStaysOpen(String model) throws Exception {
    Process process = start(model, "leave", "exit");

    assertThat(output(process)).contains(SUBMITTED);
    assertThat(process.waitFor()).isEqualTo(EXIT_CODE);
  }

  private static Process start(String model, String hook, String end) throws IOException {
    return new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
            "--enable-native-access=ALL-UNNAMED",
            "-Dluciole.cache=" + System.getProperty("luciole.cache"),
            "-cp",
            System.getProperty("java.class.path"),
            Application.class.getName(),
            model.equals("mini-m3") ? TestModels.MINI_M3.toString() : model,
            hook,
            end)
        .redirectErrorStream(true)
        .start();
  }

  private static List<String> output(Process process) throws IOException {
    process.getOutputStream().close();
    return process.inputReader().lines().toList();
  }

  /** The program of the JVM that shuts down. */
  public static final class Application {
    private Application() {}

    /** Submits texts and ends, or waits for a signal. */
    public static void main(String[] args) throws InterruptedException {
      EmbeddingEngine engine =
          EmbeddingEngine.builder(LucioleConfig.of(Map.of("luciole.backend", "onnx")))
              .model(args[0])
              .open();
      List<CompletableFuture<Embedding>> futures = new ArrayList<>();
      if (args[1].equals("close")) {
        Runtime.getRuntime()
            .addShutdownHook(
                new Thread(() -> {
                  engine.close();
                  count(futures);
                }));
      }
      for (int i = 0; i < TEXTS; i++) {
        futures.add(engine.embed("some longer text that takes a while ".repeat(20) + i));
      }
      System.out.println(SUBMITTED);
      if (args[2].equals("exit")) {
        System.exit(EXIT_CODE);
      }
      Thread.currentThread().join();
    }

    private static void count(List<CompletableFuture<Embedding>> futures) {
      int computed = 0;
      Map<String, Integer> failed = new TreeMap<>();
      for (CompletableFuture<Embedding> future : futures) {
        try {
          future.join();
          computed++;
        } catch (RuntimeException e) {
          failed.merge(String.valueOf(e.getCause()), 1, Integer::sum);
        }
      }
      System.out.println("computed " + computed + ", failed " + failed);
    }
  }
}
