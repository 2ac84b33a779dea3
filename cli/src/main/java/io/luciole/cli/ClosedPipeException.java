package io.luciole.cli;

import io.luciole.LucioleException;

/**
 * The reader of the results has closed the pipe, as {@code head} does. Not reported as an error.
 */
final class ClosedPipeException extends LucioleException {
  private static final long serialVersionUID = 1L;

  ClosedPipeException(Throwable cause) {
    super("standard output was closed", cause);
  }
}
