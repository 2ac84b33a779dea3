package io.luciole.lucene;

import java.time.Duration;
import java.util.List;

/**
 * What an indexing run did.
 *
 * @param added documents whose id was new
 * @param updated documents that replaced one with the same id, in the index or earlier in the
 *     source
 * @param failed documents that could not be read, embedded or written
 * @param skipped documents that an earlier, interrupted run had committed
 * @param truncated texts that were longer than the model's limit, so that the vectors do not cover
 *     their ends
 * @param tokens tokens embedded
 * @param elapsed the time from the first document read to the commit
 * @param engineIdle the part of it in which the engine had no text to embed
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
  public record Failure(String id, String reason) {
    /** {@return id and reason for people; of a long id the beginning} */
    @Override
    public String toString() {
      return IndexProblems.brief(id) + ": " + reason;
    }
  }

  /** {@return the share of the time in which the engine had no text to embed, from 0 to 1} */
  public double engineIdleShare() {
    return share(engineIdle);
  }

  /** {@return the share of the time in which the writers had no document to write, from 0 to 1} */
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
