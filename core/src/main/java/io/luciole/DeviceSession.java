package io.luciole;

import io.luciole.spi.Backend;
import io.luciole.spi.BackendInfo;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * An open backend and the threads that run it, one or two. Ends for good when it is stopped or
 * nothing waits in a closed queue; its last thread closes the backend.
 *
 * <p>While a batch runs, the next one is cut ahead if it would be full ({@link #stage});
 * interactive texts that come meanwhile still go before it.
 */
final class DeviceSession implements BatchConsumer {
  /** Runs at once, however many more the backend allows: two keep a device busy. */
  private static final int MOST_RUNS = 2;

  /** Outputs computed and not yet decoded, beyond which the device waits. */
  private static final int OUTPUTS_IN_FLIGHT = 4;

  private static final int MOST_TEXTS = 1 << 16;

  /** What a batch costs beyond its tokens, in tokens: starting a network's kernels. */
  private static final int ACCELERATOR_FIXED_COST = 1024;

  private static final int CPU_FIXED_COST = 8;

  private final DeviceWorker worker;
  final Backend backend;
  final BackendInfo info;
  final EmbeddingDecoder decoder;
  final Semaphore outputs = new Semaphore(OUTPUTS_IN_FLIGHT);
  private final List<BatchRunner> runners = new ArrayList<>();
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicReference<@Nullable List<Request>> staged = new AtomicReference<>();
  private int running;
  private volatile boolean stopped;

  DeviceSession(DeviceWorker worker, Backend backend) {
    this.worker = worker;
    this.backend = backend;
    this.info = backend.info();
    this.decoder = new EmbeddingDecoder(worker.description, info);
    for (int i = 0; i < Math.min(MOST_RUNS, info.concurrentRuns()); i++) {
      runners.add(new BatchRunner(worker, this));
    }
    this.running = runners.size();
  }

  List<BatchRunner> runners() {
    return runners;
  }

  /** Makes its threads end after what they are at. */
  void stop() {
    stopped = true;
  }

  boolean awaitEnd(long nanos) throws InterruptedException {
    return ended.await(nanos, TimeUnit.NANOSECONDS);
  }

  void start() {
    for (int i = 0; i < runners.size(); i++) {
      Thread.ofPlatform()
          .name("luciole-" + worker.device + (i == 0 ? "" : "-" + (i + 1)))
          .daemon()
          .start(runners.get(i));
    }
  }

  @Override
  public BatchScheduler.Limits limits() {
    return new BatchScheduler.Limits(
        worker.budget.tokens(),
        MOST_TEXTS,
        worker.device.isAccelerator() ? ACCELERATOR_FIXED_COST : CPU_FIXED_COST);
  }

  @Override
  public boolean stopped() {
    return stopped || staged.get() != null;
  }

  /** Cuts the next batch while this one runs, if it would be a full one. */
  void stage() {
    if (stopped || staged.get() != null) {
      return;
    }
    List<Request> texts = worker.scheduler.takeFull(limits());
    if (texts != null) {
      if (!staged.compareAndSet(null, texts)) {
        handBack(texts);
      } else if (stopped) {
        unstage();
      } else {
        worker.scheduler.wake();
      }
    }
  }

  /** Gives back what was cut ahead; called when the session has stopped. */
  void unstage() {
    List<Request> texts = staged.getAndSet(null);
    if (texts != null) {
      handBack(texts);
    }
  }

  private void handBack(List<Request> texts) {
    DeviceLostException reason = worker.problem();
    worker.context.handBack(
        texts,
        reason != null
            ? reason
            : new EngineClosedException("The engine was closed before this text was computed."));
  }

  /** The next batch for one of this session's threads; null if it is to end. */
  @Nullable List<Request> next() throws InterruptedException {
    while (!stopped) {
      List<Request> texts = null;
      if (staged.get() != null) {
        texts = worker.scheduler.takeInteractive(limits());
        if (texts == null) {
          texts = staged.getAndSet(null);
        }
      }
      if (texts == null) {
        texts = worker.scheduler.take(this);
      }
      if (texts != null) {
        return texts;
      }
      if (worker.scheduler.isFinished() && staged.get() == null) {
        return null;
      }
    }
    return null;
  }

  long cost(List<Request> texts) {
    long tokens = 0;
    int longest = 0;
    for (Request text : texts) {
      tokens += text.length;
      longest = Math.max(longest, text.length);
    }
    return info.pads() ? (long) longest * texts.size() : tokens;
  }

  /** Called by each thread as it ends; the last one closes the backend. */
  void left() {
    boolean last;
    synchronized (this) {
      last = --running == 0;
    }
    if (last) {
      stopped = true;
      unstage();
      // Outputs belong to the backend: they are decoded before it goes.
      outputs.acquireUninterruptibly(OUTPUTS_IN_FLIGHT);
      DeviceWorker.closeQuietly(backend);
      ended.countDown();
    }
  }
}
