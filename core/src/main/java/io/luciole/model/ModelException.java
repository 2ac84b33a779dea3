package io.luciole.model;

import io.luciole.LucioleException;

/** A model cannot be found, read or used as it is. The message names the file and the remedy. */
public class ModelException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public ModelException(String message) {
    super(message);
  }

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   * @param cause the failure beneath it
   */
  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
