package io.luciole;

/** The engine was closed, before the call or while the text was waiting. */
public class EngineClosedException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message for people. */
  public EngineClosedException(String message) {
    super(message);
  }
}
