package io.luciole;

import io.luciole.model.TokenizedText;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.Set;

/**
 * Processor time that {@link BatchScheduler} takes for each of many short texts, all added and then
 * all cut into batches: of this thread alone, so that a busy machine disturbs it little.
 */
public final class SchedulerCost {
  private static final int CHUNK = 256;

  private SchedulerCost() {}

  /** Prints a line for each number of texts. */
  public static void main(String[] args) {
    for (int i = 0; i < 5; i++) {
      measure(100_000, 1, true);
      measure(100_000, 100, false);
    }
    System.out.println("texts     callers  pads   ns to add  ns to cut  batches");
    for (boolean pads : new boolean[] {true, false}) {
      for (int jobs : new int[] {1, 100}) {
        for (int texts : new int[] {1000, 10_000, 100_000, 1_000_000}) {
          double[] best = measure(texts, jobs, pads);
          for (int i = 0; i < 2; i++) {
            double[] again = measure(texts, jobs, pads);
            best[0] = Math.min(best[0], again[0]);
            best[1] = Math.min(best[1], again[1]);
          }
          System.out.printf(
              Locale.ROOT,
              "%-9d %7d  %-5s %10.0f %10.0f %8.0f%n",
              texts,
              jobs,
              pads,
              best[0],
              best[1],
              best[2]);
        }
      }
    }
  }

  private static double[] measure(int count, int jobs, boolean pads) {
    BatchScheduler scheduler = new BatchScheduler(pads, 0, System::nanoTime, () -> 0);
    BatchScheduler.Limits limits = new BatchScheduler.Limits(4096, 1 << 16, 0);
    Random random = new Random(1);
    System.gc();
    long adding = 0;
    for (int i = 0; i < count; i += CHUNK) {
      // Made just before, as a caller's texts are.
      List<Request> texts = new ArrayList<>(CHUNK);
      for (int k = i; k < Math.min(count, i + CHUNK); k++) {
        EmbedOptions options = EmbedOptions.passage().job(random.nextInt(jobs));
        Request text =
            new Request(
                Input.of(""),
                options,
                Set.of(Output.DENSE),
                options.job().orElse(""),
                0,
                NoOwner.IT);
        text.tokenized(new TokenizedText(new int[8 + random.nextInt(33)], false));
        texts.add(text);
      }
      long start = processorNanos();
      scheduler.add(texts);
      adding += processorNanos() - start;
    }
    long added = processorNanos();
    int batches = 0;
    while (!scheduler.poll(limits).isEmpty()) {
      batches++;
    }
    long cut = processorNanos();
    return new double[] {(double) adding / count, (double) (cut - added) / count, batches};
  }

  private static long processorNanos() {
    return ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime();
  }
}
