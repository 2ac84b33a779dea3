package io.luciole.hub;

import java.io.IOException;
import java.time.Duration;

/** A server answered that it cannot serve now. */
final class BusyException extends IOException {
  private static final long serialVersionUID = 1L;

  private final Duration pause;

  BusyException(String message, Duration pause) {
    super(message);
    this.pause = pause;
  }

  /** How long it wants not to be asked; zero if it does not say. */
  Duration pause() {
    return pause;
  }
}
