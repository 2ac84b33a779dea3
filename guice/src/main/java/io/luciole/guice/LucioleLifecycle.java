package io.luciole.guice;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.ArrayDeque;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * Closes what a {@link LucioleModule} has opened: the searcher, then the indexer, which commits,
 * then the engine, which ends what is under way. Guice closes nothing itself, so the application
 * calls this where it ends:
 *
 * <pre>{@code
 * injector.getInstance(LucioleLifecycle.class).close();
 * }</pre>
 *
 * <p>Where there may be no injector to ask, the application makes it, and gives it to {@link
 * LucioleModule#withLifecycle}.
 *
 * <p>Safe for use by many threads.
 */
public final class LucioleLifecycle implements AutoCloseable {
  @GuardedBy("this")
  private final Deque<AutoCloseable> opened = new ArrayDeque<>();

  /** Whether all is opened while the injector is made, so that there is none if that fails. */
  @GuardedBy("this")
  private boolean atTheStart;

  @GuardedBy("this")
  private boolean closed;

  /** Why there will be no injector; null if that is not so. */
  @GuardedBy("this")
  private @Nullable RuntimeException failure;

  /** Creates one that has nothing to close yet, for one injector. */
  public LucioleLifecycle() {}

  /** Says that all is opened while the injector is made. */
  synchronized void opensAtTheStart() {
    atTheStart = true;
  }

  /**
   * Opens something that is closed before everything that was opened earlier. If that fails at the
   * start, what was opened earlier is closed, and whatever Guice still tries fails alike.
   */
  synchronized <T extends AutoCloseable> T open(Opening<T> opening) {
    if (failure != null) {
      throw failure;
    }
    if (closed) {
      throw new IllegalStateException(
          "Luciole is closed; make another injector, with a LucioleLifecycle of its own");
    }
    try {
      T resource = opening.open();
      opened.push(resource);
      return resource;
    } catch (RuntimeException | Error e) {
      if (atTheStart) {
        failure = e instanceof RuntimeException r ? r : new IllegalStateException(e);
        try {
          close();
        } catch (RuntimeException closing) {
          e.addSuppressed(closing);
        }
      }
      throw e;
    }
  }

  /** Opens a resource. */
  interface Opening<T> {
    T open();
  }

  /**
   * Closes everything that was opened, the newest first, even if closing one of them fails. Nothing
   * can be opened afterwards. A second call does nothing.
   *
   * @throws RuntimeException the first failure, with the others suppressed
   */
  @Override
  public synchronized void close() {
    closed = true;
    RuntimeException first = null;
    while (!opened.isEmpty()) {
      try {
        opened.pop().close();
      } catch (Exception e) {
        RuntimeException failure =
            e instanceof RuntimeException r ? r : new IllegalStateException(e);
        if (first == null) {
          first = failure;
        } else {
          first.addSuppressed(failure);
        }
      }
    }
    if (first != null) {
      throw first;
    }
  }
}
