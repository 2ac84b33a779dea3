package io.luciole;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.Executor;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Reads a source on other threads, a few items ahead, so that one can ask whether an item is there
 * without waiting for the source. One task at a time reads; it ends when enough items are there,
 * and another begins when there is room again, so that nothing is left behind if the reader of this
 * iterator stops early. Items may be null.
 *
 * @param <T> the type of the items
 */
final class ReadAhead<T> implements Iterator<T> {
  private static final int MOST_ITEMS = 1024;

  private final Iterator<? extends T> source;
  private final Executor executor;

  /** No monitor: a virtual thread that waits in one keeps its carrier before JDK 24. */
  private final ReentrantLock lock = new ReentrantLock();

  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final ArrayDeque<Item<T>> items = new ArrayDeque<>();

  @GuardedBy("lock")
  private boolean reading;

  @GuardedBy("lock")
  private boolean ended;

  /** What the source threw; it comes after the items before it. */
  @GuardedBy("lock")
  private @Nullable Throwable failure;

  private record Item<T>(@Nullable T value) {}

  ReadAhead(Iterator<? extends T> source, Executor executor) {
    this.source = source;
    this.executor = executor;
  }

  /** Whether {@link #hasNext} answers at once. */
  boolean isReady() {
    lock.lock();
    try {
      read();
      return !items.isEmpty() || ended;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for an item, or for the end of the source.
   *
   * @throws EmbeddingInterruptedException if the thread is interrupted meanwhile; its interrupt
   *     flag stays set
   */
  @Override
  public boolean hasNext() {
    lock.lock();
    try {
      read();
      while (items.isEmpty() && !ended) {
        try {
          changed.await();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw EmbeddingStream.interrupted();
        }
      }
      Throwable thrown = failure;
      if (items.isEmpty() && thrown != null) {
        failure = null;
        throw unchecked(thrown);
      }
      return !items.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  private static RuntimeException unchecked(Throwable thrown) {
    if (thrown instanceof Error error) {
      throw error;
    }
    return thrown instanceof RuntimeException known
        ? known
        : new LucioleException("The source failed: " + thrown, thrown);
  }

  @Override
  @SuppressWarnings("NullAway") // The source's own nulls are handed on.
  public T next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    lock.lock();
    try {
      return items.remove().value();
    } finally {
      lock.unlock();
    }
  }

  /** Starts a task if there is room and none reads. */
  @GuardedBy("lock")
  private void read() {
    if (reading || ended || items.size() > MOST_ITEMS / 2) {
      return;
    }
    reading = true;
    try {
      executor.execute(this::readWhileRoom);
    } catch (Throwable e) {
      end(e); // also an Error, such as where there are no more threads: nobody reads any more
    }
  }

  private void readWhileRoom() {
    try {
      do {
        if (!source.hasNext()) {
          end(null);
          return;
        }
      } while (add(source.next()));
    } catch (Throwable e) {
      end(e);
    }
  }

  /** Adds an item; false if that was the last for which there is room. */
  private boolean add(@Nullable T value) {
    lock.lock();
    try {
      items.add(new Item<>(value));
      changed.signalAll();
      reading = items.size() < MOST_ITEMS;
      return reading;
    } finally {
      lock.unlock();
    }
  }

  private void end(@Nullable Throwable thrown) {
    lock.lock();
    try {
      failure = thrown;
      ended = true;
      reading = false;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
