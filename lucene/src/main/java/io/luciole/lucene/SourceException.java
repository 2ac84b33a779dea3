package io.luciole.lucene;

import io.luciole.LucioleException;
import org.jspecify.annotations.Nullable;

/** A document, query or judgement cannot be read; the message names the file and the line. */
public final class SourceException extends LucioleException {
  private static final long serialVersionUID = 1L;

  private final boolean canContinue;

  /**
   * Creates an exception.
   *
   * @param canContinue whether what comes after can still be read
   */
  public SourceException(String message, boolean canContinue, @Nullable Throwable cause) {
    super(message);
    this.canContinue = canContinue;
    if (cause != null) {
      initCause(cause);
    }
  }

  /** Whether the source can go on with what comes after the thing that could not be read. */
  public boolean canContinue() {
    return canContinue;
  }
}
