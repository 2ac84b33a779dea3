package io.luciole.lucene;

import java.time.Duration;
import java.util.List;

/**
 * What an indexing run did.
 *
 * @param added documents whose id was new
 * @param updated documents that replaced one of the same id, in the index or earlier in the source
 * @param failed documents that could not be read, embedded or written
 * @param skipped documents passed over because an earlier, interrupted run had committed them
 * @param truncated documents longer than the model's limit, whose end the vectors do not know
 * @param tokens tokens embedded
 * @param elapsed time from the first document read to the commit
 * @param engineIdle the part of it in which the engine had no text to work on
 * @param writersIdle the part of it in which the writers had no document to write, averaged over
 *     them
 * @param failures what failed, the first {@value #MAX_FAILURES}
 */
public record IndexingReport(
    long added,
    long updated,
    long failed,
    long skipped,
    long truncated,
    long tokens,
    Duration elapsed,
    Duration engineIdle,
    Duration writersIdle,
    List<Failure> failures) {
  /** The most failures a report names. */
  public static final int MAX_FAILURES = 100;

  /**
   * A document that failed.
   *
   * @param id its id, or what the source calls it where it has none
   * @param reason what was wrong
   */
  public record Failure(String id, String reason) {}

  /** The share of the time in which the engine waited for the index, from 0 to 1. */
  public double engineIdleShare() {
    return share(engineIdle);
  }

  /** The share of the time in which the writers waited for the engine, from 0 to 1. */
  public double writersIdleShare() {
    return share(writersIdle);
  }

  private double share(Duration part) {
    return elapsed.isZero() ? 0 : Math.min(1, (double) part.toNanos() / elapsed.toNanos());
  }

  /** Copies the list. */
  public IndexingReport {
    failures = List.copyOf(failures);
  }
}
