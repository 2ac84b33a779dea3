package io.luciole.onnx;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.Output;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;

/**
 * Runs each text of a batch by itself, several at a time, for a model whose result for a text would
 * otherwise depend on the batch ({@link BatchDependence}). The inner encoder's session has one
 * thread; the texts keep the processors busy, the longest first, and nothing is padded.
 */
final class TextByText implements Encoder {
  private final Encoder encoder;
  private final int threads;
  private final ExecutorService executor;
  private final BufferPool pool = new BufferPool();

  /** Takes an encoder that several threads may run at once; closes it. */
  TextByText(Encoder encoder, int threads) {
    this.encoder = encoder;
    this.threads = threads;
    this.executor =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("luciole-onnx-", 0).daemon().factory());
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
    Map<Output, Slot> slots = new EnumMap<>(Output.class);
    try {
      for (Output output : outputs) {
        int rows = output == Output.DENSE ? batch.size() : batch.tokens();
        slots.put(output, Slot.from(pool, output.id(), OnnxJavaType.FLOAT, rows, width(output)));
      }
      runAll(batch, slots);
    } catch (Throwable t) {
      slots.values().forEach(slot -> pool.give(slot.buffer()));
      throw t;
    }
    return OutputBuffers.of(slots, pool);
  }

  private int width(Output output) {
    return switch (output) {
      case DENSE -> dimension();
      case SPARSE -> 1;
      case COLBERT -> colbertDimension();
    };
  }

  private void runAll(TokenBatch batch, Map<Output, Slot> slots) {
    int[] longestFirst =
        IntStream.range(0, batch.size())
            .boxed()
            .sorted(Comparator.comparingInt(i -> -batch.length(i)))
            .mapToInt(i -> i)
            .toArray();
    AtomicInteger next = new AtomicInteger();
    List<Future<?>> running = new ArrayList<>();
    for (int thread = 0; thread < Math.min(threads, batch.size()); thread++) {
      running.add(
          executor.submit(() -> {
            for (int at = next.getAndIncrement();
                at < longestFirst.length;
                at = next.getAndIncrement()) {
              runOne(batch, longestFirst[at], slots);
            }
          }));
    }
    // All have ended before the first failure is thrown: the buffers go back to the pool then.
    Throwable failure = null;
    boolean interrupted = false;
    for (Future<?> future : running) {
      for (boolean ended = false; !ended; ) {
        try {
          future.get();
          ended = true;
        } catch (InterruptedException e) {
          interrupted = true;
        } catch (ExecutionException e) {
          ended = true;
          next.set(longestFirst.length);
          failure = failure == null ? e.getCause() : failure;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    switch (failure) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      default -> throw new BackendException("A text could not be run: " + failure, failure);
    }
  }

  private void runOne(TokenBatch batch, int text, Map<Output, Slot> slots) {
    int from = batch.offset(text);
    int length = batch.length(text);
    TokenBatch alone =
        new TokenBatch(
            Arrays.copyOfRange(batch.tokenIds(), from, from + length), new int[] {0, length});
    try (BackendOutput output = encoder.run(alone, slots.keySet())) {
      slots.forEach((kind, slot) -> {
        int width = width(kind);
        int first = kind == Output.DENSE ? text : from;
        int rows = kind == Output.DENSE ? 1 : length;
        FloatBuffer values = slot.buffer().asFloatBuffer();
        values.put(first * width, output.get(kind), 0, rows * width);
      });
    }
  }

  @Override
  public Set<Output> outputs() {
    return encoder.outputs();
  }

  @Override
  public int dimension() {
    return encoder.dimension();
  }

  @Override
  public int colbertDimension() {
    return encoder.colbertDimension();
  }

  @Override
  public int vocabulary() {
    return encoder.vocabulary();
  }

  @Override
  public String precision() {
    return encoder.precision();
  }

  @Override
  public boolean pads() {
    return false;
  }

  @Override
  public void close() {
    executor.close();
    encoder.close();
  }
}
