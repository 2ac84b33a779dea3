package io.luciole;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A thread that repeats a check every {@value #PERIOD_MILLIS} ms while work is in progress, and
 * sleeps while there is none. It ends once it was told to and no work is in progress.
 *
 * <p>No work is missed: whoever begins work first makes {@code working} true and then reads {@code
 * asleep} ({@link #wake}); the watchdog first sets {@code asleep} and then reads {@code working}.
 */
final class Watchdog {
  private static final Logger log = LoggerFactory.getLogger(Watchdog.class);

  private static final long PERIOD_MILLIS = 25;

  private final BooleanSupplier working;
  private final Runnable check;
  private volatile @Nullable Thread thread;

  /** Whether the thread sleeps, or is about to, until it is woken. */
  private volatile boolean asleep;

  private volatile boolean ended;

  /**
   * Creates a watchdog; {@link #start} starts its thread.
   *
   * @param working whether work is in progress; called from the watchdog's thread
   * @param check what to repeat; what it throws is logged
   */
  Watchdog(BooleanSupplier working, Runnable check) {
    this.working = working;
    this.check = check;
  }

  void start() {
    thread = Thread.ofPlatform().name("luciole-watchdog").daemon().start(this::run);
  }

  /** Called after work began. */
  void wake() {
    if (asleep) {
      LockSupport.unpark(thread);
    }
  }

  /** Lets the thread end once no work is in progress. */
  void end() {
    ended = true;
    LockSupport.unpark(thread);
  }

  private void run() {
    while (!ended || working.getAsBoolean()) {
      if (isIdle()) {
        asleep = true;
        if (isIdle()) {
          LockSupport.park(this);
        }
        asleep = false;
      } else {
        LockSupport.parkNanos(this, TimeUnit.MILLISECONDS.toNanos(PERIOD_MILLIS));
      }
      try {
        check.run();
      } catch (Throwable t) {
        log.error("The watchdog failed and goes on: {}", t.toString(), t);
      }
    }
  }

  private boolean isIdle() {
    return !ended && !working.getAsBoolean();
  }
}
