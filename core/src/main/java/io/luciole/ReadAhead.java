package io.luciole;

import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.Executor;
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

  /** The monitor of all fields below. */
  private final Object lock = new Object();

  private final ArrayDeque<Item<T>> items = new ArrayDeque<>();
  private boolean reading;
  private boolean ended;

  /** What the source threw; it comes after the items before it. */
  private @Nullable Throwable failure;

  private record Item<T>(@Nullable T value) {}

  ReadAhead(Iterator<? extends T> source, Executor executor) {
    this.source = source;
    this.executor = executor;
  }

  /** Whether {@link #hasNext} answers at once. */
  boolean isReady() {
    synchronized (lock) {
      read();
      return !items.isEmpty() || ended;
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
    synchronized (lock) {
      read();
      while (items.isEmpty() && !ended) {
        try {
          lock.wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw EmbeddingStream.interrupted();
        }
      }
      if (items.isEmpty() && failure != null) {
        throw taken(failure);
      }
      return !items.isEmpty();
    }
  }

  private RuntimeException taken(Throwable thrown) {
    failure = null;
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
    synchronized (lock) {
      return items.remove().value();
    }
  }

  /** Starts a task if there is room and none reads. The lock must be held. */
  private void read() {
    if (reading || ended || items.size() > MOST_ITEMS / 2) {
      return;
    }
    reading = true;
    try {
      executor.execute(this::readWhileRoom);
    } catch (RuntimeException e) {
      end(e);
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
    synchronized (lock) {
      items.add(new Item<>(value));
      lock.notifyAll();
      reading = items.size() < MOST_ITEMS;
      return reading;
    }
  }

  private void end(@Nullable Throwable thrown) {
    synchronized (lock) {
      failure = thrown;
      ended = true;
      reading = false;
      lock.notifyAll();
    }
  }
}
