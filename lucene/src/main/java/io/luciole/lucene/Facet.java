package io.luciole.lucene;

import java.util.List;

/**
 * A question for counts: of which values of a declared metadata field there are how many documents.
 *
 * @param field the field's name, one of {@link HybridSchema#metadata}
 * @param top how many values are wanted, those of most documents, at least 1; not used with ranges
 * @param ranges the ranges to count documents in; without any, single values are counted
 */
public record Facet(String field, int top, List<MetadataBounds> ranges) {
  /** How many values are counted if nothing is said. */
  public static final int DEFAULT_TOP = 10;

  /** Checks the components. */
  public Facet {
    MetadataValues.requireName(field);
    if (top < 1) {
      throw new IllegalArgumentException("top must be at least 1, got " + top);
    }
    ranges = List.copyOf(ranges);
  }

  /**
   * Asks for the ten values of most documents.
   *
   * @param field the field's name
   * @return the question
   */
  public static Facet of(String field) {
    return of(field, DEFAULT_TOP);
  }

  /**
   * Asks for the values of most documents.
   *
   * @param field the field's name
   * @param top how many values, at least 1
   * @return the question
   */
  public static Facet of(String field, int top) {
    return new Facet(field, top, List.of());
  }

  /**
   * Asks for the number of documents in each of some ranges.
   *
   * @param field the name of a field of numbers or dates
   * @param ranges the ranges; they may overlap
   * @return the question
   */
  public static Facet ranges(String field, List<MetadataBounds> ranges) {
    return new Facet(field, DEFAULT_TOP, ranges);
  }
}
