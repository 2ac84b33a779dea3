package io.luciole.cli;

import java.util.Locale;

/**
 * A figure of a model that was compared with another.
 *
 * @param what what was compared
 * @param found what this model gives here
 * @param expected what it should give
 * @param allowed the largest difference at which both agree
 */
record Check(String what, double found, double expected, double allowed) {
  /** Whether both agree; what is not a number never does. */
  boolean agrees() {
    return difference() <= allowed;
  }

  double difference() {
    return Math.abs(found - expected);
  }

  /** One line of a table. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "  %-4s  %-44s  %10.6f  %10.6f  %8.1e  %8.1e",
        agrees() ? "ok" : "FAIL",
        what,
        found,
        expected,
        difference(),
        allowed);
  }

  /** The heading over lines of this form. */
  static String heading(String title) {
    return String.format(
        Locale.ROOT,
        "%-52s  %10s  %10s  %8s  %8s",
        title,
        "found",
        "expected",
        "off by",
        "allowed");
  }
}
