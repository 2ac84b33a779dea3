package io.luciole;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open backend and the one or two threads that run it, each a {@link BatchRunner}. A session
 * ends for good when it is stopped, or when its queue is closed and empty; its last thread closes
 * the backend.
 *
 * <p>While a batch runs, the next one is cut ahead of time if it would be full ({@link #prefetch}).
 * Interactive texts that arrive later still go before a prefetched batch.
 */
final class DeviceSession implements BatchConsumer {
  private static final Logger log = LoggerFactory.getLogger(DeviceSession.class);

  /** The largest number of runs at once, whatever the backend allows: two keep it busy. */
  private static final int MAX_RUNS_ON_ACCELERATOR = 2;

  /** Likewise; a run there has a group of cores, or one. */
  private static final int MAX_RUNS_ON_CPU = 64;

  /** The largest number of outputs that are computed and not yet decoded, for each run. */
  private static final int OUTPUTS_A_RUN = 2;

  /** The same for all runs, if they are few. */
  private static final int LEAST_OUTPUTS = 4;

  private static final int MAX_TEXTS = 1 << 16;

  /** The cost of starting a network's kernels, in tokens. */
  private static final int ACCELERATOR_FIXED_COST = 1024;

  private static final int CPU_FIXED_COST = 8;

  private final DeviceContext context;
  private final Backend backend;
  private final BackendInfo info;
  private final EmbeddingDecoder decoder;
  private final BiConsumer<DeviceSession, DeviceLostException> onLost;
  private final int maxOutputs;
  private final Semaphore outputs;
  private final List<BatchRunner> runners = new ArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicReference<@Nullable List<Request>> prefetched = new AtomicReference<>();

  private volatile boolean stopped;

  @GuardedBy("this")
  private int running;

  /**
   * Creates a session; {@link #start} starts its threads.
   *
   * @param backend open; the session closes it once it was started
   * @param onLost called when the device is found to be lost, by the thread that finds it
   */
  DeviceSession(
      DeviceContext context,
      Backend backend,
      BiConsumer<DeviceSession, DeviceLostException> onLost) {
    this.context = context;
    this.backend = backend;
    this.info = backend.info();
    this.decoder = new EmbeddingDecoder(context.description(), info);
    this.onLost = onLost;
    int most = info.device().isAccelerator() ? MAX_RUNS_ON_ACCELERATOR : MAX_RUNS_ON_CPU;
    int runs = Math.min(most, info.concurrentRuns());
    this.maxOutputs = Math.max(LEAST_OUTPUTS, OUTPUTS_A_RUN * runs);
    this.outputs = new Semaphore(maxOutputs);
    for (int i = 0; i < runs; i++) {
      runners.add(new BatchRunner(context, this));
    }
    this.running = runners.size();
  }

  List<BatchRunner> runners() {
    return runners;
  }

  void start() {
    for (int i = 0; i < runners.size(); i++) {
      Thread.ofPlatform()
          .name("luciole-" + context.device() + (i == 0 ? "" : "-" + (i + 1)))
          .daemon()
          .start(runners.get(i));
    }
  }

  /** Asks the session's threads to stop after their current batch. */
  void stop() {
    stopped = true;
  }

  /** Waits until the threads have ended and the backend is closed. False if that took longer. */
  boolean awaitEnd(long nanos) throws InterruptedException {
    return ended.await(nanos, TimeUnit.NANOSECONDS);
  }

  // Batches

  @Override
  public BatchScheduler.Limits limits() {
    return new BatchScheduler.Limits(
        context.budget().tokens(),
        MAX_TEXTS,
        context.device().isAccelerator() ? ACCELERATOR_FIXED_COST : CPU_FIXED_COST);
  }

  @Override
  public boolean stopped() {
    return stopped || prefetched.get() != null;
  }

  /** Cuts the next batch ahead of time if it would be a full one. */
  void prefetch() {
    if (stopped()) {
      return;
    }
    List<Request> texts = context.scheduler().takeFull(limits());
    if (texts != null) {
      if (!prefetched.compareAndSet(null, texts)) {
        context.events().handBack(texts);
      } else if (stopped) {
        returnPrefetched();
      } else {
        context.scheduler().wake();
      }
    }
  }

  /** Gives back the prefetched batch; called after the session was stopped. */
  void returnPrefetched() {
    List<Request> texts = prefetched.getAndSet(null);
    if (texts != null) {
      context.events().handBack(texts);
    }
  }

  /** The texts that wait here for a run, and not in the queue, and whose deadline has passed. */
  List<Request> expired(long now) {
    List<Request> expired = new ArrayList<>();
    List<Request> ahead = prefetched.get();
    if (ahead != null) {
      ahead.stream().filter(t -> t.isExpired(now)).forEach(expired::add);
    }
    runners.forEach(runner -> expired.addAll(runner.expired(now)));
    return expired;
  }

  /** Waits for the next batch. Null if the thread that asks must end. */
  @Nullable List<Request> next() throws InterruptedException {
    while (!stopped) {
      List<Request> texts = null;
      if (prefetched.get() != null) {
        texts = context.scheduler().takeInteractive(limits());
        if (texts == null) {
          texts = prefetched.getAndSet(null);
        }
      }
      if (texts == null) {
        texts = context.scheduler().take(this);
      }
      if (texts != null) {
        return texts;
      }
      if (context.scheduler().isFinished() && prefetched.get() == null) {
        return null;
      }
    }
    return null;
  }

  // Runs

  /** The tokens that the backend computes for texts, padding included. */
  long cost(List<Request> texts) {
    long tokens = 0;
    int longest = 0;
    for (Request text : texts) {
      tokens += text.length;
      longest = Math.max(longest, text.length);
    }
    return info.pads() ? (long) longest * texts.size() : tokens;
  }

  /** Waits until fewer than {@link #maxOutputs} outputs are undecoded, and reserves one. */
  void reserveOutput() {
    outputs.acquireUninterruptibly();
  }

  void releaseOutput() {
    outputs.release();
  }

  /**
   * Runs a batch.
   *
   * @return the output, of the right shape
   * @throws BackendException if the backend failed or its output has another shape
   */
  BackendOutput run(TokenBatch batch, Set<Output> wanted) {
    BackendOutput output = backend.run(batch, wanted);
    try {
      checkShape(output, batch, wanted);
      return output;
    } catch (Throwable t) {
      closeQuietly(output, "output");
      throw t;
    }
  }

  /** Hands the output of a run to the threads that decode; they end its reservation. */
  void deliver(List<Request> texts, TokenBatch batch, BackendOutput output) {
    context.results().deliver(texts, batch, output, decoder, this::releaseOutput);
  }

  /** Runs the canary; throws what it failed with. */
  void checkCanary() {
    run(context.canary(), info.outputs()).close();
  }

  private void checkShape(BackendOutput output, TokenBatch batch, Set<Output> wanted) {
    for (Output kind : wanted) {
      int rows = kind == Output.DENSE && !decoder.pools() ? batch.size() : batch.tokens();
      int columns =
          switch (kind) {
            case DENSE -> info.dimension();
            case SPARSE -> 1;
            case COLBERT -> info.colbertDimension();
          };
      int found = output.size(kind);
      if (found != rows * columns) {
        throw new BackendException(
            "Expected "
                + kind
                + " values ["
                + rows
                + ", "
                + columns
                + "] from the backend "
                + info.backend()
                + ", found "
                + found
                + " values.");
      }
    }
  }

  // The end

  /** Called by a thread that found the device lost. */
  void lost(DeviceLostException reason) {
    onLost.accept(this, reason);
  }

  /** Called by each thread as it ends; the last one closes the backend. */
  void runnerEnded() {
    boolean last;
    synchronized (this) {
      last = --running == 0;
    }
    if (last) {
      stop();
      returnPrefetched();
      // Outputs belong to the backend: they are decoded before it is closed.
      outputs.acquireUninterruptibly(maxOutputs);
      closeQuietly(backend, "backend");
      ended.countDown();
    }
  }

  /** Closes something of a backend; a failure is logged. */
  static void closeQuietly(@Nullable AutoCloseable closeable, String what) {
    if (closeable != null) {
      try {
        closeable.close();
      } catch (Throwable t) {
        log.warn("The {} could not be closed: {}", what, t.toString(), t);
      }
    }
  }
}
