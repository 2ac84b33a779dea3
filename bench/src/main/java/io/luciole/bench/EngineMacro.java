package io.luciole.bench;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.EngineListener;
import io.luciole.Lane;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.TextTokenizer;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAccumulator;
import org.apache.lucene.util.IOUtils;

/**
 * The engine over a real model against what people do without one.
 *
 * <pre>
 * EngineMacro throughput [model [texts [median words [rounds]]]]
 * EngineMacro seed       [model [rounds]]
 * EngineMacro latency    [model [queries]]
 * </pre>
 *
 * <p>A model is {@code starter}, {@code small} for a {@link RandomCheckpoint} compiled in fp32, or
 * a folder. Throughput compares the ways of using one backend, each round one after another.
 */
public final class EngineMacro {
  private static final int FIXED_BATCH = 32;

  private static final String SMALL = "small";

  private EngineMacro() {}

  /** Runs one of the measurements. */
  public static void main(String[] args) throws Exception {
    String what = args.length > 0 ? args[0] : "throughput";
    String model = args.length > 1 ? args[1] : ModelSource.STARTER;
    if (!model.equals(SMALL)) {
      run(what, model, args);
      return;
    }
    Path folder = Files.createTempDirectory("luciole-bench");
    try {
      RandomCheckpoint.SMALL.write(folder);
      run(what, folder.toString(), args);
    } finally {
      IOUtils.rm(folder);
    }
  }

  private static void run(String what, String model, String[] args) throws Exception {
    switch (what) {
      case "throughput" ->
          throughput(
              model,
              args.length > 2 ? Integer.parseInt(args[2]) : 600,
              args.length > 3 ? Integer.parseInt(args[3]) : 60,
              args.length > 4 ? Integer.parseInt(args[4]) : 3);
      case "seed" -> seedCase(model, args.length > 2 ? Integer.parseInt(args[2]) : 9);
      case "latency" -> latency(model, args.length > 2 ? Integer.parseInt(args[2]) : 200);
      default -> throw new IllegalArgumentException("expected throughput, seed or latency");
    }
  }

  /** The model without the engine: a tokenizer and a backend, called directly. */
  private static final class Direct implements AutoCloseable {
    private final TextTokenizer tokenizer;
    private final Backend backend;

    Direct(String model) {
      ModelFiles files = ModelSource.parse(model).resolve();
      tokenizer = TextTokenizer.open(files);
      backend =
          Backends.find()
              .select(Optional.empty(), Optional.of(Device.CPU))
              .open(files, BackendConfig.on(Device.CPU));
    }

    /** Tokenises and computes texts in one blocking call, and reads the result. */
    float embed(List<String> texts) {
      List<int[]> ids = new ArrayList<>(texts.size());
      for (String text : texts) {
        ids.add(tokenizer.tokenize(text, Role.PASSAGE).ids());
      }
      try (BackendOutput output = backend.run(TokenBatch.of(ids), Set.of(Output.DENSE))) {
        return output.get(Output.DENSE).get(0);
      }
    }

    void embedInBatches(List<String> texts) {
      for (int i = 0; i < texts.size(); i += FIXED_BATCH) {
        embed(texts.subList(i, Math.min(texts.size(), i + FIXED_BATCH)));
      }
    }

    @Override
    public void close() {
      backend.close();
      tokenizer.close();
    }
  }

  private interface Way {
    void run() throws Exception;
  }

  /**
   * Runs the ways in turn, in another order each round, so that what else the machine does meets
   * them alike. The last column is the median over the rounds of a way's time in proportion to the
   * first way's in the same round.
   */
  private static void compare(Map<String, Way> ways, int texts, int rounds) throws Exception {
    Map<String, double[]> seconds = new LinkedHashMap<>();
    Map<String, double[]> processor = new LinkedHashMap<>();
    for (String name : ways.keySet()) {
      seconds.put(name, new double[rounds]);
      processor.put(name, new double[rounds]);
    }
    List<String> order = new ArrayList<>(ways.keySet());
    Random random = new Random(13);
    for (int round = -1; round < rounds; round++) {
      Collections.shuffle(order, random);
      for (String name : order) {
        long cpu = processorNanos();
        long start = System.nanoTime();
        requireNonNull(ways.get(name)).run();
        if (round >= 0) {
          requireNonNull(seconds.get(name))[round] = (System.nanoTime() - start) / 1e9;
          requireNonNull(processor.get(name))[round] = (processorNanos() - cpu) / 1e9;
        }
      }
    }
    double[] first = requireNonNull(seconds.get(ways.keySet().iterator().next()));
    System.out.printf(
        "%-44s %8s %8s %8s %8s %8s %8s%n",
        "", "best s", "median", "texts/s", "CPU s", "median", "ratio");
    seconds.forEach((name, times) -> {
      double[] ratios = new double[rounds];
      Arrays.setAll(ratios, i -> times[i] / first[i]);
      double[] cpu = requireNonNull(processor.get(name));
      double best = Arrays.stream(times).min().orElseThrow();
      System.out.printf(
          Locale.ROOT,
          "%-44s %8.3f %8.3f %8.1f %8.2f %8.2f %8.3f%n",
          name,
          best,
          median(times),
          texts / best,
          Arrays.stream(cpu).min().orElseThrow(),
          median(cpu),
          median(ratios));
    });
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return (sorted[sorted.length / 2] + sorted[(sorted.length - 1) / 2]) / 2;
  }

