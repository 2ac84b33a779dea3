package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineStats;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Callers in a closed loop: each embeds a query, waits for its vectors, and embeds the next. Prints
 * a line for each number of callers: queries a second, latency, and how the engine batched them.
 *
 * <pre>
 * java … io.luciole.bench.ConcurrentQueries [key=value …]
 *   luciole.model=DIR luciole.device=cuda:0 …   the engine's settings
 *   callers=1,4,16,64,256,1024                  how many at a time, one after another
 *   repeat=1                                    queries of about 8 words, so many times over
 *   seconds=4                                   of a measurement; a warm-up takes as long
 *   threads=virtual                             or platform: what a caller runs on
 * </pre>
 */
public final class ConcurrentQueries {
  private ConcurrentQueries() {}

  /** Runs the benchmark. */
  public static void main(String[] args) throws InterruptedException {
    Map<String, String> settings = new HashMap<>();
    Map<String, String> own = new HashMap<>();
    own.put("callers", "1,4,16,64,256,1024");
    own.put("repeat", "1");
    own.put("seconds", "4");
    own.put("threads", "virtual");
    for (String arg : args) {
      String[] pair = arg.split("=", 2);
      if (pair.length < 2 || !(pair[0].startsWith("luciole.") || own.containsKey(pair[0]))) {
        throw new IllegalArgumentException(
            "expected luciole.…=VALUE or one of " + own.keySet() + ", found " + arg);
      }
      (own.containsKey(pair[0]) ? own : settings).put(pair[0], pair[1]);
    }
    Thread.Builder threads =
        own.get("threads").equals("platform") ? Thread.ofPlatform() : Thread.ofVirtual();
    double seconds = Double.parseDouble(own.get("seconds"));
    List<String> queries = queries(Integer.parseInt(own.get("repeat")));
    try (EmbeddingEngine engine = EmbeddingEngine.builder(LucioleConfig.of(settings)).open()) {
      System.out.printf(
          Locale.ROOT,
          "%s on %s, %s, up to %d tokens a query%n%8s %10s %8s %8s %8s %12s %13s %6s%n",
          engine.modelName(),
          engine.backend().device(),
          engine.backend().precision(),
          tokens(engine, queries),
          "callers",
          "queries/s",
          "p50 ms",
          "p99 ms",
          "max ms",
          "texts/batch",
          "tokens/batch",
          "busy");
      for (String count : own.get("callers").split(",", -1)) {
        int callers = Integer.parseInt(count);
        run(engine, threads, callers, queries, seconds);
        EngineStats before = engine.stats();
        double[] millis = run(engine, threads, callers, queries, seconds);
        print(callers, millis, seconds, before, engine.stats());
      }
    }
  }

  private static List<String> queries(int repeat) {
    List<String> queries = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      queries.add(
          String.join(
              " ", Collections.nCopies(repeat, "which insects glow in the dark, and why " + i)));
    }
    return queries;
  }

  private static int tokens(EmbeddingEngine engine, List<String> queries) {
    return queries.stream()
        .mapToInt(query -> engine.embed(query, options()).join().tokenCount())
        .max()
        .orElseThrow();
  }

  private static EmbedOptions options() {
    return EmbedOptions.query().outputs(Output.DENSE);
  }

  /** The latencies of all callers' queries in milliseconds, ascending. */
  private static double[] run(
      EmbeddingEngine engine,
      Thread.Builder threads,
      int callers,
      List<String> queries,
      double seconds)
      throws InterruptedException {
    long end = System.nanoTime() + (long) (seconds * 1e9);
    List<List<Double>> millis =
        Stream.generate(() -> (List<Double>) new ArrayList<Double>()).limit(callers).toList();
    List<Thread> started = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      int caller = i;
      started.add(
          threads.start(() -> {
            for (int next = caller; System.nanoTime() < end; next++) {
              long start = System.nanoTime();
              engine.embed(queries.get(next % queries.size()), options()).join();
              millis.get(caller).add((System.nanoTime() - start) / 1e6);
            }
          }));
    }
    for (Thread thread : started) {
      thread.join();
    }
    double[] all = millis.stream().flatMap(List::stream).mapToDouble(m -> m).toArray();
    Arrays.sort(all);
    return all;
  }

  private static void print(
      int callers, double[] millis, double seconds, EngineStats before, EngineStats after) {
    double batches = Math.max(1, after.batches() - before.batches());
    System.out.printf(
        Locale.ROOT,
        "%8d %10.0f %8.2f %8.2f %8.2f %12.1f %13.0f %5.1f%%%n",
        callers,
        millis.length / seconds,
        millis[millis.length / 2],
        millis[(int) (millis.length * 0.99)],
        millis[millis.length - 1],
        (after.batchTexts() - before.batchTexts()) / batches,
        (after.batchTokens() - before.batchTokens()) / batches,
        100.0
            * after.busy().minus(before.busy()).toNanos()
            / after.available().minus(before.available()).toNanos());
  }
}
