package io.luciole.lucene;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
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

  /**
   * Reads a date as {@link #DATE} has it.
   *
   * @param text a date {@code 2026-11-22} or an instant {@code 2026-11-22T10:00:00Z}
   * @return milliseconds since 1970-01-01T00:00Z
   * @throws DateTimeException if the text is neither
   * @throws ArithmeticException if the instant is too far away for a number of milliseconds
   */
  public static long parseDate(String text) {
    return text.indexOf('T') < 0
        ? LocalDate.parse(text).atStartOfDay(ZoneOffset.UTC).toInstant().toEpochMilli()
        : Instant.parse(text).toEpochMilli();
  }

  /** {@return the name used in options and formats} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
