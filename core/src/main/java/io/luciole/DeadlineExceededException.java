package io.luciole;

/**
 * A text's deadline ({@link EmbedOptions#timeout}) passed before the text reached a device. The
 * text was not computed. Give it more time, or submit less at once.
 */
public class DeadlineExceededException extends LucioleException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message what was expected, what was found and what to do, in words for people
   */
  public DeadlineExceededException(String message) {
    super(message);
  }
}
