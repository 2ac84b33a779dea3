package io.luciole.server;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that the bodies of all requests may hold at one time, in bytes of the heap: what is
 * read of them, and the values that become of it, until each request is answered. Callers share it
 * as {@link Shares} says; a request that is alone may hold all of it. Safe for use by many threads.
 */
final class BodyMemory {
  private final long bytes;
  private final Shares shares;
  private final AtomicLong refused = new AtomicLong();

  BodyMemory(long bytes) {
    this.bytes = bytes;
    this.shares = new Shares(bytes);
  }

  /** What a request of a caller's holds: nothing at first. */
  Lease lease(String caller) {
    return new Lease(caller);
  }

  /** The bytes that are held. */
  long taken() {
    return shares.taken();
  }

  /** How many requests were refused. */
  long refused() {
    return refused.get();
  }

  /** What one request holds. Used by one thread at a time. */
  final class Lease {
    private final String caller;
    private long held;

    private Lease(String caller) {
      this.caller = caller;
    }

    /**
     * Takes more.
     *
     * @throws Problem if others leave too little, or the request wants more than there is for all
     */
    void take(long more) {
      requirePossible(more);
      if (!shares.takeMore(caller, held, more)) {
        throw refusal();
      }
      held += more;
    }

    /**
     * Takes more as soon as others leave it.
     *
     * @throws Problem if they do not in time, or the request wants more than there is for all
     */
    void await(long more, Duration left) {
      requirePossible(more);
      try {
        if (!shares.await(caller, held, more, left)) {
          throw refusal();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw Problem.shuttingDown();
      }
      held += more;
    }

    private void requirePossible(long more) {
      if (held + more > bytes) {
        refused.incrementAndGet();
        throw Problem.tooLarge(
            null,
            "The body's values would take more memory than there is for the bodies of all requests, "
                + bytes
                + " bytes. Send less in a request; or give the server a larger heap, or "
                + ServerKeys.MAX_BODY_MEMORY
                + '.');
      }
    }

    private Problem refusal() {
      refused.incrementAndGet();
      return Problem.overloaded(
          "The bodies of other requests take the memory that there is for them; try again later.",
          1);
    }

    /** The most that all requests may hold. */
    long most() {
      return bytes;
    }

    /** Gives back what is held beyond so much. */
    void giveBackTo(long rest) {
      if (held > rest) {
        shares.give(caller, held - rest);
        held = rest;
      }
    }
  }
}
