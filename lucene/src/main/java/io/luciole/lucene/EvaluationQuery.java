package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

/**
 * A query of a test collection.
 *
 * @param id what judgements know it by
 * @param text what is searched for
 */
public record EvaluationQuery(String id, String text) {
  /** Checks the components. */
  public EvaluationQuery {
    requireNonNull(id, "id");
    requireNonNull(text, "text");
  }
}
