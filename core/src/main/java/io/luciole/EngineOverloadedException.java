package io.luciole;

/**
 * Too much waits and the engine is set to {@link Overload#REJECT}. The text was not accepted.
 * Submit it again later, or let the engine block ({@code luciole.overload=block}).
 */
public class EngineOverloadedException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public EngineOverloadedException(String message) {
    super(message);
  }
}
