package io.luciole.spring.boot;

import io.luciole.lucene.HybridIndexer;
import org.springframework.context.SmartLifecycle;

/**
 * Commits when the application stops: after the web server's requests under way and the tasks of
 * Spring's executors have ended, whose phases are higher, and before any bean is closed. A context
 * that is started again goes on with the same index.
 */
final class IndexLifecycle implements SmartLifecycle {
  /** Below the phases of Spring's web servers, executors, schedulers and message listeners. */
  static final int PHASE = 0;

  private final HybridIndexer indexer;
  private volatile boolean running;

  IndexLifecycle(HybridIndexer indexer) {
    this.indexer = indexer;
  }

  @Override
  public void start() {
    running = true;
  }

  @Override
  public void stop() {
    running = false;
    indexer.commit();
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
