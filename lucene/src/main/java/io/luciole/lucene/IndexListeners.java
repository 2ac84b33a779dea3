package io.luciole.lucene;

import io.luciole.internal.Listeners;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

/** Tells the listeners of an index. Safe for use by many threads. */
final class IndexListeners {
  private final Listeners<IndexListener> listeners = new Listeners<>(List.of());

  void add(IndexListener listener) {
    listeners.add(listener);
  }

  /** Tells of a search's results, at least one, and gives them back. */
  List<SearchResult> searched(List<SearchResult> results) {
    listeners.tell(listener -> listener.onSearch(results.get(0)));
    return results;
  }

  /** Tells of a document once it is written or has failed. */
  void put(CompletableFuture<Boolean> document) {
    if (listeners.isEmpty()) {
      return;
    }
    long start = System.nanoTime();
    CompletableFuture<?> unused =
        document.whenComplete((replaced, failed) -> {
          Optional<Throwable> failure = Optional.ofNullable(failed).map(IndexListeners::cause);
          listeners.tell(listener -> listener.onDocument(since(start), failure));
        });
  }

  /** Tells of a commit that began at a time of {@link System#nanoTime}. */
  void committed(long start) {
    listeners.tell(listener -> listener.onCommit(since(start)));
  }

  /** Tells that an indexer can no longer write. */
  void failed(IndexException reason, long lost) {
    listeners.tell(listener -> listener.onFailure(reason, lost));
  }

  /** What made a future fail, without the futures that it passed through. */
  private static Throwable cause(Throwable failed) {
    Throwable cause = failed;
    while (cause instanceof CompletionException && cause.getCause() != null) {
      cause = cause.getCause();
    }
    return cause;
  }

  private static Duration since(long start) {
    return Duration.ofNanos(System.nanoTime() - start);
  }
}
