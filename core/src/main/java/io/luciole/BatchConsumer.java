package io.luciole;

/** A consumer of batches: what {@link BatchScheduler#take} must know of it while it waits. */
interface BatchConsumer {
  /** What the consumer can take now. Called under the scheduler's lock. */
  BatchScheduler.Limits limits();

  /** Whether {@code take} must return without a batch. Called under the scheduler's lock. */
  boolean stopped();
}
