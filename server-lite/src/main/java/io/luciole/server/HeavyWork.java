package io.luciole.server;

import java.time.Duration;
import java.util.concurrent.Callable;

/**
 * Lets little heavy work be done at once: parsing large bodies, whose values take many times the
 * memory of their bytes, tokenising them, and answers of very many hits. Each computes for long
 * without a pause, and more of it at once than there are cores would only keep everything else
 * waiting for a core. Callers wait for one another, with a share each as {@link Shares} gives it:
 * one alone computes on half of the cores, so that the model keeps the others. Safe for use by many
 * threads.
 */
final class HeavyWork {
  /** Bodies of so many bytes are heavy. */
  static final int LARGE_BODY = 64 << 10;

  /** Answers of more hits than this are heavy. */
  static final int MANY_HITS = 100;

  private final Shares places;

  /**
   * Creates places.
   *
   * @param cores the cores that compute; there are as many places, at least 2, and one caller alone
   *     has half of them
   */
  HeavyWork(int cores) {
    this.places = new Shares(Math.max(2, cores));
  }

  /**
   * Does heavy work when there is a place for it.
   *
   * @param caller whose work it is
   * @param left how long to wait for a place
   * @param work what to do
   * @return what that returned
   * @throws Problem if no place is free in time
   * @throws Exception what the work threw
   */
  <T> T run(String caller, Duration left, Callable<T> work) throws Exception {
    enter(caller, left);
    try {
      return work.call();
    } finally {
      places.give(caller, 1);
    }
  }

  private void enter(String caller, Duration left) {
    boolean entered;
    try {
      entered = places.await(caller, 0, 1, left);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Problem.shuttingDown();
    }
    if (!entered) {
      throw Problem.overloaded("Too many large requests wait for a core; try again later.", 1);
    }
  }
}
