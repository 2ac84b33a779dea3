package io.luciole.lucene;

import io.luciole.LucioleException;

/** A document, query or judgement cannot be read; the message names the file and the line. */
public final class SourceException extends LucioleException {
  private static final long serialVersionUID = 1L;

  private final boolean canContinue;

  /**
   * Creates an exception.
   *
   * @param message what was expected and what was found, with the file and the line
   * @param canContinue whether what comes after can still be read
   */
  public SourceException(String message, boolean canContinue) {
    super(message);
    this.canContinue = canContinue;
  }

  /**
   * Creates an exception with the failure beneath it.
   *
   * @param message what was expected and what was found, with the file and the line
   * @param canContinue whether what comes after can still be read
   * @param cause the failure beneath it
   */
  public SourceException(String message, boolean canContinue, Throwable cause) {
    super(message, cause);
    this.canContinue = canContinue;
  }

  /**
   * Tells whether the source can go on.
   *
   * @return whether the next call of {@link DocumentSource#next} gives the document after the one
   *     that could not be read
   */
  public boolean canContinue() {
    return canContinue;
  }
}
