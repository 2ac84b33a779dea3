package io.luciole;

import io.luciole.model.TokenizedText;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
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
import org.openjdk.jmh.annotations.Warmup;

/**
 * What a text costs in {@link BatchScheduler}, in and out again, while many others wait: the same
 * whether a thousand wait or a million.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgs = "-Xmx4g")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class SchedulerBenchmark {
  private static final int TEXTS_PER_INVOCATION = 10_000;

  /** Texts that wait. */
  @Param({"1000", "10000", "100000", "1000000"})
  int waiting;

  /** Callers they are from. */
  @Param({"1", "100"})
  int jobs;

  /** Whether lengths matter. */
  @Param({"true", "false"})
  boolean pads;

  private BatchScheduler scheduler = new BatchScheduler(true, 0, System::nanoTime, () -> 0);
  private final BatchScheduler.Limits limits = new BatchScheduler.Limits(4096, 1 << 16, 0);

  /** Fills the queue with short texts, 8 to 40 tokens. */
  @Setup
  public void fill() {
    scheduler = new BatchScheduler(pads, 0, System::nanoTime, () -> 0);
    Random random = new Random(1);
    List<Request> texts = new ArrayList<>();
    for (int i = 0; i < waiting; i++) {
      EmbedOptions options = EmbedOptions.passage().job(random.nextInt(jobs));
      Request text =
          new Request(
              Input.of(""), options, Set.of(Output.DENSE), options.job().orElse(""), 0, NoOwner.IT);
      text.tokenized(new TokenizedText(new int[8 + random.nextInt(33)], false));
      texts.add(text);
    }
    scheduler.add(texts);
  }

  /** Cuts batches and puts their texts back at the end. */
  @Benchmark
  @OperationsPerInvocation(TEXTS_PER_INVOCATION)
  public int cutAndAddAgain() {
    int texts = 0;
    while (texts < TEXTS_PER_INVOCATION) {
      List<Request> batch = scheduler.poll(limits);
      texts += batch.size();
      scheduler.add(batch);
    }
    return texts;
  }
}
