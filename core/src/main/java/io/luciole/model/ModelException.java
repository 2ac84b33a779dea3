package io.luciole.model;

import io.luciole.LucioleException;

/** A model cannot be found, read or used as it is. The message names the file and the remedy. */
public class ModelException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message for people. */
  public ModelException(String message) {
    super(message);
  }

  /** Creates an exception with a message for people and the failure beneath it. */
  public ModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
