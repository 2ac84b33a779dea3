package io.luciole.lucene;

import java.util.Locale;

/**
 * The type of a metadata field. Fields of every type can be filtered by, sorted by and counted into
 * facets.
 */
public enum MetadataType {
  /** A string, matched whole. */
  KEYWORD,
  /** A whole number. */
  LONG,
  /** A number. */
  DOUBLE,
  /**
   * A date {@code 2026-11-22}, which stands for its start in UTC, or an instant {@code
   * 2026-11-22T10:00:00Z}; kept as milliseconds since 1970.
   */
  DATE;

  /** {@return the name used in options and formats} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
