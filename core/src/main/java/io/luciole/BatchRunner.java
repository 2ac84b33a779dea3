package io.luciole;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread of a session: runs batches, and splits those that fail until the texts at fault are
 * found, by the rules that {@link DeviceWorker} states.
 *
 * <p>Its monitor guards what it shares with the watchdog and with {@code close}, which may take its
 * texts from it ({@link #abandon}); from then on it settles nothing.
 */
final class BatchRunner implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(BatchRunner.class);

  private static final int LONE_RUNS = 2;
  private static final int LONE_MEMORY_RUNS = 3;
  private static final int CANARY_EVERY = 8;

  /** Texts of a thread that was left behind. */
  record Abandoned(List<Request> running, List<Request> todo) {}

  private final DeviceWorker worker;
  private final DeviceSession session;

  @GuardedBy("this")
  private final Deque<List<Request>> todo = new ArrayDeque<>();

  @GuardedBy("this")
  private @Nullable List<Request> running;

  @GuardedBy("this")
  private long startedNanos;

  @GuardedBy("this")
  private boolean computing;

  @GuardedBy("this")
  private boolean abandoned;

  // The thread's own.
  private int failuresInRow;
  private @Nullable Throwable failure;

  BatchRunner(DeviceWorker worker, DeviceSession session) {
    this.worker = worker;
    this.session = session;
  }

  @Override
  public void run() {
    try {
      while (true) {
        List<Request> texts = session.next();
        if (texts == null) {
          return;
        }
        worker.context.left(texts);
        if (!accept(texts)) {
          return;
        }
        work();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      crashed(e);
    } catch (Throwable t) {
      crashed(t);
    } finally {
      session.left();
    }
  }

  /** A failure outside of a run: nothing is known of the state, so the session ends. */
  private void crashed(Throwable t) {
    DeviceLostException reason =
        new DeviceLostException("The thread of the device " + worker.device + " failed: " + t, t);
    Abandoned left = abandon();
    worker.lose(session, reason);
    if (left != null) {
      worker.results.fail(left.running, reason);
      worker.context.handBack(left.todo, reason);
    }
  }

  private boolean accept(List<Request> texts) {
    // Cut ahead of time, a batch may hold texts whose deadline has passed since.
    long now = worker.clock.getAsLong();
    List<Request> late = texts.stream().filter(t -> t.isExpired(now)).toList();
    if (!late.isEmpty()) {
      worker.results.fail(late, Pipeline.deadlinePassed());
    }
    return take(late.isEmpty() ? texts : texts.stream().filter(t -> !t.isExpired(now)).toList());
  }

  private synchronized boolean take(List<Request> texts) {
    todo.add(texts);
    if (abandoned) {
      // Closed in this moment.
      worker.results.fail(texts, new EngineClosedException("The engine was closed."));
      todo.clear();
      return false;
    }
    return true;
  }

  /** The next part that still has texts to compute, as what this thread is running. */
  private synchronized @Nullable List<Request> nextPart() {
    running = null;
    while (!abandoned) {
      List<Request> part = todo.poll();
      if (part == null) {
        return null;
      }
      part = unsettled(part);
      if (!part.isEmpty()) {
        running = part;
        return part;
      }
    }
    return null;
  }

  private void work() {
    for (List<Request> part = nextPart(); part != null; part = nextPart()) {
      switch (run(part)) {
        case DONE -> failuresInRow = 0;
        case OUT_OF_MEMORY -> outOfMemory(part);
        case FAILED -> failed(part);
        case ABANDONED -> {
          return;
        }
      }
    }
  }

  private Outcome run(List<Request> part) {
    Set<Output> outputs = EnumSet.noneOf(Output.class);
    List<int[]> ids = new ArrayList<>(part.size());
    for (Request text : part) {
      outputs.addAll(text.outputs);
      ids.add(text.ids());
    }
    TokenBatch batch = TokenBatch.of(ids);
    session.outputs.acquireUninterruptibly();
    BackendOutput output = null;
    boolean delivered = false;
    try {
      if (!begin()) {
        return Outcome.ABANDONED;
      }
      if (worker.scheduler.size() > 0) {
        worker.results.execute(session::stage);
      }
      Throwable thrown = null;
      BatchEvent event = new BatchEvent();
      event.begin();
      long start = worker.clock.getAsLong();
      worker.busy.runStarted();
      try {
        output = session.backend.run(batch, outputs);
        DeviceWorker.checkShape(output, batch, outputs, session.info);
      } catch (Throwable t) {
        thrown = t;
      }
      worker.busy.runEnded();
      long nanos = worker.clock.getAsLong() - start;
      event.end();
      if (!end(thrown == null)) {
        return Outcome.ABANDONED;
      }
      Outcome outcome =
          thrown == null
              ? Outcome.DONE
              : isOutOfMemory(thrown) ? Outcome.OUT_OF_MEMORY : Outcome.FAILED;
      report(part, batch, start, nanos, outcome, event);
      if (thrown != null) {
        failure = thrown;
        return outcome;
      }
      if (worker.budget.fitted(session.cost(part))) {
        worker.context.budgetChanged();
      }
      delivered = true;
      worker.results.deliver(
          part, batch, requireNonNull(output), session.decoder, session.outputs::release);
      return Outcome.DONE;
    } finally {
      if (!delivered) {
        if (output != null) {
          closeOutput(output);
        }
        session.outputs.release();
      }
    }
  }

  private void report(
      List<Request> part,
      TokenBatch batch,
      long start,
      long nanos,
      Outcome outcome,
      BatchEvent event) {
    EngineListener.Outcome reported =
        switch (outcome) {
          case DONE -> EngineListener.Outcome.COMPUTED;
          case OUT_OF_MEMORY -> EngineListener.Outcome.OUT_OF_MEMORY;
          case FAILED, ABANDONED -> EngineListener.Outcome.FAILED;
        };
    long computed = session.cost(part);
    worker.metrics.ran(reported, batch.size(), batch.tokens(), computed);
    if (event.shouldCommit()) {
      event.device = worker.device.toString();
      event.lane = part.get(0).lane.name();
      event.texts = batch.size();
      event.tokens = batch.tokens();
      event.computedTokens = computed;
      event.outcome = reported.name();
      event.commit();
    }
    if (worker.metrics.hasListeners()) {
      long oldest = start;
      for (Request text : part) {
        oldest = Math.min(oldest - start, text.submittedNanos - start) + start;
      }
      EngineListener.Batch told =
          new EngineListener.Batch(
              worker.device,
              part.get(0).lane,
              batch.size(),
              batch.tokens(),
              computed,
              Duration.ofNanos(start - oldest),
              Duration.ofNanos(nanos),
              reported);
      worker.results.execute(() -> worker.metrics.tell(l -> l.onBatch(told)));
    }
  }

  private void closeOutput(BackendOutput output) {
    try {
      output.close();
    } catch (Throwable t) {
      log.warn("A backend's output could not be closed: {}", t.toString(), t);
    }
  }

  private synchronized boolean begin() {
    startedNanos = worker.clock.getAsLong();
    computing = !abandoned;
    return computing;
  }

  /** Ends a run; its texts are out of the watchdog's reach if they will be delivered. */
  private synchronized boolean end(boolean success) {
    computing = false;
    if (success && !abandoned) {
      running = null;
    }
    return !abandoned;
  }

  synchronized @Nullable Abandoned abandonIfOverdue() {
    return computing
            && worker.clock.getAsLong() - startedNanos
                > EngineSettings.nanos(worker.settings.batchTimeout())
        ? abandon()
        : null;
  }

  /** Takes this thread's texts from it; null if that has been done. */
  synchronized @Nullable Abandoned abandon() {
    if (abandoned) {
      return null;
    }
    abandoned = true;
    List<Request> left = new ArrayList<>();
    todo.forEach(left::addAll);
    todo.clear();
    return new Abandoned(running == null ? List.of() : running, left);
  }

  private void outOfMemory(List<Request> part) {
    if (worker.budget.tooLarge(session.cost(part))) {
      worker.context.budgetChanged();
    }
    if (part.size() > 1) {
      log.warn(
          "Out of memory on {} with {} texts; they go in halves, the budget is now {} tokens.",
          worker.device,
          part.size(),
          worker.budget.tokens());
      again(halves(part), true);
    } else if (++part.get(0).failures < LONE_MEMORY_RUNS) {
      pause(part.get(0).failures);
      again(List.of(part), true);
    } else {
      worker.results.fail(part, asBackendException(requireNonNull(failure)));
    }
  }

  private void failed(List<Request> part) {
    Throwable cause = requireNonNull(failure);
    if (failuresInRow++ % CANARY_EVERY == 0) {
      Throwable dead = canaryFailure();
      if (dead != null) {
        deviceFailed(part, dead);
        return;
      }
    }
    if (part.size() > 1) {
      again(halves(part), false);
    } else if (++part.get(0).failures < LONE_RUNS) {
      again(List.of(part), false);
    } else {
      worker.results.fail(part, asBackendException(cause));
    }
  }

  /** Why the canary failed, or null if it did not. Memory may be short for a moment only. */
  private @Nullable Throwable canaryFailure() {
    Throwable failed = null;
    for (int times = 1; times <= LONE_MEMORY_RUNS; times++) {
      if (!begin()) {
        return null;
      }
      failed = null;
      try {
        worker.checkCanary(session.backend);
      } catch (Throwable t) {
        failed = t;
      }
      if (!end(false)) {
        return null;
      }
      if (!isOutOfMemory(failed)) {
        return failed;
      }
      pause(times);
    }
    return failed;
  }

  private static boolean isOutOfMemory(@Nullable Throwable t) {
    return t instanceof BackendOutOfMemoryException || t instanceof OutOfMemoryError;
  }

  private void deviceFailed(List<Request> part, Throwable dead) {
    DeviceLostException reason =
        new DeviceLostException(
            "The device "
                + worker.device
                + " failed a batch and then the smallest text there is, and is taken out until it"
                + " works again: "
                + dead.getMessage(),
            dead);
    Abandoned left = abandon();
    worker.lose(session, reason);
    if (left == null) {
      return;
    }
    List<Request> back = new ArrayList<>(left.todo);
    List<Request> failing = new ArrayList<>();
    for (Request text : part) {
      if (text.failures++ == 0) {
        back.add(text);
      } else {
        failing.add(text);
      }
    }
    worker.results.fail(failing, reason);
    worker.context.handBack(back, reason);
  }

  private synchronized void again(List<List<Request>> parts, boolean first) {
    if (abandoned) {
      return;
    }
    if (first) {
      for (int i = parts.size() - 1; i >= 0; i--) {
        todo.addFirst(parts.get(i));
      }
    } else {
      todo.addAll(parts);
    }
    running = null;
  }

  /** What became of a run. */
  private enum Outcome {
    DONE,
    OUT_OF_MEMORY,
    FAILED,
    ABANDONED
  }

  private static List<Request> unsettled(List<Request> texts) {
    for (Request text : texts) {
      if (text.isSettled()) {
        return texts.stream().filter(t -> !t.isSettled()).toList();
      }
    }
    return texts;
  }

  private static List<List<Request>> halves(List<Request> texts) {
    int middle = texts.size() / 2;
    return List.of(texts.subList(0, middle), texts.subList(middle, texts.size()));
  }

  private static BackendException asBackendException(Throwable t) {
    return t instanceof BackendException known
        ? known
        : new BackendException("The backend failed on this text: " + t, t);
  }

  private static void pause(int times) {
    try {
      Thread.sleep(10L * times);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
