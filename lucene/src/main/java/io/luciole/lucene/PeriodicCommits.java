package io.luciole.lucene;

import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Calls for commits, again and again, on a thread of its own. */
final class PeriodicCommits implements AutoCloseable {
  private final ScheduledExecutorService thread =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().name("luciole-commits").daemon().factory());

  /**
   * Starts the thread.
   *
   * @param every the time between two calls
   * @param commit commits, if there is something to commit; does not throw
   */
  PeriodicCommits(Duration every, Runnable commit) {
    long nanos = TimeUnit.NANOSECONDS.convert(every);
    Future<?> unused = thread.scheduleWithFixedDelay(commit, nanos, nanos, TimeUnit.NANOSECONDS);
  }

  /** Ends the thread, after the commit that is running. */
  @Override
  public void close() {
    thread.close();
  }
}
