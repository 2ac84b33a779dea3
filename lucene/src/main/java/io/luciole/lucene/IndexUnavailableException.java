package io.luciole.lucene;

/**
 * A {@link LiveIndex} takes no documents, because it has failed and is not open again yet, or is
 * closed. The message says which. After a failure, try again later.
 */
public class IndexUnavailableException extends IndexException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message which index is closed
   */
  public IndexUnavailableException(String message) {
    super(message);
  }

  /**
   * Creates an exception of an index that has failed.
   *
   * @param message why the index has failed, what is lost, and when to try again
   * @param cause the failure, or what has kept the index from being opened again
   */
  public IndexUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
