package io.luciole.bench;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.sun.management.OperatingSystemMXBean;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineStats;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Role;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * From texts to vectors in this JVM's memory, as an application has it: every text of a file is
 * submitted, then all results are collected. Prints one line a file, best of several passes with
 * the spread, and the latency of one query at a time.
 *
 * <pre>
 * java … io.luciole.bench.EncodeBenchmark [key=value …] TEXTS.jsonl …
 *   luciole.model=DIR luciole.device=cuda:0 luciole.precision=fp16 …   the engine's settings
 *   outputs=dense,sparse   what each text asks for
 *   warm=0                 seconds of passes over each file before those that are measured, one at least
 *   passes=3               measured passes
 *   repeat=1               how many times a pass submits each text
 *   tokenised=false        true: submit token ids, made before the time is taken
 *   queries=200            single queries of each of three lengths, one after another; 0 for none
 *   peak=0                 what a large matrix product reaches on one device, TFLOP/s; 0: not known
 * </pre>
 *
 * <p>Beside the time it tells the processor time, which other work on the machine disturbs less,
 * and what the process holds in memory as Linux counts it: at its peak, anonymous and of files.
 *
 * <p>"Busy" is the share of a pass in which the devices computed, "padding" the share of what they
 * computed that was padding, both of the best pass. Work is counted as 2 multiply-adds a weight and
 * token in the linear layers and {@code 4·H·n²} a layer for attention over n tokens, H the hidden
 * size.
 */
public final class EncodeBenchmark {
  private EncodeBenchmark() {}

  /** Runs the benchmark; see the class. */
  public static void main(String[] args) throws IOException {
    Map<String, String> settings = new HashMap<>();
    Map<String, String> own =
        new HashMap<>(
            Map.of(
                "outputs",
                "dense,sparse",
                "warm",
                "0",
                "passes",
                "3",
                "repeat",
                "1",
                "tokenised",
                "false",
                "queries",
                "200",
                "peak",
                "0"));
    List<Path> files = new ArrayList<>();
    for (String arg : args) {
      int eq = arg.indexOf('=');
      if (eq < 0) {
        files.add(Path.of(arg));
      } else if (arg.startsWith("luciole.")) {
        settings.put(arg.substring(0, eq), arg.substring(eq + 1));
      } else if (own.put(arg.substring(0, eq), arg.substring(eq + 1)) == null) {
        throw new IllegalArgumentException("unknown option " + arg + "; known: " + own.keySet());
      }
    }
    long start = System.nanoTime();
    try (EmbeddingEngine engine = EmbeddingEngine.builder(LucioleConfig.of(settings)).open()) {
      System.out.printf(
          Locale.ROOT,
          "%s on %s, %s, %s, opened in %.1f s%n",
          engine.modelName(),
          engine.backend().device(),
          engine.backend().precision(),
          engine.backend().version(),
          (System.nanoTime() - start) / 1e9);
      System.out.println("memory once opened: " + memory());
      EmbedOptions passage = EmbedOptions.passage().outputs(outputs(option(own, "outputs")));
      Work work = Work.of(settings.get("luciole.model"));
      for (Path file : files) {
        List<String> texts = texts(file, Integer.parseInt(option(own, "repeat")));
        Submission submission =
            new Submission(
                texts.size(),
                Boolean.parseBoolean(option(own, "tokenised"))
                    ? tokenised(engine, passage, texts)
                    : text -> engine.embed(texts.get(text), passage));
        warmUp(submission, Double.parseDouble(option(own, "warm")));
        Pass best = best(engine, submission, Integer.parseInt(option(own, "passes")), work);
        best.print(file, texts.size(), Double.parseDouble(option(own, "peak")));
      }
      int queries = Integer.parseInt(option(own, "queries"));
      for (int repeat = 1; queries > 0 && repeat <= 4; repeat *= 2) {
        latency(engine, queries, repeat, outputs(option(own, "outputs")));
      }
      System.out.println("memory in the end: " + memory());
    }
  }

  private static String option(Map<String, String> options, String name) {
    return requireNonNull(options.get(name), name);
  }

  private static Set<Output> outputs(String names) {
    Set<Output> outputs = EnumSet.noneOf(Output.class);
    for (String name : names.split(",", -1)) {
      outputs.add(Output.valueOf(name.strip().toUpperCase(Locale.ROOT)));
    }
    return outputs;
  }

  private static List<String> texts(Path file, int repeat) throws IOException {
    List<String> texts = new ArrayList<>();
    ObjectMapper json = new ObjectMapper();
    for (String line : Files.readAllLines(file)) {
      texts.add(json.readTree(line).path("text").asText());
    }
    return Collections.nCopies(repeat, texts).stream().flatMap(List::stream).toList();
  }

  /** One pass over a file's texts. */
  private record Pass(
      double seconds,
      double slowest,
      double processorSeconds,
      long tokens,
      double flops,
      double busy,
      double padding) {
    void print(Path file, int texts, double peak) {
      System.out.printf(
          Locale.ROOT,
          "luciole %s: %d texts, %d tokens, %.3f s (slowest pass %.3f): %.1f texts/s %.0f tokens/s"
              + " %.2f TFLOP/s%s, busy %.1f %%, padding %.1f %%, %.0f tokens a processor-second%n",
          file.getFileName(),
          texts,
          tokens,
          seconds,
          slowest,
          texts / seconds,
          tokens / seconds,
          flops / seconds / 1e12,
          peak > 0
              ? String.format(
                  Locale.ROOT, " (%.0f %% of %.0f)", flops / seconds / 1e10 / peak, peak)
              : "",
          100 * busy,
          100 * padding,
          tokens / processorSeconds);
    }
  }

