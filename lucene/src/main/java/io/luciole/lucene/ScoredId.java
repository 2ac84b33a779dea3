package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

/**
 * A document's id with a score.
 *
 * @param id the document's id
 * @param score its score; larger is better
 */
public record ScoredId(String id, double score) {
  /** Checks the components. */
  public ScoredId {
    requireNonNull(id, "id");
  }
}
