package io.luciole.lucene;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/** Calls for commits, again and again and when it is asked to, on a thread of its own. */
final class PeriodicCommits implements AutoCloseable {
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("luciole-commits").daemon().factory());

  private final Runnable commit;
  private final AtomicBoolean asked = new AtomicBoolean();

  /**
   * Starts the thread.
   *
   * @param every the time between two calls
   * @param commit commits, if there is something to commit; does not throw
   */
  PeriodicCommits(Duration every, Runnable commit) {
    this.commit = commit;
    long nanos = TimeUnit.NANOSECONDS.convert(every);
    Future<?> unused = thread.scheduleWithFixedDelay(commit, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /** Calls for a commit as soon as the thread is free, and returns at once. */
  void soon() {
    if (!asked.compareAndSet(false, true)) {
      return;
    }
    try {
      thread.execute(() -> {
        asked.set(false);
        commit.run();
      });
    } catch (RejectedExecutionException e) {
      // Closed: whoever closes commits.
    }
  }

  /** Ends the thread, after the commit that is running. */
  @Override
  public void close() {
    thread.close();
  }
}
