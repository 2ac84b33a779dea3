package io.luciole;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A fair semaphore that bounds the waiting texts and tokens of one lane: one permit for each token,
 * at least one a text, and a number of texts that hold permits. Callers that wait are served in the
 * order of their arrival. A text with more tokens than the whole limit gets its permits when no
 * others are held.
 */
final class TokenPermits {
  static final long FOREVER = TimeUnit.DAYS.toNanos(365);

  private final long limit;
  private final long textLimit;
  private final ReentrantLock lock = new ReentrantLock();

  /** One condition for each waiting caller, in the order of arrival. */
  @GuardedBy("lock")
  private final ArrayDeque<Condition> queue = new ArrayDeque<>();

  @GuardedBy("lock")
  private long held;

  @GuardedBy("lock")
  private long texts;

  @GuardedBy("lock")
  private boolean closed;

  /**
   * Begins with all permits free.
   *
   * @param limit the largest number of tokens
   * @param textLimit the largest number of texts
   */
  TokenPermits(long limit, long textLimit) {
    this.limit = limit;
    this.textLimit = textLimit;
  }

  /** Takes permits for a text if enough are free and no caller waits for some. */
  boolean tryAcquire(int tokens) {
    lock.lock();
    try {
      if (closed || !queue.isEmpty() || !fits(tokens)) {
        return false;
      }
      take(tokens);
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for the permits of a text and takes them.
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
        take(tokens);
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
    return held == 0 || (held + tokens <= limit && texts < textLimit);
  }

  @GuardedBy("lock")
  private void take(int tokens) {
    held += tokens;
    texts++;
  }

  @GuardedBy("lock")
  private void wakeNext() {
    Condition next = queue.peekFirst();
    if (next != null && (closed || (held < limit && texts < textLimit))) {
      next.signal();
    }
  }

  /**
   * Returns permits; a negative number takes some, even if they are not free.
   *
   * @param ended the number of texts that hold none any more
   */
  void release(int tokens, int ended) {
    lock.lock();
    try {
      held -= tokens;
      texts -= ended;
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
