package io.luciole;

import static java.util.Objects.requireNonNull;

import io.luciole.model.ModelDescription;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.util.List;
import java.util.Set;
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
 *       has three runs.
 *   <li><b>Anything else</b>, output of the wrong shape included: first the canary, the shortest
 *       text there is, is run. If it fails too, the device is lost. If it succeeds, the texts are
 *       at fault: both halves of the batch are run, before either is halved again, until single
 *       texts are left; one that fails twice alone is the culprit. The canary is run again after
 *       every eight failures with no success in between.
 *   <li><b>No answer</b> within the batch timeout: the device is lost. The thread is left behind
 *       and closes its backend if it ever returns.
 * </ul>
 *
 * When a device is lost, texts that were not on it go to the other devices, those of a batch that
 * failed on it too but only once; if there is no other device they fail at once. Texts of a batch
 * that gave no answer fail.
 *
 * <p>Threads: {@link #checkOverdue} is the watchdog's; the state lock guards which session there
 * is.
 */
final class DeviceWorker {
  private static final Logger log = LoggerFactory.getLogger(DeviceWorker.class);

  private static final long LONGEST_REOPEN_DELAY = TimeUnit.MINUTES.toNanos(1);

  /** What the workers share. */
  interface Context {
    /** Whether another device than this works. */
    boolean hasOther(DeviceWorker worker);

    /** Takes back texts that were cut and not computed; fails them if nobody can take them. */
    void handBack(List<Request> texts, LucioleException reason);

    /** Called when this device stopped working, once a loss. */
    void lost(DeviceWorker worker, DeviceLostException reason);

    /** Called when a lost device works again. */
    void back(DeviceWorker worker);

    /** Called when a device's token budget fell or rose. */
    void budgetChanged();

    /** Called with the texts of a batch that left the queue. */
    void left(List<Request> texts);
  }

  final Device device;
  private final Supplier<Backend> opener;
  final ModelDescription description;
  final BatchScheduler scheduler;
  final Results results;
  final Context context;
  final EngineSettings settings;
  private final TokenBatch canary;
  final LongSupplier clock;
  final TokenBudget budget;
  final BusyClock busy;
  final EngineMetrics metrics;
  private final Object stateLock = new Object();
  private @Nullable DeviceSession session; // guarded by stateLock; null while lost
  private @Nullable DeviceLostException problem; // guarded by stateLock
  private boolean closing; // guarded by stateLock
  private long reopenDelay; // guarded by stateLock
  private long openedNanos; // guarded by stateLock

  DeviceWorker(
      LoadedModel.OpenDevice opened,
      ModelDescription description,
      BatchScheduler scheduler,
      Results results,
      Context context,
      EngineSettings settings,
      EngineMetrics metrics,
      int[] canary,
      LongSupplier clock) {
    this.device = opened.backend().info().device();
    this.opener = opened.opener();
    this.description = description;
    this.scheduler = scheduler;
    this.results = results;
    this.context = context;
    this.settings = settings;
    this.canary = TokenBatch.of(List.of(canary));
    this.clock = clock;
    this.metrics = metrics;
    this.budget = new TokenBudget(opened.tokenBudget());
    this.busy = new BusyClock(clock);
    this.reopenDelay = EngineSettings.nanos(settings.reopenDelay());
    this.openedNanos = clock.getAsLong();
    this.session = new DeviceSession(this, opened.backend());
  }

  /** Why the device is lost; null if it is not. */
  @Nullable DeviceLostException problem() {
    synchronized (stateLock) {
      return problem;
    }
  }

  BusyClock busy() {
    return busy;
  }

  void start() {
    synchronized (stateLock) {
      busy.setAvailable(true);
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
    DeviceSession current;
    synchronized (stateLock) {
      current = session;
    }
    if (current == null) {
      return;
    }
    for (BatchRunner runner : current.runners()) {
      BatchRunner.Abandoned abandoned = runner.abandonIfOverdue();
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
        results.fail(abandoned.running(), reason);
        context.handBack(abandoned.todo(), reason);
      }
    }
  }

  /** Ends a session, once, and sees to its being reopened. */
  void lose(DeviceSession lost, DeviceLostException reason) {
    long delay;
    synchronized (stateLock) {
      lost.stop();
      if (session != lost) {
        return;
      }
      session = null;
      problem = reason;
      busy.setAvailable(false);
      if (clock.getAsLong() - openedNanos > LONGEST_REOPEN_DELAY) {
        reopenDelay = EngineSettings.nanos(settings.reopenDelay());
      }
      delay = reopenDelay;
      reopenDelay = Math.min(2 * reopenDelay, LONGEST_REOPEN_DELAY);
    }
    log.error("{}", reason.getMessage(), reason);
    context.lost(this, reason);
    lost.unstage();
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
            session = new DeviceSession(this, backend);
            problem = null;
            openedNanos = clock.getAsLong();
            busy.setAvailable(true);
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

  static void closeQuietly(@Nullable Backend backend) {
    if (backend != null) {
      try {
        backend.close();
      } catch (Throwable t) {
        log.warn("A backend could not be closed: {}", t.toString(), t);
      }
    }
  }

  void checkCanary(Backend backend) {
    Set<Output> outputs = backend.info().outputs();
    try (BackendOutput output = backend.run(canary, outputs)) {
      checkShape(output, canary, outputs, backend.info());
    }
  }

  static void checkShape(
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
    DeviceSession current;
    synchronized (stateLock) {
      current = session;
      if (current != null) {
        current.stop();
      }
    }
    if (current != null) {
      current.unstage();
      for (BatchRunner runner : current.runners()) {
        BatchRunner.Abandoned abandoned = runner.abandon();
        if (abandoned != null) {
          results.fail(abandoned.running(), reason);
          results.fail(abandoned.todo(), reason);
        }
      }
    }
  }

  /** Waits until the session's threads have ended and its backend is closed. */
  boolean awaitEnd(long nanos) throws InterruptedException {
    DeviceSession current;
    synchronized (stateLock) {
      current = session;
    }
    return current == null || current.awaitEnd(nanos);
  }
}
