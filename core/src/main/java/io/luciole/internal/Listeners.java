package io.luciole.internal;

import static java.util.Objects.requireNonNull;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listeners of an application. What they throw goes to the log and nowhere else. Safe for use by
 * many threads; where there is no listener, telling costs one volatile read.
 *
 * @param <L> the type of the listeners
 */
public final class Listeners<L> {
  private static final Logger log = LoggerFactory.getLogger(Listeners.class);

  private final List<L> listeners;

  /** The listeners that have failed once. */
  private final Set<L> failing =
      Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));

  /**
   * Creates a collection.
   *
   * @param listeners the first listeners
   */
  public Listeners(List<L> listeners) {
    this.listeners = new CopyOnWriteArrayList<>(listeners);
  }

  /**
   * Adds a listener.
   *
   * @param listener is told of what happens from now on
   */
  public void add(L listener) {
    listeners.add(requireNonNull(listener, "listener"));
  }

  /** {@return whether nobody listens} */
  public boolean isEmpty() {
    return listeners.isEmpty();
  }

  /**
   * Tells each listener of an event.
   *
   * @param event calls a listener's method
   */
  public void tell(Consumer<L> event) {
    for (L listener : listeners) {
      try {
        event.accept(listener);
      } catch (Throwable t) {
        if (failing.add(listener)) {
          log.warn(
              "A listener failed (its later failures are logged as debug): {}", t.toString(), t);
        } else {
          log.debug("A listener failed: {}", t.toString(), t);
        }
      }
    }
  }
}
