package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelDescription;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns a device: runs batches on it for as long as it works, and finds out what is wrong when it
 * does not.
 *
 * <h2>Sessions</h2>
 *
 * An open {@link Backend} and the threads that run it are a session; there is one thread, or two
 * where the backend allows two runs at once, so that one prepares while the other computes. A
 * session ends for good when the device is lost or the engine closes; its last thread closes the
 * backend. A lost device is reopened as a new session, after {@code reopenDelay}, then twice that,
 * and so on up to a minute.
 *
 * <h2>When a run fails</h2>
 *
 * <ul>
 *   <li><b>Out of memory:</b> the batch is run again in halves and the budget falls. A text alone
 *       has {@value #LONE_MEMORY_RUNS} runs.
 *   <li><b>Anything else</b>, output of the wrong shape included: first the canary, the shortest
 *       text there is, is run. If it fails too, the device is lost. If it succeeds, the texts are
 *       at fault: both halves of the batch are run, before either is halved again, until single
 *       texts are left; one that fails {@value #LONE_RUNS} times alone is the culprit. The canary
 *       is run again after every {@value #CANARY_EVERY} failures with no success in between.
 *   <li><b>No answer</b> within the batch timeout: the device is lost. The thread is left behind
 *       and closes its backend if it ever returns.
 * </ul>
 *
 * When a device is lost, texts that were not on it go to the other devices, those of a batch that
 * failed on it too but only once; if there is no other device they fail at once. Texts of a batch
 * that gave no answer fail.
 *
 * <p>Threads: {@link #checkOverdue} is the watchdog's; a {@link Runner}'s monitor guards what it
 * and the runner share.
 */
final class DeviceWorker {
  private static final Logger log = LoggerFactory.getLogger(DeviceWorker.class);

  private static final int LONE_RUNS = 2;
  private static final int LONE_MEMORY_RUNS = 3;
  private static final int CANARY_EVERY = 8;

  /** Runs at once, however many more the backend allows: two keep a device busy. */
  private static final int MOST_RUNS = 2;

  /** Outputs computed and not yet decoded, beyond which the device waits. */
  private static final int OUTPUTS_IN_FLIGHT = 4;

  private static final int MOST_TEXTS = 1 << 16;

  /** Padded tokens that an accelerator computes in the time of one. */
  private static final int ACCELERATOR_FIXED_COST = 1024;

  private static final long LONGEST_REOPEN_DELAY = TimeUnit.MINUTES.toNanos(1);

  /** What the workers share. */
  interface Context {
    /** Whether another device than this works. */
    boolean hasOther(DeviceWorker worker);

    /** Takes back texts that were cut and not computed; fails them if nobody can take them. */
    void handBack(List<Request> texts, BackendException reason);

    /** Called when this device stopped working, once a loss. */
    void lost(DeviceWorker worker, DeviceLostException reason);

    /** Called when a lost device works again. */
    void back(DeviceWorker worker);

    /** Called with the texts of a batch that left the queue. */
    void left(List<Request> texts);
  }

  private final Device device;
  private final Supplier<Backend> opener;
  private final ModelDescription description;
  private final BatchScheduler scheduler;
  private final Results results;
  private final Context context;
  private final EngineSettings settings;
  private final TokenBatch canary;
  private final LongSupplier clock;
  private final TokenBudget budget;
  private final Object stateLock = new Object();
  private @Nullable Session session; // guarded by stateLock; null while lost
  private @Nullable DeviceLostException problem; // guarded by stateLock
  private boolean closing; // guarded by stateLock
  private long reopenDelay; // guarded by stateLock
  private long openedNanos; // guarded by stateLock

  DeviceWorker(
      Device device,
      Backend backend,
      Supplier<Backend> opener,
      ModelDescription description,
      BatchScheduler scheduler,
      Results results,
      Context context,
      EngineSettings settings,
      int[] canary,
      LongSupplier clock) {
    this.device = device;
    this.opener = opener;
    this.description = description;
    this.scheduler = scheduler;
    this.results = results;
    this.context = context;
    this.settings = settings;
    this.canary = TokenBatch.of(List.of(canary));
    this.clock = clock;
    this.budget = new TokenBudget(settings.tokenBudget());
    this.reopenDelay = settings.reopenDelay().toNanos();
    this.openedNanos = clock.getAsLong();
    this.session = new Session(backend);
  }

  void start() {
    synchronized (stateLock) {
      requireNonNull(session).start();
    }
  }

  boolean isUsable() {
    synchronized (stateLock) {
      return session != null;
    }
  }

  EngineHealth.DeviceHealth health() {
    synchronized (stateLock) {
      return new EngineHealth.DeviceHealth(
          device, session != null, problem == null ? null : problem.getMessage(), budget.tokens());
    }
  }

  /** Declares the device lost if a run has had no answer for too long. */
  void checkOverdue() {
    Session current;
    synchronized (stateLock) {
      current = session;
    }
    if (current == null) {
      return;
    }
    for (Runner runner : current.runners) {
      Abandoned abandoned = runner.abandonIfOverdue();
      if (abandoned != null) {
        DeviceLostException reason =
            new DeviceLostException(
                "The device "
                    + device
                    + " gave no answer within "
                    + settings.batchTimeout()
                    + " and is taken out. If batches may take longer, raise luciole.batch-timeout"
                    + " or lower luciole.token-budget.",
                null);
        lose(current, reason);
        results.fail(abandoned.running, reason);
        context.handBack(abandoned.todo, reason);
      }
    }
  }

  /** Ends a session, once, and sees to its being reopened. */
  private void lose(Session lost, DeviceLostException reason) {
    long delay;
    synchronized (stateLock) {
      lost.stopped = true;
      if (session != lost) {
        return;
      }
      session = null;
      problem = reason;
      if (clock.getAsLong() - openedNanos > LONGEST_REOPEN_DELAY) {
        reopenDelay = settings.reopenDelay().toNanos();
      }
      delay = reopenDelay;
      reopenDelay = Math.min(2 * reopenDelay, LONGEST_REOPEN_DELAY);
    }
    log.error("{}", reason.getMessage(), reason);
    context.lost(this, reason);
    scheduler.wake();
    Thread.ofPlatform().name("luciole-" + device + "-reopen").daemon().start(() -> reopen(delay));
  }

  private void reopen(long firstDelay) {
    long delay = firstDelay;
    while (true) {
      if (!sleepUnlessClosing(delay)) {
        return;
      }
      Backend backend = null;
      try {
        backend = opener.get();
        checkCanary(backend);
        synchronized (stateLock) {
          if (!closing) {
            session = new Session(backend);
            problem = null;
            openedNanos = clock.getAsLong();
            session.start();
            backend = null;
          }
        }
        if (backend != null) {
          backend.close();
          return;
        }
        log.info("The device {} works again.", device);
        context.back(this);
        return;
      } catch (Throwable t) {
        log.warn("The device {} could not be reopened: {}", device, t.toString());
        closeQuietly(backend);
        synchronized (stateLock) {
          delay = reopenDelay;
          reopenDelay = Math.min(2 * reopenDelay, LONGEST_REOPEN_DELAY);
        }
      }
    }
  }

  private boolean sleepUnlessClosing(long nanos) {
    long end = System.nanoTime() + nanos;
    synchronized (stateLock) {
      for (long left = nanos; !closing && left > 0; left = end - System.nanoTime()) {
        try {
          TimeUnit.NANOSECONDS.timedWait(stateLock, left);
        } catch (InterruptedException e) {
          return false;
        }
      }
      return !closing;
    }
  }

  private static void closeQuietly(@Nullable Backend backend) {
    if (backend != null) {
      try {
        backend.close();
      } catch (Throwable t) {
        log.warn("A backend could not be closed: {}", t.toString(), t);
      }
    }
  }

  private void checkCanary(Backend backend) {
    Set<Output> outputs = backend.info().outputs();
    try (BackendOutput output = backend.run(canary, outputs)) {
      checkShape(output, canary, outputs, backend.info());
    }
  }

  private static void checkShape(
      BackendOutput output, TokenBatch batch, Set<Output> outputs, BackendInfo info) {
    for (Output kind : outputs) {
      int rows = kind == Output.DENSE ? batch.size() : batch.tokens();
      int columns =
          switch (kind) {
            case DENSE -> info.dimension();
            case SPARSE -> 1;
            case COLBERT -> info.colbertDimension();
          };
      int found = output.get(kind).limit();
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

  /** Lets the session end once nothing waits, and stops reopening. */
  void close() {
    synchronized (stateLock) {
      closing = true;
      stateLock.notifyAll();
    }
  }

  /**
   * Fails what is on the device and lets its threads go.
   *
   * @param reason what the texts fail with
   */
  void abort(EngineClosedException reason) {
    Session current;
    synchronized (stateLock) {
      current = session;
      if (current != null) {
        current.stopped = true;
      }
    }
    if (current != null) {
      for (Runner runner : current.runners) {
        Abandoned abandoned = runner.abandon();
        if (abandoned != null) {
          results.fail(abandoned.running, reason);
          results.fail(abandoned.todo, reason);
        }
      }
    }
  }

  /** Waits until the session's threads have ended and its backend is closed. */
  boolean awaitEnd(long nanos) throws InterruptedException {
    Session current;
    synchronized (stateLock) {
      current = session;
    }
    return current == null || current.ended.await(nanos, TimeUnit.NANOSECONDS);
  }

  /** Texts of a thread that was left behind. */
  private record Abandoned(List<Request> running, List<Request> todo) {}

  /** An open backend and its threads. */
  private final class Session implements BatchScheduler.Taker {
    private final Backend backend;
    private final BackendInfo info;
    private final EmbeddingDecoder decoder;
    private final Semaphore outputs = new Semaphore(OUTPUTS_IN_FLIGHT);
    private final List<Runner> runners = new ArrayList<>();
    private final CountDownLatch ended = new CountDownLatch(1);
    private int running;
    private volatile boolean stopped;

    Session(Backend backend) {
      this.backend = backend;
      this.info = backend.info();
      this.decoder = new EmbeddingDecoder(description, info);
      for (int i = 0; i < Math.min(MOST_RUNS, info.concurrentRuns()); i++) {
        runners.add(new Runner(this));
      }
      this.running = runners.size();
    }

    void start() {
      for (int i = 0; i < runners.size(); i++) {
        Thread.ofPlatform()
            .name("luciole-" + device + (i == 0 ? "" : "-" + (i + 1)))
            .daemon()
            .start(runners.get(i));
      }
    }

    @Override
    public BatchScheduler.Limits limits() {
      return new BatchScheduler.Limits(
          budget.tokens(), MOST_TEXTS, device.isAccelerator() ? ACCELERATOR_FIXED_COST : 0);
    }

    @Override
    public boolean stopped() {
      return stopped;
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
        // Outputs belong to the backend: they are decoded before it goes.
        outputs.acquireUninterruptibly(OUTPUTS_IN_FLIGHT);
        closeQuietly(backend);
        ended.countDown();
      }
    }
  }

  /** What became of a run. */
  private enum Outcome {
    DONE,
    OUT_OF_MEMORY,
    FAILED,
    LEFT_BEHIND
  }

  /** A thread of a session. */
  private final class Runner implements Runnable {
    private final Session session;

    // Guarded by this.
    private final Deque<List<Request>> todo = new ArrayDeque<>();
    private @Nullable List<Request> running;
    private long startedNanos;
    private boolean computing;
    private boolean abandoned;

    // The thread's own.
    private int failuresInRow;
    private @Nullable Throwable failure;

    Runner(Session session) {
      this.session = session;
    }

    @Override
    public void run() {
      try {
        while (true) {
          List<Request> texts = scheduler.take(session);
          if (texts == null) {
            return;
          }
          context.left(texts);
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
          new DeviceLostException("The thread of the device " + device + " failed: " + t, t);
      Abandoned left = abandon();
      lose(session, reason);
      if (left != null) {
        results.fail(left.running, reason);
        context.handBack(left.todo, reason);
      }
    }

    private synchronized boolean accept(List<Request> texts) {
      todo.add(texts);
      if (abandoned) {
        // Closed in this moment.
        results.fail(texts, new EngineClosedException("The engine was closed."));
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
          case LEFT_BEHIND -> {
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
          return Outcome.LEFT_BEHIND;
        }
        Throwable thrown = null;
        try {
          output = session.backend.run(batch, outputs);
          checkShape(output, batch, outputs, session.info);
        } catch (Throwable t) {
          thrown = t;
        }
        if (!end(thrown == null)) {
          return Outcome.LEFT_BEHIND;
        }
        if (thrown != null) {
          failure = thrown;
          return thrown instanceof BackendOutOfMemoryException || thrown instanceof OutOfMemoryError
              ? Outcome.OUT_OF_MEMORY
              : Outcome.FAILED;
        }
        budget.fitted(session.cost(part));
        delivered = true;
        results.deliver(
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

    private void closeOutput(BackendOutput output) {
      try {
        output.close();
      } catch (Throwable t) {
        log.warn("A backend's output could not be closed: {}", t.toString(), t);
      }
    }

    private synchronized boolean begin() {
      startedNanos = clock.getAsLong();
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
      return computing && clock.getAsLong() - startedNanos > settings.batchTimeout().toNanos()
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
      budget.tooLarge(session.cost(part));
      if (part.size() > 1) {
        log.warn(
            "Out of memory on {} with {} texts; they go in halves, the budget is now {} tokens.",
            device,
            part.size(),
            budget.tokens());
        again(halves(part), true);
      } else if (++part.get(0).failures < LONE_MEMORY_RUNS) {
        pause(part.get(0).failures);
        again(List.of(part), true);
      } else {
        results.fail(part, asBackendException(requireNonNull(failure)));
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
        results.fail(part, asBackendException(cause));
      }
    }

    private @Nullable Throwable canaryFailure() {
      if (!begin()) {
        return null;
      }
      Throwable thrown = null;
      try {
        checkCanary(session.backend);
      } catch (Throwable t) {
        thrown = t;
      }
      return end(false) ? thrown : null;
    }

    private void deviceFailed(List<Request> part, Throwable dead) {
      DeviceLostException reason =
          new DeviceLostException(
              "The device "
                  + device
                  + " failed a batch and then the smallest text there is, and is taken out until it"
                  + " works again: "
                  + dead.getMessage(),
              dead);
      Abandoned left = abandon();
      lose(session, reason);
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
      results.fail(failing, reason);
      context.handBack(back, reason);
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
