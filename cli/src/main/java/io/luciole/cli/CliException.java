package io.luciole.cli;

import io.luciole.LucioleException;

/** A command cannot go on, for a reason that the user can read and act on. */
final class CliException extends LucioleException {
  private static final long serialVersionUID = 1L;

  CliException(String message) {
    super(message);
  }

  CliException(String message, Throwable cause) {
    super(message, cause);
  }
}
