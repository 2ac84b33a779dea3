package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Tells listeners; costs one volatile read where there is none. Safe for use by many threads. */
final class IndexListeners {
  private static final Logger log = LoggerFactory.getLogger(IndexListeners.class);

  private final List<IndexListener> listeners = new CopyOnWriteArrayList<>();

  /** The listeners that have failed once. */
  private final Set<IndexListener> failing =
      Collections.synchronizedSet(Collections.newSetFromMap(new IdentityHashMap<>()));

  void add(IndexListener listener) {
    listeners.add(requireNonNull(listener, "listener"));
  }

  /** Tells of a search's results, at least one, and gives them back. */
  List<SearchResult> searched(List<SearchResult> results) {
    tell(listener -> listener.onSearch(results.get(0)));
    return results;
  }

  /** Tells of a document once it is written or has failed. */
  void put(CompletableFuture<Boolean> document) {
    if (listeners.isEmpty()) {
      return;
    }
    long start = System.nanoTime();
    CompletableFuture<?> unused =
        document.whenComplete((replaced, failed) ->
            tell(listener -> listener.onDocument(since(start), failed == null)));
  }

  /** Tells of a commit that began at a time of {@link System#nanoTime}. */
  void committed(long start) {
    tell(listener -> listener.onCommit(since(start)));
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }

  private void tell(Consumer<IndexListener> event) {
    for (IndexListener listener : listeners) {
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
