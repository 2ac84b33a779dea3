package io.luciole;

import io.luciole.model.ModelDescription;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.TextTokenizer;
import io.luciole.model.TokenizedText;
import io.luciole.spi.Device;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.luciole.testkit.Fault;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.AuxCounters;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The share of the time that a device is busy under a saturating load of mixed lengths: a device
 * that pads, sleeps 2 ms a batch and 10 µs a token (about 40 ms a batch of 4,096), with 3,000 texts
 * of 3 to 500 words waiting for it. The counter {@code busyPercent} is the result, not the time.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SingleShotTime)
@OutputTimeUnit(TimeUnit.SECONDS)
@Fork(value = 1, jvmArgs = "-Xmx2g")
@Warmup(iterations = 1)
@Measurement(iterations = 1)
public class BusyBenchmark {
  private static final int WAITING = 3000;
  private static final int MOST_WORDS = 500;
  private static final long SECONDS = 8;

  /** Whether texts are tokenised, or come with their length. */
  @Param({"true", "false"})
  boolean tokenise;

  /** Runs at once that the device allows. */
  @Param({"1", "2"})
  int runs;

  private Path folder = Path.of("");
  private @Nullable TextTokenizer tokenizer;

  /** What is reported beside the time. */
  @AuxCounters(AuxCounters.Type.EVENTS)
  @State(Scope.Thread)
  public static class Shares {
    /** The share of the time that the device was busy. */
    public double busyPercent;

    /** The share of what was computed that was padding. */
    public double paddingPercent;

    /** Tokens of a batch on average. */
    public double batchTokens;
  }

  /** Writes the tokenizer's folder. */
  @Setup
  public void open() throws IOException {
    folder = Files.createTempDirectory("luciole-bench");
    tokenizer = TextTokenizer.open(FakeModel.write(folder, MOST_WORDS + 2).resolve());
  }

  /** Deletes it. */
  @TearDown
  public void close() throws IOException {
    if (tokenizer != null) {
      tokenizer.close();
    }
    for (String file : List.of("tokenizer.json", "luciole.json", "model.onnx")) {
      Files.delete(folder.resolve(file));
    }
    Files.delete(folder);
  }

  private TokenizedText tokenize(String text, Role role) {
    TextTokenizer real = tokenizer;
    return tokenise && real != null
        ? real.tokenize(text, role)
        : new TokenizedText(new int[2 + Integer.parseInt(text)], false);
  }

  private String text(Random random) {
    int words = (int) Math.max(3, Math.min(MOST_WORDS, 40 * Math.exp(0.9 * random.nextGaussian())));
    if (!tokenise) {
      return Integer.toString(words);
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < words; i++) {
      text.append('w').append(random.nextInt(600)).append(' ');
    }
    return text.toString();
  }

  /** Saturates the device for some seconds, after its queue was filled. */
  @Benchmark
  public void saturate(Shares shares) throws IOException {
    FakeBackend backend =
        new FakeBackend()
            .blank()
            .concurrentRuns(runs)
            .faults(Fault.delay(b -> 2_000_000 + 10_000L * b.size() * b.maxLength()));
    ModelFiles files = ModelSource.path(folder).resolve();
    ModelDescription description = files.description();
    EngineSettings settings = new EngineSettings.Draft(LucioleConfig.of(Map.of())).on(Device.CPU);
    Pipeline pipeline =
        new Pipeline(
            this::tokenize,
            MOST_WORDS + 2,
            true,
            settings,
            new EngineMetrics(List.of()),
            null,
            null,
            System::nanoTime);
    pipeline.start(
        List.of(
            pipeline.worker(
                new LoadedModel.OpenDevice(
                    backend.open(Device.CPU), () -> backend.open(Device.CPU), 4096),
                description,
                new int[] {1})));
    Random random = new Random(1);
    ArrayDeque<CompletableFuture<Embedding>> futures = new ArrayDeque<>();
    EngineStats start = pipeline.stats();
    long end = Long.MAX_VALUE;
    for (int i = 0; System.nanoTime() < end; i++) {
      if (i == WAITING) {
        start = pipeline.stats();
        end = System.nanoTime() + TimeUnit.SECONDS.toNanos(SECONDS);
      }
      futures.add(
          pipeline.submit(
              Input.of(text(random)), EmbedOptions.passage(), Set.of(Output.DENSE), "", false));
      if (futures.size() > WAITING) {
        futures.remove().join();
      }
    }
    EngineStats now = pipeline.stats();
    shares.busyPercent =
        100.0
            * now.busy().minus(start.busy()).toNanos()
            / now.available().minus(start.available()).toNanos();
    shares.paddingPercent = 100 * now.paddingShare();
    shares.batchTokens = now.tokensPerBatch();
    pipeline.close(Duration.ZERO);
  }
}