  /** A short file is over before the JVM has compiled what it runs. */
  private static void warmUp(Submission texts, double seconds) {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    while (System.nanoTime() < end) {
      texts.run();
    }
  }

  private static Pass best(EmbeddingEngine engine, Submission texts, int passes, Work work) {
    long tokens = 0;
    double flops = 0;
    for (Embedding embedding : texts.run()) {
      tokens += embedding.tokenCount();
      flops += work.flops(embedding.tokenCount());
    }
    Pass best = null;
    double slowest = 0;
    double processor = Double.MAX_VALUE;
    for (int pass = 0; pass < passes; pass++) {
      EngineStats before = engine.stats();
      double processorBefore = processorSeconds();
      long t = System.nanoTime();
      texts.run();
      double s = (System.nanoTime() - t) / 1e9;
      processor = Math.min(processor, processorSeconds() - processorBefore);
      EngineStats after = engine.stats();
      slowest = Math.max(slowest, s);
      if (best == null || s < best.seconds) {
        double computed = after.computedTokens() - before.computedTokens();
        best =
            new Pass(
                s,
                0,
                0,
                tokens,
                flops,
                (double) after.busy().minus(before.busy()).toNanos()
                    / after.available().minus(before.available()).toNanos(),
                1 - (after.batchTokens() - before.batchTokens()) / computed);
      }
    }
    Pass found = requireNonNull(best, "passes must be at least 1");
    return new Pass(found.seconds, slowest, processor, tokens, flops, found.busy, found.padding);
  }

  private static double processorSeconds() {
    return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getProcessCpuTime()
        / 1e9;
  }

  private static String memory() throws IOException {
    Path status = Path.of("/proc/self/status");
    if (!Files.isReadable(status)) {
      return "known on Linux only";
    }
    return String.join(
        ", ",
        Files.readAllLines(status).stream()
            .filter(line -> line.matches("(VmHWM|RssAnon|RssFile):.*"))
            .map(line -> line.replaceAll("\\s+", " "))
            .toList());
  }

  /** Texts that are submitted all at once. */
  private record Submission(int count, IntFunction<CompletableFuture<Embedding>> text) {
    List<Embedding> run() {
      List<CompletableFuture<Embedding>> futures = new ArrayList<>(count);
      for (int i = 0; i < count; i++) {
        futures.add(text.apply(i));
      }
      return futures.stream().map(CompletableFuture::join).toList();
    }
  }

  private static IntFunction<CompletableFuture<Embedding>> tokenised(
      EmbeddingEngine engine, EmbedOptions options, List<String> texts) {
    List<int[]> ids =
        texts.parallelStream().map(text -> engine.tokenize(text, Role.PASSAGE).ids()).toList();
    return text -> engine.embed(ids.get(text), options);
  }

  /** Queries of about 8 words, {@code repeat} times over. */
  private static void latency(
      EmbeddingEngine engine, int queries, int repeat, Set<Output> outputs) {
    EmbedOptions query = EmbedOptions.query().outputs(outputs);
    double[] millis = new double[queries];
    int tokens = 0;
    EngineStats before = engine.stats();
    for (int i = -queries; i < queries; i++) {
      String text = "which insects glow in the dark, and why " + (i & 7);
      if (i == 0) {
        before = engine.stats();
      }
      long t = System.nanoTime();
      Embedding e = engine.embed(String.join(" ", Collections.nCopies(repeat, text)), query).join();
      if (i >= 0) {
        millis[i] = (System.nanoTime() - t) / 1e6;
        tokens = Math.max(tokens, e.tokenCount());
      }
    }
    Arrays.sort(millis);
    double busy = engine.stats().busy().minus(before.busy()).toNanos() / 1e6 / queries;
    System.out.printf(
        Locale.ROOT,
        "luciole one query of up to %d tokens at a time: p50 %.3f ms, p99 %.3f ms; on the device"
            + " %.3f ms on average%n",
        tokens,
        millis[queries / 2],
        millis[queries * 99 / 100],
        busy);
  }

  /** What a token and a text cost, from config.json. */
  private record Work(double linear, double attention) {
    static Work of(@Nullable String model) throws IOException {
      Path config = Path.of(model == null ? "" : model, "config.json");
      if (!Files.isRegularFile(config)) {
        return new Work(0, 0);
      }
      JsonNode c = new ObjectMapper().readTree(config.toFile());
      double h = c.path("hidden_size").asDouble();
      double layers = c.path("num_hidden_layers").asDouble();
      double weights = 4 * h * h + 2 * h * c.path("intermediate_size").asDouble();
      return new Work(layers * 2 * weights, layers * 4 * h);
    }

    double flops(int tokens) {
      return linear * tokens + attention * tokens * tokens;
    }
  }
}
