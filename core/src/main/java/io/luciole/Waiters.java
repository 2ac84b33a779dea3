package io.luciole;

import java.util.ArrayDeque;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Threads that wait under a lock. The last to come is woken first where that is asked for: where
 * little is to do, the same thread does it all, with its caches and its device's queue warm. All
 * methods are called by a thread that holds the lock.
 */
final class Waiters {
  private final ReentrantLock lock;
  private final boolean lastFirst;
  private final ArrayDeque<Condition> waiters = new ArrayDeque<>();

  Waiters(ReentrantLock lock, boolean lastFirst) {
    this.lock = lock;
    this.lastFirst = lastFirst;
  }

  /** Waits to be woken, for some nanoseconds at most; for as long as it takes if that is 0. */
  @SuppressWarnings("WaitNotInLoop") // the loop is the caller's
  void await(long nanos) throws InterruptedException {
    Condition own = lock.newCondition();
    waiters.addLast(own);
    try {
      if (nanos > 0) {
        @SuppressWarnings("unused") // callers look at the clock again
        long left = own.awaitNanos(nanos);
      } else {
        own.await();
      }
    } catch (InterruptedException e) {
      if (!waiters.contains(own)) {
        wakeOne(); // this thread was woken as well, and does nothing of it
      }
      throw e;
    } finally {
      waiters.remove(own);
    }
  }

  boolean isEmpty() {
    return waiters.isEmpty();
  }

  void wakeOne() {
    Condition next = lastFirst ? waiters.pollLast() : waiters.pollFirst();
    if (next != null) {
      next.signal();
    }
  }

  void wakeAll() {
    waiters.forEach(Condition::signal);
    waiters.clear();
  }
}
