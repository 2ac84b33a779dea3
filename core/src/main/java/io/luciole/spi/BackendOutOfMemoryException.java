package io.luciole.spi;

/**
 * The device had too little memory for a batch. The backend stays usable: the engine answers by
 * splitting the batch and lowering its token budget.
 */
public class BackendOutOfMemoryException extends BackendException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   * @param cause the failure beneath it
   */
  public BackendOutOfMemoryException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public BackendOutOfMemoryException(String message) {
    super(message);
  }
}