  private static long processorNanos() {
    return ((com.sun.management.OperatingSystemMXBean)
            java.lang.management.ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static EngineBuilder engine(String model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model(model).device("cpu");
  }

  private static void throughput(String model, int count, int median, int rounds) throws Exception {
    List<String> texts = Texts.mixed(count, median, 0.9, 380, 7);
    List<String> sorted = new ArrayList<>(texts);
    sorted.sort(Comparator.comparingInt(String::length).reversed());
    try (Direct direct = new Direct(model);
        EmbeddingEngine engine = engine(model).open()) {
      long tokens = 0;
      for (String text : texts) {
        tokens += direct.tokenizer.tokenize(text, Role.PASSAGE).length();
      }
      System.out.printf(
          "%s on %s, %d texts of %d tokens on average, %d processors%n",
          engine.modelName(),
          engine.backend().device(),
          count,
          tokens / count,
          Runtime.getRuntime().availableProcessors());
      Map<String, Way> ways = new LinkedHashMap<>();
      ways.put("(a) one blocking call a text", () -> texts.forEach(t -> direct.embed(List.of(t))));
      ways.put("(b) batches of 32 in order of arrival", () -> direct.embedInBatches(texts));
      ways.put("(c) batches of 32 sorted by length", () -> direct.embedInBatches(sorted));
      ways.put("engine, embedAll", () -> engine.embedAll(texts, EmbedOptions.passage()));
      ways.put(
          "engine, a future a text",
          () -> {
            List<CompletableFuture<Embedding>> futures = new ArrayList<>();
            for (String text : texts) {
              futures.add(engine.embed(text));
            }
            futures.forEach(CompletableFuture::join);
          });
      compare(ways, count, rounds);
    }
  }

  private static void seedCase(String model, int rounds) throws Exception {
    int count = 96;
    for (int words : new int[] {16, 40}) {
      Random random = new Random(3);
      List<String> texts = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        texts.add(Texts.ofWords(random, words));
      }
      try (Direct direct = new Direct(model);
          Direct same = new Direct(model);
          EmbeddingEngine engine = engine(model).open()) {
        System.out.printf("%d texts of %d words at once%n", count, words);
        Map<String, Way> ways = new LinkedHashMap<>();
        ways.put("one direct backend call, tokenising included", () -> direct.embed(texts));
        ways.put("the same in another session: the error", () -> same.embed(texts));
        ways.put(
            "engine, 96 futures",
            () -> {
              List<CompletableFuture<Embedding>> futures = new ArrayList<>();
              for (String text : texts) {
                futures.add(engine.embed(text));
              }
              futures.forEach(CompletableFuture::join);
            });
        compare(ways, count, rounds);
      }
    }
  }

  private static void latency(String model, int count) throws InterruptedException {
    Random random = new Random(5);
    LongAccumulator longestBulk = new LongAccumulator(Math::max, 0);
    EngineListener listener =
        new EngineListener() {
          @Override
          public void onBatch(Batch batch) {
            if (batch.lane() == Lane.BULK) {
              longestBulk.accumulate(batch.run().toNanos());
            }
          }
        };
    try (EmbeddingEngine engine = engine(model).listener(listener).open()) {
      List<String> bulk = Texts.mixed(2000, 60, 0.9, 380, 11);
      engine.embedAll(bulk.subList(0, 50), EmbedOptions.passage());
      System.out.println("interactive queries of 8 words, one every 100 ms");
      double[] alone = queries(engine, random, count);
      print("alone", alone);
      longestBulk.reset();
      ArrayDeque<CompletableFuture<Embedding>> futures = new ArrayDeque<>();
      Thread job =
          Thread.ofPlatform()
              .daemon()
              .start(() -> {
                int next = 0;
                while (!Thread.currentThread().isInterrupted()) {
                  futures.add(engine.embed(bulk.get(next++ % bulk.size())));
                  if (futures.size() > 3000) {
                    futures.remove().join();
                  }
                }
              });
      Thread.sleep(2000);
      double[] beside = queries(engine, random, count);
      print("beside a saturating bulk job", beside);
      double batch = longestBulk.get() / 1e6;
      System.out.printf(
          Locale.ROOT,
          "bound: the longest bulk batch %.1f ms + the longest query alone %.1f ms = %.1f ms;"
              + " p99 is %.2f of it%n",
          batch,
          alone[alone.length - 1],
          batch + alone[alone.length - 1],
          percentile(beside) / (batch + alone[alone.length - 1]));
      job.interrupt();
      job.join();
      engine.close(Duration.ZERO);
    }
  }

  private static double[] queries(EmbeddingEngine engine, Random random, int count)
      throws InterruptedException {
    double[] millis = new double[count];
    for (int i = 0; i < count; i++) {
      Thread.sleep(50 + random.nextInt(100));
      long start = System.nanoTime();
      engine.embed(Texts.ofWords(random, 8), EmbedOptions.query()).join();
      millis[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(millis);
    return millis;
  }

  /** The 99th. */
  private static double percentile(double[] sorted) {
    return sorted[(int) Math.min(sorted.length - 1, Math.ceil(sorted.length * 0.99) - 1)];
  }

  private static void print(String what, double[] sorted) {
    System.out.printf(
        Locale.ROOT,
        "%-32s p50 %8.1f ms, p99 %8.1f ms, most %8.1f ms%n",
        what,
        sorted[sorted.length / 2],
        percentile(sorted),
        sorted[sorted.length - 1]);
    System.out.flush();
  }
}
