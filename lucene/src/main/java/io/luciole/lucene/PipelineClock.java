package io.luciole.lucene;

import java.util.concurrent.atomic.LongAdder;

/** Measures who waits for whom. Safe for use by many threads. */
final class PipelineClock {
  private final long start = System.nanoTime();
  private final LongAdder writing = new LongAdder();
  private int embedding;
  private long idleSince = start;
  private long engineIdle;

  /** A text goes to the engine. */
  synchronized void embeddingStarts() {
    if (embedding++ == 0) {
      engineIdle += System.nanoTime() - idleSince;
    }
  }

  /** A text comes back from the engine. */
  synchronized void embeddingEnds() {
    if (--embedding == 0) {
      idleSince = System.nanoTime();
    }
  }

  /** A thread has spent this long writing. */
  void wrote(long nanos) {
    writing.add(nanos);
  }

  /** Time since the start. */
  long elapsed() {
    return System.nanoTime() - start;
  }

  /** Time in which the engine had nothing to do. */
  synchronized long engineIdle() {
    return engineIdle + (embedding == 0 ? System.nanoTime() - idleSince : 0);
  }

  /** Time spent writing, summed over threads. */
  long writing() {
    return writing.sum();
  }
}
