package io.luciole.onnx;

import com.google.errorprone.annotations.concurrent.GuardedBy;
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
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Runs each text of a batch by itself, several at a time, for a model whose result for a text would
 * otherwise depend on the batch ({@link BatchDependence}). The inner encoder's session has one
 * thread; the texts keep the processors busy, the longest first, and nothing is padded.
 *
 * <p>Two batches may run at once, so that no processor waits for the last text of a batch. A
 * processor that is free takes a text of the batch that has the fewest tokens left: batches end one
 * after another, and a query does not wait for the rest of a batch that came before it.
 */
final class TextByText implements Encoder {
  private final Encoder encoder;
  private final int threads;
  private final ExecutorService executor;
  private final BufferPool pool = new BufferPool();

  private final Object lock = new Object();

  /** Batches that have texts nobody has taken. */
  @GuardedBy("lock")
  private final List<Work> open = new ArrayList<>();

  /** Takes an encoder that several threads may run at once; closes it. */
  TextByText(Encoder encoder, int threads) {
    this.encoder = encoder;
    this.threads = threads;
    this.executor =
        Executors.newFixedThreadPool(
            threads, Thread.ofPlatform().name("luciole-onnx-", 0).daemon().factory());
  }

  @Override
  public int concurrentRuns() {
    return 2;
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
    Map<Output, TensorBinding> bindings = new EnumMap<>(Output.class);
    try {
      for (Output output : outputs) {
        bindings.put(output, TensorBinding.from(pool, output, batch, this));
      }
      Work work = new Work(batch, bindings);
      synchronized (lock) {
        open.add(work);
      }
      for (int i = 0; i < Math.min(threads, batch.size()); i++) {
        executor.execute(this::work);
      }
      work.await();
    } catch (Throwable t) {
      bindings.values().forEach(binding -> pool.give(binding.buffer()));
      throw t;
    }
    return OutputBuffers.of(bindings, pool);
  }

  /** Runs texts of whatever batches there are until none is left. */
  private void work() {
    while (true) {
      Work work;
      int text;
      synchronized (lock) {
        work = open.stream().min(Comparator.comparingInt(w -> w.tokensLeft)).orElse(null);
        if (work == null) {
          return;
        }
        text = work.take();
        if (work.isTaken()) {
          open.remove(work);
        }
      }
      try {
        runOne(work.batch, text, work.bindings);
        work.ran(null);
      } catch (Throwable t) {
        synchronized (lock) {
          open.remove(work);
          work.takeAll();
        }
        work.ran(t);
      }
    }
  }

  /**
   * A batch in progress. Which texts are taken is guarded by the outer object's {@code lock}, which
   * an annotation of this class cannot name.
   */
  private static final class Work {
    private final TokenBatch batch;
    private final Map<Output, TensorBinding> bindings;
    private final int[] longestFirst;

    private int taken;

    private int tokensLeft;

    @GuardedBy("this")
    private int unfinished;

    @GuardedBy("this")
    private @Nullable Throwable failure;

    Work(TokenBatch batch, Map<Output, TensorBinding> bindings) {
      this.batch = batch;
      this.bindings = bindings;
      this.tokensLeft = batch.tokens();
      this.unfinished = batch.size();
      this.longestFirst =
          IntStream.range(0, batch.size())
              .boxed()
              .sorted(Comparator.comparingInt(i -> -batch.length(i)))
              .mapToInt(i -> i)
              .toArray();
    }

    int take() {
      int text = longestFirst[taken++];
      tokensLeft -= batch.length(text);
      return text;
    }

    boolean isTaken() {
      return taken == longestFirst.length;
    }

    /** Leaves what nobody has taken undone. */
    void takeAll() {
      int left = longestFirst.length - taken;
      taken = longestFirst.length;
      synchronized (this) {
        unfinished -= left;
      }
    }

    synchronized void ran(@Nullable Throwable t) {
      failure = failure == null ? t : failure;
      if (--unfinished == 0) {
        notifyAll();
      }
    }

    /** Waits for every text that was taken: the buffers go back to the pool after a failure. */
    void await() {
      boolean interrupted = false;
      Throwable first;
      synchronized (this) {
        while (unfinished > 0) {
          try {
            wait();
          } catch (InterruptedException e) {
            interrupted = true;
          }
        }
        first = failure;
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
      switch (first) {
        case null -> {}
        case RuntimeException e -> throw e;
        case Error e -> throw e;
        default -> throw new BackendException("A text could not be run: " + first, first);
      }
    }
  }

  private void runOne(TokenBatch batch, int text, Map<Output, TensorBinding> bindings) {
    int from = batch.offset(text);
    int length = batch.length(text);
    TokenBatch alone =
        new TokenBatch(
            Arrays.copyOfRange(batch.tokenIds(), from, from + length), new int[] {0, length});
    try (BackendOutput output = encoder.run(alone, bindings.keySet())) {
      bindings.forEach((kind, binding) -> {
        int width = columns(kind);
        int rows = rows(kind, alone);
        int first = kind == Output.DENSE && !leavesPooling() ? text : from;
        FloatBuffer values = binding.buffer().asFloatBuffer();
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
  public boolean leavesPooling() {
    return encoder.leavesPooling();
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
