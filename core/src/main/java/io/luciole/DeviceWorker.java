package io.luciole;

import static java.util.Objects.requireNonNull;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.luciole.spi.Backend;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Owns a device: keeps a {@link DeviceSession} open on it while it works, declares it lost when it
 * does not, and reopens it.
 *
 * <h2>Sessions</h2>
 *
 * An open {@link Backend} and the threads that run it are a session. There is one thread, or two if
 * the backend allows two runs at once, so that one prepares while the other computes. A session
 * ends for good when the device is lost or the engine closes; its last thread closes the backend. A
 * lost device is reopened as a new session after {@code reopenDelay}, and after twice the last
 * delay, a millisecond at the least and a minute at most, each time that this fails.
 *
 * <h2>When a run fails</h2>
 *
 * <ul>
 *   <li><b>Out of memory:</b> the batch runs again in halves and the token budget falls. A single
 *       text has three runs.
 *   <li><b>Any other failure</b>, output of the wrong shape included: first the canary runs, the
 *       shortest text there is. If it fails too, the device is lost. If it succeeds, the texts are
 *       at fault: both halves of the batch run before either is halved again, down to single texts.
 *       A single text that fails twice is the culprit. The canary runs again after every eight
 *       failures with no success in between.
 *   <li><b>No answer</b> within the batch timeout: the device is lost. The thread is abandoned, and
 *       closes its backend if the run ever returns.
 * </ul>
 *
 * When a device is lost, texts that were not on it go to the other devices. So do the texts of a
 * batch that failed on it, but only once. Without another device they fail at once. Texts of a
 * batch that gave no answer fail.
 *
 * <h2>Threads and locks</h2>
 *
 * <ul>
 *   <li>The session's threads run {@link BatchRunner}s. Each takes batches from the scheduler, runs
 *       them, and calls {@code lose} if it finds the device lost.
 *   <li>The watchdog calls {@link #check}; the thread that closes the engine calls {@link #close},
 *       {@link #abort} and {@link #awaitEnd}.
 *   <li>A lost device has one thread that reopens it.
 * </ul>
 *
 * {@code stateLock} guards which session there is; no event is told while it is held. A {@link
 * BatchRunner}'s monitor guards the texts that it runs. The two are never held together.
 */
final class DeviceWorker {
  private static final Logger log = LoggerFactory.getLogger(DeviceWorker.class);

  /** Of the second attempt on; without it a delay of 0 would stay 0, however often it doubles. */
  private static final long SHORTEST_REOPEN_DELAY = TimeUnit.MILLISECONDS.toNanos(1);

  private static final long LONGEST_REOPEN_DELAY = TimeUnit.MINUTES.toNanos(1);

  private final DeviceContext context;
  private final Supplier<Backend> opener;
  private final Object stateLock = new Object();

  /** Null while the device is lost. */
  @GuardedBy("stateLock")
  private @Nullable DeviceSession session;

  /** Why the device is lost; null while it works. */
  @GuardedBy("stateLock")
  private @Nullable DeviceLostException problem;

  @GuardedBy("stateLock")
  private boolean closing;

  @GuardedBy("stateLock")
  private long reopenDelay;

  @GuardedBy("stateLock")
  private long openedNanos;

  /**
   * Creates a worker; {@link #start} starts its threads.
   *
   * @param backend open on the context's device
   * @param opener opens it again
   */
  DeviceWorker(DeviceContext context, Backend backend, Supplier<Backend> opener) {
    this.context = context;
    this.opener = opener;
    this.reopenDelay = EngineSettings.nanos(context.settings().reopenDelay());
    this.openedNanos = context.clock().getAsLong();
    this.session = new DeviceSession(context, backend, this::lose);
  }

  EngineStats.DeviceStats stats() {
    return new EngineStats.DeviceStats(
        context.device(),
        Duration.ofNanos(context.busy().busyNanos()),
        Duration.ofNanos(context.busy().availableNanos()),
        context.runs().snapshot());
  }

  void start() {
    synchronized (stateLock) {
      context.busy().setAvailable(true);
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
          context.device(),
          session != null && !closing,
          closing
              ? Optional.of("The engine is closed.")
              : Optional.ofNullable(problem).map(Throwable::getMessage),
          context.budget().tokens());
    }
  }

  /**
   * Fails the texts that wait here for a run and whose deadline has passed, and declares the device
   * lost if a run has given no answer within the batch timeout.
   */
  void check() {
    DeviceSession current;
    synchronized (stateLock) {
      current = session;
    }
    if (current == null) {
      return;
    }
    context.results().fail(current.expired(context.clock().getAsLong()), Pipeline.deadlinePassed());
    for (BatchRunner runner : current.runners()) {
      BatchRunner.Abandoned abandoned = runner.abandonIfOverdue();
      if (abandoned != null) {
        DeviceLostException reason =
            new DeviceLostException(
                "The device "
                    + context.device()
                    + " gave no answer within "
                    + context.settings().batchTimeout()
                    + " and is taken out. If batches may take longer, raise luciole.batch-timeout"
                    + " or lower luciole.token-budget.");
        lose(current, reason);
        context.results().fail(abandoned.running(), reason);
        context.events().handBack(abandoned.todo());
      }
    }
  }

  /** Ends a session and has the device reopened; does nothing if it has ended before. */
  private void lose(DeviceSession lost, DeviceLostException reason) {
    long delay;
    synchronized (stateLock) {
      lost.stop();
      if (session != lost) {
        return;
      }
      session = null;
      problem = reason;
      context.busy().setAvailable(false);
      if (context.clock().getAsLong() - openedNanos > LONGEST_REOPEN_DELAY) {
        reopenDelay = EngineSettings.nanos(context.settings().reopenDelay());
      }
      delay = nextReopenDelay();
    }
    log.error("{}", reason.getMessage(), reason);
    context.events().deviceLost(reason);
    lost.returnPrefetched();
    context.scheduler().wake();
    Thread.ofPlatform()
        .name("luciole-" + context.device() + "-reopen")
        .daemon()
        .start(() -> reopen(reason, delay));
  }

  @GuardedBy("stateLock")
  private long nextReopenDelay() {
    long delay = reopenDelay;
    reopenDelay = Math.clamp(2 * reopenDelay, SHORTEST_REOPEN_DELAY, LONGEST_REOPEN_DELAY);
    return delay;
  }

  private void reopen(DeviceLostException lost, long firstDelay) {
    long delay = firstDelay;
    while (sleepUnlessClosing(delay)) {
      Backend backend = null;
      try {
        backend = opener.get();
        DeviceSession reopened = new DeviceSession(context, backend, this::lose);
        reopened.checkCanary();
        if (!startUnlessClosing(reopened)) {
          backend.close();
          return;
        }
        // From here on the session closes the backend.
        backend = null;
        log.info("The device {} works again.", context.device());
        context.events().deviceRecovered();
        return;
      } catch (Throwable t) {
        log.warn("The device {} could not be reopened: {}", context.device(), t.toString());
        DeviceSession.closeQuietly(backend, "backend");
        tell(lost, t);
        synchronized (stateLock) {
          delay = nextReopenDelay();
        }
      }
    }
  }

  /** Has health and texts say why the device stays lost; the same failure is told once. */
  private void tell(DeviceLostException lost, Throwable failure) {
    DeviceLostException reason =
        new DeviceLostException(
            lost.getMessage()
                + " It could not be reopened: "
                + (failure instanceof LucioleException ? failure.getMessage() : failure),
            failure);
    synchronized (stateLock) {
      if (problem != null && Objects.equals(problem.getMessage(), reason.getMessage())) {
        return;
      }
      problem = reason;
    }
    context.events().deviceLost(reason);
  }

  private boolean startUnlessClosing(DeviceSession reopened) {
    synchronized (stateLock) {
      if (closing) {
        return false;
      }
      session = reopened;
      problem = null;
      openedNanos = context.clock().getAsLong();
      context.busy().setAvailable(true);
      reopened.start();
      return true;
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

  /** Stops reopening the device. The session ends by itself once the queue is closed and empty. */
  void close() {
    synchronized (stateLock) {
      closing = true;
      stateLock.notifyAll();
    }
  }

  /**
   * Fails the texts that are on the device and abandons its threads.
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
      current.returnPrefetched();
      for (BatchRunner runner : current.runners()) {
        BatchRunner.Abandoned abandoned = runner.abandon();
        if (abandoned != null) {
          context.results().fail(abandoned.running(), reason);
          context.results().fail(abandoned.todo(), reason);
        }
      }
    }
  }

  /**
   * Waits until the session's threads have ended and its backend is closed. False if not in time.
   */
  boolean awaitEnd(long nanos) throws InterruptedException {
    DeviceSession current;
    synchronized (stateLock) {
      current = session;
    }
    return current == null || current.awaitEnd(nanos);
  }
}
