package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import org.jspecify.annotations.Nullable;

/** A filter that cannot be understood. The message says what was expected and found, and where. */
public final class MetadataFilterException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  private final String where;
  private final String problem;

  MetadataFilterException(String where, String problem, @Nullable Exception cause) {
    super(requireNonNull(where, "where") + ": " + problem, cause);
    this.where = where;
    this.problem = problem;
  }

  /** {@return the part of the filter that is wrong, such as {@code filter.year}} */
  public String where() {
    return where;
  }

  /** {@return the message without the part's name} */
  public String problem() {
    return problem;
  }
}
