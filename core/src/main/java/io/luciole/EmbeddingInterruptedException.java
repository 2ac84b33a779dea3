package io.luciole;

/**
 * The calling thread was interrupted while it waited for room among the waiting texts, or for the
 * results of {@code embedAll}. The thread's interrupt flag is set again. The texts of the call that
 * had not been computed are dropped.
 */
public class EmbeddingInterruptedException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public EmbeddingInterruptedException(String message) {
    super(message);
  }
}
