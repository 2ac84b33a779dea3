package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineStats;
import io.luciole.LucioleConfig;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.luciole.testkit.Fault;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadInfo;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.ToLongFunction;
import java.util.stream.Stream;

/**
 * What the engine does with a device of known cost, which sleeps instead of computing.
 *
 * <pre>
 * FakeDevice busy [microseconds a token]   the share of the time that the device is busy
 * FakeDevice soak [minutes]                whether memory stays flat, with failures of all kinds
 * </pre>
 *
 * Both with real tokenising in front of the device.
 */
public final class FakeDevice {
  private static final double MIB = 1 << 20;

  private FakeDevice() {}

  /** Runs one of the measurements. */
  public static void main(String[] args) throws Exception {
    switch (args.length > 0 ? args[0] : "busy") {
      case "busy" -> busy(args.length > 1 ? Double.parseDouble(args[1]) : 10);
      case "soak" -> soak(args.length > 1 ? Integer.parseInt(args[1]) : 20);
      default -> throw new IllegalArgumentException("expected busy or soak");
    }
  }

  private static String words(Random random) {
    int words = (int) Math.max(3, Math.min(500, 40 * Math.exp(0.9 * random.nextGaussian())));
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      text.append('w').append(random.nextInt(600)).append(' ');
    }
    return text.toString();
  }

  private static EmbeddingEngine.Builder engine(Path folder, FakeBackend backend) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(FakeModel.write(folder, 512))
        .backend(backend);
  }

  private interface Use {
    void with(Path folder) throws Exception;
  }

  private static void inFolder(Use use) throws Exception {
    Path folder = Files.createTempDirectory("luciole-bench");
    try {
      use.with(folder);
    } finally {
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      Files.delete(folder);
    }
  }

  private static void busy(double microsecondsPerToken) throws Exception {
    ToLongFunction<TokenBatch> cost =
        b -> (long) (2_000_000 + 1000 * microsecondsPerToken * b.size() * b.maxLength());
    for (int atOnce = 1; atOnce <= 2; atOnce++) {
      int runs = atOnce;
      FakeBackend backend =
          new FakeBackend().blank().concurrentRuns(runs).faults(Fault.delay(cost));
      inFolder(folder -> {
        try (EmbeddingEngine engine = engine(folder, backend).tokenBudget(4096).open()) {
          Random random = new Random(1);
          ArrayDeque<CompletableFuture<Embedding>> futures = new ArrayDeque<>();
          EngineStats start = engine.stats();
          long end = 0;
          long processor = 0;
          for (int i = 0; end == 0 || System.nanoTime() < end; i++) {
            if (i == 3000) {
              start = engine.stats();
              processor = deviceThreadNanos();
              end = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
            }
            futures.add(engine.embed(words(random)));
            if (futures.size() > 3000) {
              futures.remove().join();
            }
          }
          EngineStats now = engine.stats();
          double share =
              (double) now.busy().minus(start.busy()).toNanos()
                  / now.available().minus(start.available()).toNanos();
          long batches = now.batches() - start.batches();
          double own = (deviceThreadNanos() - processor) / 1e3 / batches;
          System.out.printf(
              Locale.ROOT,
              "runs at once %d: busy %.2f %%, %d batches, %.0f tokens each, padding %.1f %%,"
                  + " %.0f tokens/s; device threads: %.0f us of processor time a batch%n",
              runs,
              100 * share,
              batches,
              (double) (now.batchTokens() - start.batchTokens()) / batches,
              100 * now.paddingShare(),
              (now.batchTokens() - start.batchTokens())
                  * 1e9
                  / now.available().minus(start.available()).toNanos(),
              own);
          engine.close(Duration.ZERO);
        }
      });
    }
  }

  /** Processor time of the threads that own the device, which sleeps and needs none itself. */
  private static long deviceThreadNanos() {
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    long nanos = 0;
    for (ThreadInfo thread : threads.getThreadInfo(threads.getAllThreadIds())) {
      if (thread != null && thread.getThreadName().startsWith("luciole-cpu")) {
        nanos += threads.getThreadCpuTime(thread.getThreadId());
      }
    }
    return nanos;
  }

  private static void soak(int minutes) throws Exception {
    FakeBackend backend = new FakeBackend();
    backend
        .concurrentRuns(2)
        .faults(
            Fault.delay(b -> 3_000_000 + 3000L * b.size() * b.maxLength()),
            Fault.memory(3000),
            Fault.outOfMemory(Fault.randomly(0.01, 1)),
            Fault.throwing(Fault.holding(FakeModel.FIRST_WORD + 599)),
            Fault.throwing(Fault.randomly(0.001, 2)));
    inFolder(folder -> {
      try (EmbeddingEngine engine =
          engine(folder, backend).tokenBudget(4096).maxWaitingTokens(200_000).open()) {
        Random random = new Random(2);
        ArrayDeque<CompletableFuture<Embedding>> futures = new ArrayDeque<>();
        long start = System.nanoTime();
        System.out.println("minute  heap after GC MiB  resident MiB  threads  texts  failed");
        for (int minute = 0; minute <= minutes; minute++) {
          long end = start + TimeUnit.MINUTES.toNanos(minute);
          while (System.nanoTime() < end) {
            CompletableFuture<Embedding> future = engine.embed(words(random));
            if (random.nextInt(200) == 0
                && engine.health().state() == EngineHealth.State.UNHEALTHY) {
              Thread.sleep(100); // everything fails at once until the device is back
            }
            if (random.nextInt(20) == 0) {
              future.cancel(true);
            }
            futures.add(future);
            if (futures.size() > 2000) {
              futures.remove().exceptionally(t -> null).join();
            }
            if (random.nextInt(100) == 0) {
              engine
                  .embed("w1 w2 w3", EmbedOptions.query().timeout(Duration.ofMillis(50)))
                  .exceptionally(t -> null)
                  .join();
            }
          }
          report(minute, engine.stats());
        }
      }
      System.out.printf(
          "outputs left open %d, sessions left open %d, misuses %d%n",
          backend.openOutputs(), backend.openSessions(), backend.misuses());
    });
  }

  private static void report(int minute, EngineStats stats) throws IOException {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    System.out.printf(
        Locale.ROOT,
        "%6d %18.1f %13.1f %8d %8d %7d%n",
        minute,
        (runtime.totalMemory() - runtime.freeMemory()) / MIB,
        residentMiB(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        stats.submitted(),
        stats.failed());
  }

  private static double residentMiB() throws IOException {
    Path status = Path.of("/proc/self/status");
    List<String> lines = Files.isReadable(status) ? Files.readAllLines(status) : new ArrayList<>();
    for (String line : lines) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    return Double.NaN;
  }
}
