package io.luciole.spi;

import io.luciole.LucioleException;
import org.jspecify.annotations.Nullable;

/** A backend cannot be found, opened, or failed to run a batch. */
public class BackendException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public BackendException(String message) {
    super(message);
  }

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   * @param cause the failure beneath it, or null as for {@link Throwable#getCause}
   */
  public BackendException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
