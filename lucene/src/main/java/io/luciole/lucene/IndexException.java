package io.luciole.lucene;

import io.luciole.LucioleException;

/**
 * An index cannot be opened, written or searched: it is no index of Luciole, or damaged, or of
 * another model, or newer than this program, or its disk is full.
 */
public class IndexException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do
   */
  public IndexException(String message) {
    super(message);
  }

  /**
   * Creates an exception with the failure beneath it.
   *
   * @param message what was expected, what was found and what to do
   * @param cause the failure beneath it
   */
  public IndexException(String message, Throwable cause) {
    super(message, cause);
  }
}
