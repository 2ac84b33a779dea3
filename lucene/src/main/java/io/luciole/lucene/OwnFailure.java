package io.luciole.lucene;

import java.io.IOException;
import java.io.UncheckedIOException;

/**
 * A failure of an application's own code within a change: of its query, or of its fields. It is the
 * caller's, whatever its kind, and leaves the writer as it was.
 */
final class OwnFailure extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final Throwable thrown;

  OwnFailure(Throwable thrown) {
    super(thrown);
    this.thrown = thrown;
  }

  /** What the application's code threw. */
  Throwable thrown() {
    return thrown;
  }

  /** The same, to be thrown from a method that throws nothing that is checked. */
  RuntimeException unchecked() {
    return switch (thrown) {
      case RuntimeException own -> own;
      case Error own -> throw own;
      case IOException own -> new UncheckedIOException(own);
      default -> this;
    };
  }
}
