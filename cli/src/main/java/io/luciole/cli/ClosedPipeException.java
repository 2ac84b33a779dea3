package io.luciole.cli;

import io.luciole.LucioleException;

/** Whoever read our results has stopped, as {@code head} does: no failure, and nobody to tell. */
final class ClosedPipeException extends LucioleException {
  private static final long serialVersionUID = 1L;

  ClosedPipeException(Throwable cause) {
    super("standard output was closed", cause);
  }
}
