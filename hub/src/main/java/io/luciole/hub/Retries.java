package io.luciole.hub;

import io.luciole.model.ModelException;
import java.io.IOException;
import java.time.Duration;

/**
 * Decides whether a failed request is made again, and waits before: exponentially longer, with
 * jitter, and no shorter than the server asks for. For use by one thread and for one thing.
 */
final class Retries {
  private static final Duration FIRST = Duration.ofSeconds(1);
  private static final Duration LONGEST = Duration.ofSeconds(30);

  /** A server that asks to wait for longer than this is left alone. */
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final HubTuning tuning;
  private final PullListener listener;
  private final String what;
  private int failures;

  /**
   * Starts to count.
   *
   * @param what is asked for, for people
   */
  Retries(HubTuning tuning, PullListener listener, String what) {
    this.tuning = tuning;
    this.listener = listener;
    this.what = what;
  }

  /** Something that is tried until it succeeds. */
  interface Attempt<T> {
    T run() throws IOException, InterruptedException;
  }

  /**
   * Tries until it succeeds.
   *
   * @throws ModelException if it is of no use any more
   */
  <T> T run(Attempt<T> attempt) throws InterruptedException {
    while (true) {
      try {
        return attempt.run();
      } catch (IOException e) {
        pause(e);
      }
    }
  }

  /** Says that the last attempt got somewhere, though not to the end. */
  void progressed() {
    failures = 0;
  }

  /**
   * Waits before the next attempt.
   *
   * @throws ModelException if there should be none
   */
  void pause(IOException failure) throws InterruptedException {
    failures++;
    Duration asked = failure instanceof BusyException busy ? busy.pause() : Duration.ZERO;
    String reason = reason(failure);
    if (failures >= tuning.attempts()
        || asked.compareTo(PATIENCE) > 0
        || (failure instanceof UnreachableException e && e.isLasting())) {
      throw new ModelException(
          "Cannot fetch "
              + what
              + (failures > 1 ? " (" + failures + " attempts): " : ": ")
              + reason
              + ". Try again later: what has come is kept, and the next pull goes on from there.",
          failure);
    }
    // Between half and the whole of the doubled time, so that many clients do not come as one.
    double doubled = FIRST.toMillis() * Math.pow(2, failures - 1);
    double millis = Math.min(doubled, (double) LONGEST.toMillis());
    Duration pause = Duration.ofMillis((long) (millis * (0.5 + tuning.jitter().getAsDouble() / 2)));
    if (asked.compareTo(pause) > 0) {
      pause = asked;
    }
    listener.retrying(what, reason, pause);
    tuning.sleeper().sleep(pause);
  }

  private static String reason(IOException e) {
    return e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
  }
}
