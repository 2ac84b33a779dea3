package io.luciole.server;

import java.time.Duration;
import java.util.function.Supplier;

/**
 * Lets few large bodies be parsed at once, since the trees of their values take many times the
 * memory of their bytes and no less time of a core. Callers wait for one another, with a share each
 * as {@link Shares} gives it. Safe for use by many threads.
 */
final class LargeBodies {
  /** Bodies of so many bytes are large. */
  private static final int LARGE = 64 << 10;

  private final Shares places;

  /**
   * Creates places.
   *
   * @param cores the cores that parse; one caller alone has as many places, at least 2
   */
  LargeBodies(int cores) {
    this.places = new Shares(2L * Math.max(2, cores));
  }

  /**
   * Parses a body when there is a place for it.
   *
   * @param caller whose body it is
   * @param bytes its length
   * @param left how long to wait for a place
   * @param parsing parses it
   * @return what that returned
   * @throws Problem if no place is free in time
   */
  <T> T parse(String caller, int bytes, Duration left, Supplier<T> parsing) {
    if (bytes < LARGE) {
      return parsing.get();
    }
    enter(caller, left);
    try {
      return parsing.get();
    } finally {
      leave(caller);
    }
  }

  private synchronized void enter(String caller, Duration left) {
    long end = System.nanoTime() + left.toNanos();
    try {
      while (!places.take(caller, 1)) {
        long millis = (end - System.nanoTime()) / 1_000_000;
        if (millis <= 0) {
          throw Problem.overloaded("Too many large bodies wait to be parsed; try again later.", 1);
        }
        wait(millis);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new Problem(503, "shutting_down", "The server is shutting down.", null, 1);
    }
  }

  private synchronized void leave(String caller) {
    places.give(caller, 1);
    notifyAll();
  }
}
