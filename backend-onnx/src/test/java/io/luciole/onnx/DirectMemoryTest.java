package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import java.lang.management.BufferPoolMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Buffers of native memory are used again: the JVM's own count of them does not grow. */
class DirectMemoryTest {
  private static final int PASSES = 6;
  private static final int TEXTS = 400;

  @Test
  void buffers_areAsManyAfterManyBatchesAsAfterAFew() {
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
            .model(TestModels.MINI_M3.toString())
            .backend(new OnnxBackendProvider())
            .tokenBudget(256)
            .open()) {
      pass(engine, 1);
      long after = buffers();
      for (int i = 0; i < PASSES; i++) {
        pass(engine, i);
      }
      assertThat(engine.stats().batches()).isGreaterThan(100);
      // A pool keeps 16; which sizes are in it depends on what batches came last.
      assertThat(buffers()).isLessThanOrEqualTo(after + 16);
    }
  }

  /** Mixed lengths and outputs, a tenth of the texts cancelled. */
  private static void pass(EmbeddingEngine engine, long seed) {
    Random random = new Random(seed);
    List<CompletableFuture<Embedding>> futures = new ArrayList<>();
    for (int i = 0; i < TEXTS; i++) {
      String text = "fireflies glow ".repeat(1 + random.nextInt(random.nextInt(20) == 0 ? 100 : 9));
      EmbedOptions options = EmbedOptions.passage();
      futures.add(
          engine.embed(
              text,
              random.nextInt(4) == 0
                  ? options.outputs(Output.DENSE, Output.SPARSE, Output.COLBERT)
                  : options));
      if (random.nextInt(10) == 0) {
        futures.get(i).cancel(true);
      }
    }
    for (CompletableFuture<Embedding> future : futures) {
      if (!future.isCancelled()) {
        assertThat(future.join().dense()).isNotEmpty();
      }
    }
  }

  private static long buffers() {
    System.gc();
    return ManagementFactory.getPlatformMXBeans(BufferPoolMXBean.class).stream()
        .filter(p -> p.getName().equals("direct"))
        .mapToLong(BufferPoolMXBean::getCount)
        .sum();
  }
}
