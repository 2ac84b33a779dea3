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
 * A thread of a {@link DeviceSession}: runs batches, and splits batches that fail until the texts
 * at fault are found, by the rules in the head comment of {@link DeviceWorker}.
 *
 * <p>Its monitor guards what it shares with the watchdog and with the thread that closes the
 * engine. Both may take the runner's texts from it ({@link #abandon}); after that it settles
 * nothing.
 */
final class BatchRunner implements Runnable {
  private static final Logger log = LoggerFactory.getLogger(BatchRunner.class);

  /** Runs of a single text, failed for other reasons than memory, before it is the culprit. */
  private static final int MAX_RUNS = 2;

  private static final int MAX_OUT_OF_MEMORY_RUNS = 3;
  private static final int FAILURES_PER_CANARY = 8;

  /** The texts of a runner that was abandoned: those on the device and those still to run. */
  record Abandoned(List<Request> running, List<Request> todo) {}

  private final DeviceContext context;
  private final DeviceSession session;

  /** Parts of the current batch that are still to run. */
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

  // Used by this thread alone.
  private int failuresInRow;
  private @Nullable Throwable failure;

  BatchRunner(DeviceContext context, DeviceSession session) {
    this.context = context;
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
        context.events().dispatched(texts);
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
      session.runnerEnded();
    }
  }

  /** A failure outside of a run: nothing is known of the state, so the session ends. */
  private void crashed(Throwable t) {
    DeviceLostException reason =
        new DeviceLostException(
            "The thread of the device " + context.device() + " failed: " + t, t);
    Abandoned left = abandon();
    session.lost(reason);
    if (left != null) {
      context.results().fail(left.running, reason);
      context.events().handBack(left.todo);
    }
  }

  private boolean accept(List<Request> texts) {
    // A prefetched batch may hold texts whose deadline has passed since it was cut.
    long now = context.clock().getAsLong();
    List<Request> late = texts.stream().filter(t -> t.isExpired(now)).toList();
    if (!late.isEmpty()) {
      context.results().fail(late, Pipeline.deadlinePassed());
    }
    return take(late.isEmpty() ? texts : texts.stream().filter(t -> !t.isExpired(now)).toList());
  }

  private synchronized boolean take(List<Request> texts) {
    if (abandoned) {
      // The engine was closed after the batch was cut.
      context.results().fail(texts, Pipeline.closedWhileWaiting());
      return false;
    }
    todo.add(texts);
    return true;
  }

  /** The next part with texts to compute, which are now running; null if there is none. */
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
    session.reserveOutput();
    BackendOutput output = null;
    boolean delivered = false;
    try {
      if (!begin()) {
        return Outcome.ABANDONED;
      }
      if (context.scheduler().size() > 0) {
        context.results().execute(session::prefetch);
      }
      Throwable thrown = null;
      BatchEvent event = new BatchEvent();
      event.begin();
      long start = context.clock().getAsLong();
      context.busy().runStarted();
      try {
        output = session.run(batch, outputs);
      } catch (Throwable t) {
        thrown = t;
      }
      context.busy().runEnded();
      long nanos = context.clock().getAsLong() - start;
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
      if (context.budget().fitted(session.cost(part))) {
        context.events().budgetChanged();
      }
      delivered = true;
      // Before the callers are answered: the first of them is back in a moment.
      context.scheduler().ran(part.get(0).lane == Lane.INTERACTIVE ? part.size() : 0, nanos);
      session.deliver(part, batch, requireNonNull(output));
      return Outcome.DONE;
    } finally {
      if (!delivered) {
        DeviceSession.closeQuietly(output, "output");
        session.releaseOutput();
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
    EngineMetrics metrics = context.metrics();
    Lane lane = part.get(0).lane;
    context.runs().ran(lane, reported, batch.size(), batch.tokens(), computed);
    if (event.shouldCommit()) {
      event.device = context.device().toString();
      event.lane = lane.name();
      event.texts = batch.size();
      event.tokens = batch.tokens();
      event.computedTokens = computed;
      event.outcome = reported.name();
      event.commit();
    }
    if (metrics.hasListeners()) {
      long oldest = start;
      for (Request text : part) {
        oldest = Math.min(oldest - start, text.submittedNanos - start) + start;
      }
      EngineListener.Batch told =
          new EngineListener.Batch(
              context.device(),
              lane,
              batch.size(),
              batch.tokens(),
              computed,
              Duration.ofNanos(start - oldest),
              Duration.ofNanos(nanos),
              reported);
      context.results().execute(() -> metrics.tell(l -> l.onBatch(told)));
    }
  }

  private synchronized boolean begin() {
    startedNanos = context.clock().getAsLong();
    computing = !abandoned;
    return computing;
  }

  /** Ends a run; after a success its texts cannot be taken from this thread any more. */
  private synchronized boolean end(boolean success) {
    computing = false;
    if (success && !abandoned) {
      running = null;
    }
    return !abandoned;
  }

  /** The texts still to run whose deadline has passed. */
  synchronized List<Request> expired(long now) {
    return todo.stream().flatMap(List::stream).filter(t -> t.isExpired(now)).toList();
  }

  /** Abandons this runner if its run has taken longer than the batch timeout; null if not. */
  synchronized @Nullable Abandoned abandonIfOverdue() {
    return computing
            && context.clock().getAsLong() - startedNanos
                > EngineSettings.nanos(context.settings().batchTimeout())
        ? abandon()
        : null;
  }

  /** Takes this runner's texts from it; null if that was done before. */
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
    TokenBudget budget = context.budget();
    if (budget.tooLarge(session.cost(part))) {
      context.events().budgetChanged();
    }
    if (part.size() > 1) {
      log.warn(
          "Out of memory on {} with {} texts; they run in halves, the budget is now {} tokens.",
          context.device(),
          part.size(),
          budget.tokens());
      retry(halves(part), true);
    } else if (++part.get(0).failures < MAX_OUT_OF_MEMORY_RUNS) {
      pause(part.get(0).failures);
      retry(List.of(part), true);
    } else {
      context.results().fail(part, asBackendException(requireNonNull(failure)));
    }
  }

  private void failed(List<Request> part) {
    Throwable cause = requireNonNull(failure);
    if (failuresInRow++ % FAILURES_PER_CANARY == 0) {
      Throwable canaryFailure = canaryFailure();
      if (canaryFailure != null) {
        deviceFailed(part, canaryFailure);
        return;
      }
    }
    if (part.size() > 1) {
      retry(halves(part), false);
    } else if (++part.get(0).failures < MAX_RUNS) {
      retry(List.of(part), false);
    } else {
      context.results().fail(part, asBackendException(cause));
    }
  }

  /** Why the canary failed, or null if it did not. Memory may be short for a moment only. */
  private @Nullable Throwable canaryFailure() {
    Throwable failed = null;
    for (int times = 1; times <= MAX_OUT_OF_MEMORY_RUNS; times++) {
      if (!begin()) {
        return null;
      }
      failed = null;
      try {
        session.checkCanary();
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

  private void deviceFailed(List<Request> part, Throwable canaryFailure) {
    DeviceLostException reason =
        new DeviceLostException(
            "The device "
                + context.device()
                + " failed a batch and then the smallest text there is, and is taken out until it"
                + " works again: "
                + canaryFailure.getMessage(),
            canaryFailure);
    Abandoned left = abandon();
    session.lost(reason);
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
    context.results().fail(failing, reason);
    context.events().handBack(back);
  }

  private synchronized void retry(List<List<Request>> parts, boolean first) {
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

  /** How a run ended. */
  private enum Outcome {
    DONE,
    OUT_OF_MEMORY,
    FAILED,

    /** The texts were taken from this runner meanwhile. */
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

  /** Gives other processes on the device time to free memory. */
  private static void pause(int times) {
    try {
      Thread.sleep(10L * times);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
