package io.luciole.onnx;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.spi.Precision;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * From text to dense vectors in memory, to be set beside a peer's figures on the same machine:
 *
 * <pre>Throughput MODEL TEXTS.jsonl[,…] fp32|int8 THREADS [RUNS]</pre>
 *
 * Best of the runs after a warm-up, in wall time and in processor time, which other work on the
 * machine disturbs less; load time; and what the process holds in memory, as Linux counts it.
 */
public final class Throughput {
  private Throughput() {}

  /** See the class. */
  public static void main(String[] args) throws IOException {
    int threads = Integer.parseInt(args[3]);
    int runs = args.length > 4 ? Integer.parseInt(args[4]) : 3;
    long start = System.nanoTime();
    double cpu = cpuSeconds();
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder()
            .model(args[0])
            .backend("onnx")
            .precision(Precision.parse(args[2]))
            .threads(threads)
            .outputs(Output.DENSE)
            .open()) {
      engine.embed("warm").join();
      System.out.printf(
          Locale.ROOT,
          "opened in %.1f s, %.1f s of processor time; %s%n",
          (System.nanoTime() - start) / 1e9,
          cpuSeconds() - cpu,
          memory());
      for (String file : args[1].split(",", -1)) {
        measure(engine, Path.of(file), args[2], runs);
      }
    }
    System.out.println(memory());
  }

  private static void measure(EmbeddingEngine engine, Path file, String precision, int runs)
      throws IOException {
    ObjectMapper json = new ObjectMapper();
    List<String> texts = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      texts.add(json.readTree(line).path("text").asText());
    }
    double best = Double.MAX_VALUE;
    double bestCpu = Double.MAX_VALUE;
    long tokens = 0;
    for (int run = 0; run < runs; run++) {
      long start = System.nanoTime();
      double cpu = cpuSeconds();
      tokens =
          engine.embedAll(texts, EmbedOptions.passage()).stream()
              .mapToLong(e -> e.tokenCount())
              .sum();
      best = Math.min(best, (System.nanoTime() - start) / 1e9);
      bestCpu = Math.min(bestCpu, cpuSeconds() - cpu);
    }
    System.out.printf(
        Locale.ROOT,
        "luciole %s %s: %.0f tokens/s, %.0f tokens a second of processor time%n",
        precision,
        file.getFileName(),
        tokens / best,
        tokens / bestCpu);
  }

  private static double cpuSeconds() {
    return ManagementFactory.getPlatformMXBean(com.sun.management.OperatingSystemMXBean.class)
            .getProcessCpuTime()
        / 1e9;
  }

  private static String memory() throws IOException {
    return String.join(
        ", ",
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.matches("(VmHWM|RssAnon|RssFile):.*"))
            .map(line -> line.replaceAll("\\s+", " "))
            .toList());
  }
}
