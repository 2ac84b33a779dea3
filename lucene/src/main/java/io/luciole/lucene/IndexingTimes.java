package io.luciole.lucene;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import java.util.concurrent.atomic.LongAdder;

/**
 * Measures how long the engine and the writers of an indexing run have nothing to do. Times are in
 * nanoseconds. Safe for use by many threads.
 */
final class IndexingTimes {
  private final long start = System.nanoTime();
  private final LongAdder writing = new LongAdder();

  @GuardedBy("this")
  private int embedding;

  @GuardedBy("this")
  private long idleSince = start;

  @GuardedBy("this")
  private long engineIdle;

  /** To be called when a text goes to the engine. */
  synchronized void embeddingStarts() {
    if (embedding++ == 0) {
      engineIdle += System.nanoTime() - idleSince;
    }
  }

  /** To be called when a text comes back from the engine. */
  synchronized void embeddingEnds() {
    if (--embedding == 0) {
      idleSince = System.nanoTime();
    }
  }

  /** To be called when a thread has spent some time writing. */
  void wrote(long nanos) {
    writing.add(nanos);
  }

  /** The time since the start. */
  long elapsed() {
    return System.nanoTime() - start;
  }

  /** The time in which the engine had no text to embed. */
  synchronized long engineIdle() {
    return engineIdle + (embedding == 0 ? System.nanoTime() - idleSince : 0);
  }

  /** The time spent writing, summed over threads. */
  long writing() {
    return writing.sum();
  }
}
