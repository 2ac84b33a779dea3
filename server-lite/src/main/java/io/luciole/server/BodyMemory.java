package io.luciole.server;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The memory that the bodies of all requests may hold at one time, in bytes of the heap: half of it
 * for what is read of them, half for the values that become of it, until each request is answered.
 * So bodies that wait to be parsed leave room for the values of those before them. Callers share
 * each half as {@link Shares} says; a request that is alone may hold all of it. Safe for use by
 * many threads.
 */
final class BodyMemory {
  private final long half;
  private final Shares bytes;
  private final Shares values;
  private final AtomicLong refused = new AtomicLong();

  BodyMemory(long total) {
    this.half = total / 2;
    this.bytes = new Shares(half);
    this.values = new Shares(half);
  }

  /** What a request of a caller's holds: nothing at first. */
  Lease lease(String caller) {
    return new Lease(caller);
  }

  /** The bytes that are held. */
  long taken() {
    return bytes.taken() + values.taken();
  }

  /** How many requests were refused. */
  long refused() {
    return refused.get();
  }

  /** What one request holds. Used by one thread at a time. */
  final class Lease {
    private final String caller;
    private long heldBytes;
    private long heldValues;

    private Lease(String caller) {
      this.caller = caller;
    }

    /**
     * Takes memory for more bytes.
     *
     * @throws Problem if others leave too little, or the request wants more than there is for all
     */
    void takeBytes(long more) {
      requirePossible(heldBytes + more);
      if (!bytes.takeMore(caller, heldBytes, more)) {
        throw refusal();
      }
      heldBytes += more;
    }

    /**
     * Takes memory for more bytes as soon as others leave it.
     *
     * @throws Problem if they do not in time, or the request wants more than there is for all
     */
    void awaitBytes(long more, Duration left) {
      requirePossible(heldBytes + more);
      try {
        if (!bytes.await(caller, heldBytes, more, left)) {
          throw refusal();
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw Problem.shuttingDown();
      }
      heldBytes += more;
    }

    /**
     * Takes memory for more values.
     *
     * @throws Problem if others leave too little, or the request wants more than there is for all
     */
    void takeValues(long more) {
      requirePossible(heldValues + more);
      if (!values.takeMore(caller, heldValues, more)) {
        throw refusal();
      }
      heldValues += more;
    }

    private void requirePossible(long wanted) {
      if (wanted > half) {
        refused.incrementAndGet();
        throw Problem.tooLarge(
            null,
            "The body and its values would take more memory than there is for those of all requests, "
                + half
                + " bytes each. Send less in a request; or give the server a larger heap, or "
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

    /** The bytes that all requests may hold. */
    long most() {
      return half;
    }

    /** The bytes that this request holds. */
    long bytes() {
      return heldBytes;
    }

    /** Gives back the bytes that are held beyond so many. */
    void keepBytes(long rest) {
      if (heldBytes > rest) {
        bytes.give(caller, heldBytes - rest);
        heldBytes = rest;
      }
    }

    /** Gives back what is held for values. */
    void giveValues() {
      if (heldValues > 0) {
        values.give(caller, heldValues);
        heldValues = 0;
      }
    }
  }
}
