package io.luciole;

import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The bound on the tokens of one lane that wait. Those who wait for room get it in the order in
 * which they came. A text that is larger than the whole bound is let in when nothing else waits.
 */
final class TokenGate {
  private final long limit;
  private final ReentrantLock lock = new ReentrantLock();
  private final ArrayDeque<Condition> queue = new ArrayDeque<>();
  private long held;
  private boolean closed;

  TokenGate(long limit) {
    this.limit = limit;
  }

  /** Takes room if there is some and nobody waits for it. */
  boolean tryAcquire(int tokens) {
    lock.lock();
    try {
      if (closed || !queue.isEmpty() || !fits(tokens)) {
        return false;
      }
      held += tokens;
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for room and takes it.
   *
   * @param nanos how long to wait at most
   * @return false if there was none in time, or the gate is closed
   */
  boolean acquire(int tokens, long nanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      Condition turn = null;
      long left = nanos;
      try {
        while (!closed && !(isNext(turn) && fits(tokens))) {
          if (left <= 0) {
            return false;
          }
          if (turn == null) {
            turn = lock.newCondition();
            queue.addLast(turn);
          }
          left = turn.awaitNanos(left);
        }
        if (closed) {
          return false;
        }
        held += tokens;
        return true;
      } finally {
        if (turn != null) {
          queue.remove(turn);
        }
        wakeNext();
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean isNext(@Nullable Condition turn) {
    return Objects.equals(queue.peekFirst(), turn);
  }

  private boolean fits(int tokens) {
    return held == 0 || held + tokens <= limit;
  }

  private void wakeNext() {
    Condition next = queue.peekFirst();
    if (next != null && (closed || held < limit)) {
      next.signal();
    }
  }

  /** Gives room back, or with a negative number takes some whether or not there is any. */
  void release(int tokens) {
    lock.lock();
    try {
      held -= tokens;
      wakeNext();
    } finally {
      lock.unlock();
    }
  }

  long held() {
    lock.lock();
    try {
      return held;
    } finally {
      lock.unlock();
    }
  }

  /** Sends away those who wait. */
  void close() {
    lock.lock();
    try {
      closed = true;
      queue.forEach(Condition::signal);
    } finally {
      lock.unlock();
    }
  }

  static final long FOREVER = TimeUnit.DAYS.toNanos(365);
}
