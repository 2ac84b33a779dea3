package io.luciole;

/** The root of the unchecked exceptions that Luciole throws. */
public class LucioleException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * Makes an exception.
   *
   * @param message what was expected, what was found, and what to do next
   */
  public LucioleException(String message) {
    super(message);
  }

  /**
   * Makes an exception with a cause.
   *
   * @param message what was expected, what was found, and what to do next
   * @param cause what brought it about
   */
  public LucioleException(String message, Throwable cause) {
    super(message, cause);
  }
}
