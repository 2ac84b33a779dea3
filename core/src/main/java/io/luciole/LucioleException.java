package io.luciole;

import org.jspecify.annotations.Nullable;

/**
 * The base of every exception that Luciole throws for a cause outside the calling code: a file, a
 * device, a library, a full queue. Wrong arguments are {@link IllegalArgumentException}s.
 *
 * <p>Messages say what was expected, what was found and what to do next; they are meant for people.
 */
public class LucioleException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public LucioleException(String message) {
    super(message);
  }

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   * @param cause the failure beneath it, or null as for {@link Throwable#getCause}
   */
  public LucioleException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
