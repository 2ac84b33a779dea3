package io.luciole.server;

import io.luciole.LucioleException;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An index that could not be opened when the server started, for a reason that may pass. A thread
 * tries to open it, after a second first and after ever longer pauses then, half a minute at most,
 * until that succeeds or this is closed. Safe for use by many threads.
 */
final class UnopenedIndex implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(UnopenedIndex.class);
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(30);

  private final String name;
  private final Runnable opening;
  private final CountDownLatch closing = new CountDownLatch(1);
  private volatile LucioleException reason;

  /**
   * An index that is to be tried again.
   *
   * @param reason why it could not be opened
   * @param opening opens the index and serves it, or throws why it cannot
   */
  UnopenedIndex(String name, LucioleException reason, Runnable opening) {
    this.name = name;
    this.reason = reason;
    this.opening = opening;
    log.error(
        "The index \"{}\" cannot be opened and is tried again; the server starts without it: {}",
        name,
        reason.getMessage());
    log.debug("Where the opening of the index \"{}\" failed", name, reason);
  }

  /** Starts the thread. */
  UnopenedIndex begin() {
    Thread unused =
        Thread.ofPlatform().name("luciole-index-opening-" + name).daemon().start(this::run);
    return this;
  }

  String name() {
    return name;
  }

  /** Why the index is not open. */
  LucioleException reason() {
    return reason;
  }

  /** Why the index is not open, and what is being done about it. */
  String problem() {
    return Problems.withoutPaths(reason) + " The index is opened as soon as that is possible.";
  }

  /** What requests for the index are answered. */
  Problem refusal() {
    return new Problem(503, "index_unavailable", problem(), "index", 5);
  }

  private void run() {
    Duration pause = FIRST_PAUSE;
    try {
      while (!closing.await(pause.toNanos(), TimeUnit.NANOSECONDS)) {
        try {
          opening.run();
          return;
        } catch (LucioleException e) {
          log.warn("The index \"{}\" cannot be opened yet: {}", name, e.toString());
          reason = e;
        }
        Duration longer = pause.multipliedBy(2);
        pause = longer.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : longer;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Ends the trying. An index that is being opened meanwhile is closed by whoever opens it. */
  @Override
  public void close() {
    closing.countDown();
  }
}
