package io.luciole;

/** A setting is unknown or has a value it cannot have. The message names the key and its origin. */
public class ConfigException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception with a message for people. */
  public ConfigException(String message) {
    super(message);
  }

  /** Creates an exception with a message for people and the failure beneath it. */
  public ConfigException(String message, Throwable cause) {
    super(message, cause);
  }
}
