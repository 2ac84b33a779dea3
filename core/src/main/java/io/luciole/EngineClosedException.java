package io.luciole;

/** The engine was closed before the call, or while the text waited. */
public class EngineClosedException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public EngineClosedException(String message) {
    super(message);
  }
}
