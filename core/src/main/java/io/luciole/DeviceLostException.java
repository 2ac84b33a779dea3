package io.luciole;

import io.luciole.spi.BackendException;

/**
 * A device stopped working: it failed a batch and then the smallest text there is, or gave no
 * answer within the batch timeout. The text may be submitted again. The engine reopens the device
 * by itself; {@link EmbeddingEngine#health} tells when it works again, and what keeps it from being
 * reopened.
 */
public class DeviceLostException extends BackendException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public DeviceLostException(String message) {
    super(message);
  }

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   * @param cause the failure beneath it
   */
  public DeviceLostException(String message, Throwable cause) {
    super(message, cause);
  }
}
