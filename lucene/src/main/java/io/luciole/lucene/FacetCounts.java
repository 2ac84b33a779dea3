package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * The answer to a {@link Facet}: counts over all documents that match the query's filter, whatever
 * its words are.
 *
 * @param field the field's name
 * @param values the values of most documents, those of equal counts in ascending order; or the
 *     ranges in the order of the question
 * @param documents the number of documents that have any value of the field
 * @param distinct the number of different values; for ranges, the number of ranges
 */
public record FacetCounts(String field, List<Value> values, long documents, long distinct) {
  /** Copies the values. */
  public FacetCounts {
    requireNonNull(field, "field");
    values = List.copyOf(values);
  }

  /**
   * The number of documents with a value. A document with several values counts for each of them
   * once.
   *
   * @param value a {@code String} (a date as an instant in UTC, {@code 2026-11-22T00:00:00Z}),
   *     {@code Long}, {@code Double} or {@code Boolean}; of a range its {@link MetadataBounds}
   * @param count the number of documents
   */
  public record Value(Object value, long count) {
    /** Checks the components. */
    public Value {
      requireNonNull(value, "value");
    }
  }
}
