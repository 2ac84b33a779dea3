package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;

/**
 * Backends side by side on the same texts, each in JVMs of its own, so that peaks of memory and
 * start-up times are one backend's alone:
 *
 * <pre>
 * java -cp … io.luciole.bench.BackendComparison model=DIR [key=value …]
 *   backends=onnx,djl     which
 *   mix=32x24,2x400       texts to embed, COUNTxWORDS; longer ones than the model takes are cut
 *   passes=2              measured passes over each part of the mix, after a short warm-up
 *   starts=3              JVMs started to time the way from main to the first vector; 0 for none
 *   threads=2             of the backend
 *   heap=2g               each JVM's largest heap
 * </pre>
 *
 * <p>Prints a line for each backend and part of the mix: tokens a second through the engine with
 * all three outputs, best pass and slowest, and the process's peak of resident memory so far
 * (Linux's VmHWM, which counts the mapped pages of the checkpoint, too). Parts run in the order
 * given.
 */
public final class BackendComparison {
  private BackendComparison() {}

  /** Runs the comparison; see the class. */
  public static void main(String[] args) throws IOException, InterruptedException {
    Instant main = Instant.now();
    Map<String, String> options =
        new HashMap<>(
            Map.of(
                "model", "",
                "backends", "onnx,djl",
                "mix", "32x24,2x400",
                "passes", "2",
                "starts", "3",
                "threads", "2",
                "heap", "2g",
                "child", ""));
    for (String arg : args) {
      int eq = arg.indexOf('=');
      if (eq < 0 || options.put(arg.substring(0, eq), arg.substring(eq + 1)) == null) {
        throw new IllegalArgumentException(
            "expected key=value with a key of " + options.keySet() + ", got " + arg);
      }
    }
    if (get(options, "model").isEmpty()) {
      throw new IllegalArgumentException("expected model=DIR, a checkpoint's folder");
    }
    switch (get(options, "child")) {
      case "start" -> start(options, main);
      case "mix" -> mix(options);
      default -> parent(options, args);
    }
  }

  private static String get(Map<String, String> options, String key) {
    return options.getOrDefault(key, "");
  }

  private static void parent(Map<String, String> options, String[] args)
      throws IOException, InterruptedException {
    List<String> backends = List.of(get(options, "backends").split(",", -1));
    int starts = Integer.parseInt(get(options, "starts"));
    Map<String, List<double[]>> times = new HashMap<>();
    for (int i = 0; i < starts; i++) {
      for (String backend : backends) {
        String[] two = child(options, args, backend, "start").strip().split(" ", -1);
        times
            .computeIfAbsent(backend, b -> new ArrayList<>())
            .add(new double[] {Double.parseDouble(two[0]), Double.parseDouble(two[1])});
      }
    }
    for (String backend : backends) {
      for (int column = 0; column < 2 && starts > 0; column++) {
        int which = column;
        double[] sorted =
            times.getOrDefault(backend, List.of()).stream()
                .mapToDouble(two -> two[which])
                .sorted()
                .toArray();
        System.out.printf(
            Locale.ROOT,
            "%s: from %s to the first vector %.2f s (median of %d, %.2f to %.2f)%n",
            backend,
            column == 0 ? "main" : "the start of the process",
            sorted[sorted.length / 2],
            sorted.length,
            sorted[0],
            sorted[sorted.length - 1]);
      }
    }
    if (!get(options, "mix").isEmpty()) {
      for (String backend : backends) {
        System.out.print(child(options, args, backend, "mix"));
      }
    }
  }

  private static String child(
      Map<String, String> options, String[] args, String backend, String what)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-Xmx" + get(options, "heap"));
    command.add("-Dorg.slf4j.simpleLogger.defaultLogLevel=error");
    command.add("--enable-native-access=ALL-UNNAMED");
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), BackendComparison.class.getName()));
    command.addAll(Arrays.asList(args));
    command.add("backends=" + backend);
    command.add("child=" + what);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    try (InputStream out = process.getInputStream()) {
      String printed = new String(out.readAllBytes(), StandardCharsets.UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException("failed: " + String.join(" ", command) + "\n" + printed);
      }
      return printed;
    }
  }

  private static EmbeddingEngine open(Map<String, String> options) {
    return EmbeddingEngine.builder(
            LucioleConfig.of(
                Map.of(
                    "luciole.model", get(options, "model"),
                    "luciole.backend", get(options, "backends"),
                    "luciole.device", "cpu",
                    "luciole.threads", get(options, "threads"))))
        .open();
  }

  /** Prints the seconds from main, and from the start of the process, to the first vector. */
  private static void start(Map<String, String> options, Instant main) {
    try (EmbeddingEngine engine = open(options)) {
      int dimension = engine.embed("Fireflies glow at dusk.").join().dense().length;
      Instant now = Instant.now();
      Instant process = ProcessHandle.current().info().startInstant().orElse(main);
      System.out.printf(
          Locale.ROOT,
          "%.3f %.3f %d%n",
          seconds(Duration.between(main, now)),
          seconds(Duration.between(process, now)),
          dimension);
    }
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }

  private static void mix(Map<String, String> options) throws IOException {
    EmbedOptions all = EmbedOptions.passage().outputs(EnumSet.allOf(Output.class));
    try (EmbeddingEngine engine = open(options)) {
      engine.embedAll(List.of("Fireflies glow at dusk.", "Which insects give light?"), all);
      for (String part : get(options, "mix").split(",", -1)) {
        int count = Integer.parseInt(part.substring(0, part.indexOf('x')));
        int words = Integer.parseInt(part.substring(part.indexOf('x') + 1));
        Random random = new Random(7);
        List<String> texts = new ArrayList<>();
        for (int i = 0; i < count; i++) {
          texts.add(Texts.ofWords(random, words));
        }
        double best = Double.MAX_VALUE;
        double slowest = 0;
        long tokens = 0;
        int longest = 0;
        for (int pass = Integer.parseInt(get(options, "passes")); pass > 0; pass--) {
          long start = System.nanoTime();
          List<Embedding> found = engine.embedAll(texts, all);
          double took = (System.nanoTime() - start) / 1e9;
          best = Math.min(best, took);
          slowest = Math.max(slowest, took);
          tokens = found.stream().mapToLong(Embedding::tokenCount).sum();
          longest = found.stream().mapToInt(Embedding::tokenCount).max().orElse(0);
        }
        System.out.printf(
            Locale.ROOT,
            "%s: %d texts of up to %d tokens, %d tokens: %.0f tokens/s (slowest pass %.0f), peak"
                + " resident memory %s%n",
            get(options, "backends"),
            count,
            longest,
            tokens,
            tokens / best,
            tokens / slowest,
            peak());
      }
    }
  }

  private static String peak() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return "unknown";
    }
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmHWM:")) {
        long kib = Long.parseLong(line.replaceAll("\\D", ""));
        return String.format(Locale.ROOT, "%.2f GiB", kib / 1024.0 / 1024.0);
      }
    }
    return "unknown";
  }
}
