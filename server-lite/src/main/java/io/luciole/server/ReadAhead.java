package io.luciole.server;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Reads a connection on a thread of its own, up to {@link #MOST} bytes ahead of whoever takes them.
 * So a read can be given up after a time, which a blocking read cannot without losing the
 * connection; somebody who does not read sees that the connection has ended; and a large body does
 * not cost a change of threads for every few kilobytes.
 *
 * <p>Invariant: at most one thread reads at a time, and bytes are taken in the order they came in,
 * each once. A read that nobody waits for any more goes on, and ends at the latest together with
 * its connection. Safe for use by many threads.
 */
final class ReadAhead {
  /** So many bytes may wait to be taken before reading pauses. */
  static final int MOST = 32 << 10;

  private final Supplier<byte @Nullable []> connection;
  private final Executor executor;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<byte[]> read = new ArrayDeque<>();

  @GuardedBy("lock")
  private int bytes;

  @GuardedBy("lock")
  private boolean reading;

  @GuardedBy("lock")
  private boolean ended;

  @GuardedBy("lock")
  private @Nullable RuntimeException failure;

  /**
   * Reads nothing yet.
   *
   * @param connection gives the next bytes, as soon as there are some, or null at the end
   * @param executor runs a task that blocks
   */
  ReadAhead(Supplier<byte @Nullable []> connection, Executor executor) {
    this.connection = connection;
    this.executor = executor;
  }

  /** Starts to read ahead, unless that is under way. */
  void start() {
    lock.lock();
    try {
      if (!reading && !ended && bytes < MOST) {
        executor.execute(this::read);
        reading = true;
      }
    } finally {
      lock.unlock();
    }
  }

  private void read() {
    boolean more = true;
    while (more) {
      byte[] next = null;
      RuntimeException failed = null;
      try {
        next = connection.get();
      } catch (RuntimeException e) {
        failed = e;
      } catch (Error e) {
        // Whoever waits for the bytes must not wait for ever.
        failed = new IllegalStateException("the connection cannot be read", e);
      }
      more = add(next, failed);
    }
  }

  private boolean add(byte @Nullable [] next, @Nullable RuntimeException failed) {
    lock.lock();
    try {
      if (next == null) {
        ended = true;
        failure = failure == null ? failed : failure;
      } else {
        read.add(next);
        bytes += next.length;
      }
      reading = !ended && bytes < MOST;
      changed.signal();
      return reading;
    } finally {
      lock.unlock();
    }
  }

  /**
   * The next bytes, which are waited for.
   *
   * @param nanos how long
   * @return the bytes, or null at the end of the connection
   * @throws TimeoutException if none have come; they are still read
   * @throws RuntimeException what the connection threw, or {@link #failIfAwaited} was given
   */
  byte @Nullable [] next(long nanos) throws TimeoutException, InterruptedException {
    lock.lock();
    try {
      for (long left = nanos; read.isEmpty(); left = changed.awaitNanos(left)) {
        if (failure != null) {
          throw failure;
        }
        if (ended) {
          return null;
        }
        if (left <= 0) {
          throw new TimeoutException();
        }
        start();
      }
      byte[] next = read.remove();
      bytes -= next.length;
      return next;
    } finally {
      lock.unlock();
    }
  }

  /** Whether the connection has ended and all of its bytes were taken, as far as was read. */
  boolean hasEnded() {
    lock.lock();
    try {
      return ended && read.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /** Ends the connection for whoever waits for it, if somebody does; the read goes on. */
  void failIfAwaited(RuntimeException reason) {
    lock.lock();
    try {
      if (lock.hasWaiters(changed) && read.isEmpty() && !ended) {
        ended = true;
        failure = reason;
        changed.signal();
      }
    } finally {
      lock.unlock();
    }
  }
}
