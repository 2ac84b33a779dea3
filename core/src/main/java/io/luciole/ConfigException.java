package io.luciole;

import java.util.List;

/**
 * Settings are unknown or have values that they cannot have. The message names each with its key,
 * where it came from and the closest known key.
 */
public class ConfigException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /** Serializable, as exceptions are. */
  private final String[] problems;

  /**
   * Creates an exception with a message for people.
   *
   * @param message what was expected, what was found and what to do
   */
  public ConfigException(String message) {
    super(message);
    problems = new String[] {message};
  }

  /**
   * Creates an exception with a message for people and the failure beneath it.
   *
   * @param message what was expected, what was found and what to do
   * @param cause the failure beneath
   */
  public ConfigException(String message, Throwable cause) {
    super(message, cause);
    problems = new String[] {message};
  }

  /**
   * Creates an exception for several problems that were found together.
   *
   * @param problems one message each, at least one
   */
  public ConfigException(List<String> problems) {
    super(message(problems));
    this.problems = problems.toArray(String[]::new);
  }

  private static String message(List<String> problems) {
    if (problems.size() == 1) {
      return problems.get(0);
    }
    StringBuilder message = new StringBuilder(problems.size() + " settings are wrong:");
    for (int i = 0; i < problems.size(); i++) {
      message.append("\n(").append(i + 1).append(") ").append(problems.get(i));
    }
    return message.toString();
  }

  /**
   * What is wrong, one message for each setting.
   *
   * @return at least one message
   */
  public List<String> problems() {
    return List.of(problems);
  }
}
