package io.luciole.lucene;

import io.luciole.LucioleException;

/**
 * An index cannot be opened, written or searched: it is none, or damaged, or another model's, or
 * newer than this program; or its disk is full.
 */
public class IndexException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message for people. */
  public IndexException(String message) {
    super(message);
  }

  /** Creates an exception with a message for people and the failure beneath it. */
  public IndexException(String message, Throwable cause) {
    super(message, cause);
  }
}
