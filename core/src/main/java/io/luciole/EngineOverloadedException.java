package io.luciole;

/**
 * Too much waits: the engine is set to refuse texts then, or the wait for room was interrupted. The
 * text was not taken; try again later, or let the engine block ({@code luciole.overload=block}).
 */
public class EngineOverloadedException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message for people. */
  public EngineOverloadedException(String message) {
    super(message);
  }
}
