package io.luciole;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fair semaphore that bounds the waiting tokens of one lane, one permit for each token. Callers
 * that wait are served in the order of their arrival. A text with more tokens than the whole limit
 * gets its permits when no others are held.
 */
final class TokenPermits {
  static final long FOREVER = TimeUnit.DAYS.toNanos(365);

  private final long limit;
  private final ReentrantLock lock = new ReentrantLock();

  /** One condition for each waiting caller, in the order of arrival. */
  @GuardedBy("lock")
  private final ArrayDeque<Condition> queue = new ArrayDeque<>();

  @GuardedBy("lock")
  private long held;

  @GuardedBy("lock")
  private boolean closed;

  TokenPermits(long limit) {
    this.limit = limit;
  }

  /** Takes permits if enough are free and no caller waits for some. */
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
   * Waits for permits and takes them.
   *
   * @param nanos the longest time to wait
   * @return false if there were not enough in time, or if the permits were closed
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

  @GuardedBy("lock")
  private boolean isNext(@Nullable Condition turn) {
    return Objects.equals(queue.peekFirst(), turn);
  }

  @GuardedBy("lock")
  private boolean fits(int tokens) {
    return held == 0 || held + tokens <= limit;
  }

  @GuardedBy("lock")
  private void wakeNext() {
    Condition next = queue.peekFirst();
    if (next != null && (closed || held < limit)) {
      next.signal();
    }
  }

  /** Returns permits; a negative number takes some, even if they are not free. */
  void release(int tokens) {
    lock.lock();
    try {
      held -= tokens;
      wakeNext();
    } finally {
      lock.unlock();
    }
  }

  /** The number of permits that are taken. */
  long held() {
    lock.lock();
    try {
      return held;
    } finally {
      lock.unlock();
    }
  }

  /** Fails all waiting callers, and every later one. */
  void close() {
    lock.lock();
    try {
      closed = true;
      queue.forEach(Condition::signal);
    } finally {
      lock.unlock();
    }
  }
}
