package io.luciole.bench;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineStats;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Whether memory stays flat over a real model: texts of mixed lengths through native code, some
 * cancelled, some late, and a backend that runs out of memory, throws or dies at random.
 *
 * <pre>
 * Soak MODEL [minutes [share of a processor]]
 * </pre>
 *
 * <p>The caller rests between texts so that the process takes about that share, 0.3 unless told.
 */
public final class Soak {
  private static final double MIB = 1 << 20;
  private static final int UNDER_WAY = 1000;

  private Soak() {}

  /** Prints a line a minute; the first is of the engine just opened. */
  public static void main(String[] args) throws Exception {
    if (args.length == 0) {
      throw new IllegalArgumentException("expected MODEL [minutes [share of a processor]]");
    }
    int minutes = args.length > 1 ? Integer.parseInt(args[1]) : 20;
    double share = args.length > 2 ? Double.parseDouble(args[2]) : 0.3;
    Faulty faulty = new Faulty();
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(args[0])
            .backend(faulty)
            .tokenBudget(2048)
            .maxWaitingTokens(200_000)
            .reopenDelay(Duration.ofMillis(100))
            .open()) {
      run(engine, faulty, minutes, share);
    }
    System.out.printf(
        "left open: %d outputs, %d sessions; the device was lost and reopened %d times%n",
        faulty.outputs.get(), faulty.sessions.get(), faulty.opened.get() - 1);
  }

  private static void run(EmbeddingEngine engine, Faulty faulty, int minutes, double share)
      throws Exception {
    Random random = new Random(2);
    ArrayDeque<CompletableFuture<Embedding>> futures = new ArrayDeque<>();
    Set<Output> all = engine.backend().outputs();
    EmbedOptions everything = EmbedOptions.passage().outputs(all);
    System.out.println(
        "minute  heap after GC MiB  direct buffers  direct MiB  resident MiB  threads  outputs open"
            + "     texts  failed");
    long start = System.nanoTime();
    long cpuAtStart = processorNanos();
    for (int minute = 0; minute <= minutes; minute++) {
      long end = start + TimeUnit.MINUTES.toNanos(minute);
      while (System.nanoTime() < end) {
        int words = (int) Math.max(1, Math.min(400, 30 * Math.exp(random.nextGaussian())));
        CompletableFuture<Embedding> future =
            random.nextInt(4) == 0
                ? engine.embed(Texts.ofWords(random, words), everything)
                : engine.embed(Texts.ofWords(random, words));
        if (random.nextInt(20) == 0) {
          future.cancel(true);
        }
        futures.add(future);
        if (futures.size() > UNDER_WAY) {
          futures.remove().exceptionally(t -> null).join();
        }
        if (random.nextInt(50) == 0) {
          engine
              .embed(
                  Texts.ofWords(random, 8),
                  EmbedOptions.query().timeout(Duration.ofMillis(1 + random.nextInt(50))))
              .exceptionally(t -> null)
              .join();
          rest(start, cpuAtStart, share);
        }
        while (engine.health().state() == EngineHealth.State.UNHEALTHY) {
          Thread.sleep(20);
        }
      }
      for (CompletableFuture<Embedding> future : futures) {
        future.exceptionally(t -> null).join();
      }
      futures.clear();
      report(minute, engine.stats(), faulty.outputs.get());
    }
  }

  private static void rest(long start, long cpuAtStart, double share) throws InterruptedException {
    long due = (long) ((processorNanos() - cpuAtStart) / share);
    long rest = due - (System.nanoTime() - start);
    if (rest > 0) {
      Thread.sleep(Math.min(1000, rest / 1_000_000));
    }
  }

  private static long processorNanos() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getProcessCpuTime();
  }

  private static void report(int minute, EngineStats stats, int outputs) throws IOException {
    System.gc();
    Runtime runtime = Runtime.getRuntime();
    long buffers = 0;
    long bytes = 0;
    for (BufferPoolMXBean pool : ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class)) {
      if (pool.getName().equals("direct")) {
        buffers = pool.getCount();
        bytes = pool.getMemoryUsed();
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%6d %18.1f %15d %11.1f %13.1f %8d %13d %9d %7d%n",
        minute,
        (runtime.totalMemory() - runtime.freeMemory()) / MIB,
        buffers,
        bytes / MIB,
        residentMiB(),
        ManagementFactory.getThreadMXBean().getThreadCount(),
        outputs,
        stats.submitted(),
        stats.failed());
  }

  /** What the process has in memory, or NaN where the system does not tell. */
  static double residentMiB() throws IOException {
    Path status = Path.of("/proc/self/status");
    List<String> lines = Files.isReadable(status) ? Files.readAllLines(status) : List.of();
    for (String line : lines) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    return Double.NaN;
  }

  /** The best backend there is, failing at random: 1 % out of memory, 0.5 % otherwise. */
  private static final class Faulty implements BackendProvider {
    private final BackendProvider inner =
        Backends.find().select(Optional.empty(), Optional.of(Device.CPU));
    private final SplittableRandom random = new SplittableRandom(1);
    private final AtomicInteger outputs = new AtomicInteger();
    private final AtomicInteger sessions = new AtomicInteger();
    private final AtomicInteger opened = new AtomicInteger();

    /** Until when every run fails: the device is dead for a moment now and then. */
    private long deadUntil = System.nanoTime();

    @Override
    public String name() {
      return inner.name();
    }

    @Override
    public Probe probe() {
      return inner.probe();
    }

    private synchronized void fail(TokenBatch batch) {
      double chance = random.nextDouble();
      if (chance < 0.0001) {
        deadUntil = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(50);
      }
      if (System.nanoTime() - deadUntil < 0 || chance < 0.005) {
        throw new BackendException("a fault that was asked for on " + batch);
      }
      if (chance < 0.015) {
        String message = "out of memory, as was asked for";
        throw new BackendOutOfMemoryException(message, new IllegalStateException(message));
      }
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      Backend backend = inner.open(model, config);
      opened.incrementAndGet();
      sessions.incrementAndGet();
      return new Backend() {
        @Override
        public BackendInfo info() {
          return backend.info();
        }

        @Override
        public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
          fail(batch);
          BackendOutput output = backend.run(batch, wanted);
          outputs.incrementAndGet();
          Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
          wanted.forEach(kind -> values.put(kind, output.get(kind)));
          return new BackendOutput(
              values,
              () -> {
                output.close();
                outputs.decrementAndGet();
              });
        }

        @Override
        public void close() {
          backend.close();
          sessions.decrementAndGet();
        }
      };
    }
  }
}
