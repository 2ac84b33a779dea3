package io.luciole;

import io.luciole.model.ModelDescription;
import io.luciole.model.Pooling;
import io.luciole.model.TokenizedText;
import io.luciole.spi.Device;
import io.luciole.testkit.FakeBackend;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The engine's own overhead: texts through the whole pipeline with a tokenizer and a device that
 * cost nothing, from submission to result.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgs = "-Xmx2g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class OverheadBenchmark {
  private static final int TEXTS = 10_000;
  private static final int TOKENS = 32;

  /** Most tokens of a batch, of 32 tokens a text. */
  @Param({"512", "4096", "32768"})
  int budget;

  private final TokenizedText tokens = new TokenizedText(new int[TOKENS], false);
  private final FakeBackend backend = new FakeBackend().blank();
  private Pipeline pipeline = pipeline();

  private Pipeline pipeline() {
    EngineSettings settings =
        new EngineSettings(
            1 << 24,
            EngineSettings.UNBOUNDED,
            Overload.BLOCK,
            Duration.ZERO,
            Duration.ofMinutes(1),
            Duration.ofMinutes(1),
            Duration.ofSeconds(1),
            1);
    return new Pipeline(
        (text, role) -> tokens,
        512,
        true,
        settings,
        new EngineMetrics(List.of()),
        null,
        null,
        System::nanoTime);
  }

  /** Opens the pipeline. */
  @Setup
  public void open() {
    pipeline = pipeline();
    pipeline.start(
        List.of(
            pipeline.worker(
                new LoadedModel.OpenDevice(
                    backend.open(Device.CPU), () -> backend.open(Device.CPU), budget),
                new ModelDescription(
                    OptionalInt.empty(), 512, Pooling.CLS, false, Map.of(), Set.of()),
                new int[] {1})));
  }

  /** Closes it. */
  @TearDown
  public void close() {
    pipeline.close(Duration.ofMinutes(1));
  }

  /** A text of ten thousand that are submitted before any result is asked for. */
  @Benchmark
  @OperationsPerInvocation(TEXTS)
  public float submitAllThenJoin() {
    List<CompletableFuture<Embedding>> futures = new ArrayList<>(TEXTS);
    for (int i = 0; i < TEXTS; i++) {
      futures.add(
          pipeline.submit(
              Input.of("some text"), EmbedOptions.passage(), Set.of(Output.DENSE), "", false));
    }
    float sum = 0;
    for (CompletableFuture<Embedding> future : futures) {
      sum += future.join().tokenCount();
    }
    return sum;
  }

  /** A text alone, its result awaited: the way through all threads. */
  @Benchmark
  public Embedding submitOneAndJoin() {
    return pipeline
        .submit(Input.of("some text"), EmbedOptions.query(), Set.of(Output.DENSE), "", false)
        .join();
  }
}
