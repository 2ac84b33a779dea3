package io.luciole.cli.embed;

import static java.util.Objects.requireNonNull;

import com.fasterxml.jackson.core.io.JsonStringEncoder;

/**
 * The id of a text.
 *
 * @param value the string, or the digits of the number as they stood
 * @param isNumber whether it is a number, and is written without quotation marks in JSON
 */
public record TextId(String value, boolean isNumber) {
  /** Checks the components. */
  public TextId {
    requireNonNull(value, "value");
  }

  /** An id that is a string. */
  static TextId of(String value) {
    return new TextId(value, false);
  }

  /** An id that is the number of a line. */
  static TextId of(long line) {
    return new TextId(Long.toString(line), true);
  }

  /** The id as JSON. */
  String json() {
    return isNumber
        ? value
        : '"' + String.valueOf(JsonStringEncoder.getInstance().quoteAsString(value)) + '"';
  }
}
