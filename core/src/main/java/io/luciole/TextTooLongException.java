package io.luciole;

/** A text has more tokens than the model's limit, under {@link Truncation#ERROR}. */
public class TextTooLongException extends LucioleException {
  private static final long serialVersionUID = 1L;

  private final int tokens;
  private final int limit;

  /**
   * Creates an exception.
   *
   * @param tokens the number of the text's tokens, or of those that were counted
   * @param limit the largest number that the model takes
   */
  TextTooLongException(String message, int tokens, int limit) {
    super(message);
    this.tokens = tokens;
    this.limit = limit;
  }

  /**
   * The number of the text's tokens, special tokens and the role's prompt included. Texts of more
   * than a million characters are not counted; for them it is one more than the limit.
   *
   * @return the token count
   */
  public int tokens() {
    return tokens;
  }

  /** {@return the largest number of tokens that the model takes} */
  public int limit() {
    return limit;
  }
}
