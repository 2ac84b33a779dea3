package io.luciole.spring.boot;

import io.luciole.lucene.HybridIndexer;
import java.util.List;
import org.springframework.context.SmartLifecycle;

/**
 * Commits every index when the application stops: after the web server's requests under way and the
 * tasks of Spring's executors have ended, whose phases are higher, and before any bean is closed. A
 * context that is started again goes on with the same indexes.
 *
 * <p>Where the {@code WriteOptions} say that the end does not commit, it is given no index: each
 * indexer then does what its own options say when it is closed.
 */
final class IndexLifecycle implements SmartLifecycle {
  /** Below the phases of Spring's web servers, executors, schedulers and message listeners. */
  static final int PHASE = 0;

  private final List<HybridIndexer> indexers;
  private volatile boolean running;

  IndexLifecycle(List<HybridIndexer> indexers) {
    this.indexers = List.copyOf(indexers);
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop() {
    running = false;
    RuntimeException failure = null;
    for (HybridIndexer indexer : indexers) {
      try {
        indexer.commit();
      } catch (RuntimeException e) {
        if (failure == null) {
          failure = e;
        } else {
          failure.addSuppressed(e);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  @Override
  public int getPhase() {
    return PHASE;
  }
}
