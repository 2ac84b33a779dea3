package io.luciole.lucene;

import java.io.Closeable;
import java.util.concurrent.Executor;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jspecify.annotations.Nullable;

/**
 * The threads that searches run on: the application's, or one of our own for each processor.
 *
 * @param executor where tasks go
 * @param owned the same if it is ours to close, else null
 */
record SearchThreads(Executor executor, @Nullable ExecutorService owned) implements Closeable {
  static SearchThreads ofApplication(Executor executor) {
    return new SearchThreads(executor, null);
  }

  static SearchThreads own() {
    ExecutorService threads =
        Executors.newFixedThreadPool(
            Runtime.getRuntime().availableProcessors(),
            Thread.ofPlatform().name("luciole-search-", 0).daemon().factory());
    return new SearchThreads(threads, threads);
  }

  /** Ends our own threads when what they do is done. */
  @Override
  public void close() {
    if (owned != null) {
      owned.close();
    }
  }
}
