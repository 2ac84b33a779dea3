package io.luciole.cli;

import io.luciole.LucioleException;

/** A command cannot continue, for a reason that its message tells the user. */
final class CliException extends LucioleException {
  private static final long serialVersionUID = 1L;

  CliException(String message) {
    super(message);
  }

  CliException(String message, Throwable cause) {
    super(message, cause);
  }
}
