package io.luciole.spi;

import io.luciole.LucioleException;
import org.jspecify.annotations.Nullable;

/** A backend cannot be found, opened, or failed to run a batch. */
public class BackendException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message for people. */
  public BackendException(String message) {
    super(message);
  }

  /** Creates an exception with a message for people and the failure beneath it. */
  public BackendException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
