package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.internal.EnumNames;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeFormatterBuilder;
import java.time.format.ResolverStyle;
import java.time.temporal.TemporalAccessor;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The type of a metadata field that the schema declares ({@link HybridSchema#metadata}). Fields of
 * every type can be filtered by and have doc values, to sort and count by. In fields of the types
 * that are not {@link #KEYWORD} a blank string stands for nothing, as null does.
 */
public enum MetadataType {
  /** A string, matched whole; numbers and booleans become their text. */
  KEYWORD,
  /** A whole number of 64 bits; 2000.0 is one, and so is a string that spells one. */
  LONG,
  /** A number, or a string that spells one; kept as a 64-bit float. */
  DOUBLE,
  /** True or false, or a string that is {@code true} or {@code false}. */
  BOOLEAN,
  /**
   * A date or instant as {@link #parseDate} reads it, or a whole number of milliseconds since
   * 1970-01-01T00:00Z; kept as such milliseconds. The same instant is the same value however it is
   * written.
   */
  DATE;

  private static final Pattern DATE_SPACE_TIME = Pattern.compile("^([-+0-9]+) (?=[0-9])");

  private static final DateTimeFormatter DATE_AND_TIME =
      new DateTimeFormatterBuilder()
          .parseCaseInsensitive()
          .append(DateTimeFormatter.ISO_LOCAL_DATE)
          .optionalStart()
          .appendLiteral('T')
          .append(DateTimeFormatter.ISO_LOCAL_TIME)
          .optionalStart()
          .appendOffsetId()
          .optionalEnd()
          .optionalEnd()
          .toFormatter(Locale.ROOT)
          .withResolverStyle(ResolverStyle.STRICT);

  /**
   * Reads a date as {@link #DATE} has it.
   *
   * @param text a date {@code 2026-11-22}, which stands for its start in UTC; a date and time
   *     {@code 2026-11-22T10:00:00} or {@code 2026-11-22 10:00:00}, in UTC; or an instant {@code
   *     2026-11-22T10:00:00Z}, {@code 2026-11-22T11:00:00+01:00}
   * @return milliseconds since 1970-01-01T00:00Z; fractions of them are cut off
   * @throws DateTimeException if the text is none of these
   * @throws ArithmeticException if the instant is too far away for a number of milliseconds
   */
  public static long parseDate(String text) {
    return instant(text).toEpochMilli();
  }

  private static Instant instant(String text) {
    TemporalAccessor parsed =
        DATE_AND_TIME.parseBest(
            DATE_SPACE_TIME.matcher(text).replaceFirst("$1T"),
            OffsetDateTime::from,
            LocalDateTime::from,
            LocalDate::from);
    return switch (parsed) {
      case OffsetDateTime t -> t.toInstant();
      case LocalDateTime t -> t.toInstant(ZoneOffset.UTC);
      default -> LocalDate.from(parsed).atStartOfDay(ZoneOffset.UTC).toInstant();
    };
  }

  /**
   * Finds a type by its name.
   *
   * @param name as {@link #id} gives it, in any case
   * @return the type
   * @throws IllegalArgumentException if there is none such; the message lists those there are
   */
  public static MetadataType parse(String name) {
    return EnumNames.parse(values(), MetadataType::id, requireNonNull(name, "name"));
  }

  /** {@return the name used in options and formats} */
  public String id() {
    return name().toLowerCase(Locale.ROOT);
  }
}
