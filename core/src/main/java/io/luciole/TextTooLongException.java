package io.luciole;

/**
 * A text has more tokens than the model's limit, and was not to be cut: {@link Truncation#ERROR}.
 */
public class TextTooLongException extends LucioleException {
  private static final long serialVersionUID = 1L;

  private final int tokens;
  private final int limit;

  /**
   * Creates an exception with a message for people.
   *
   * @param tokens the text's tokens, special ones included, or as many as were counted
   * @param limit the most there may be
   */
  TextTooLongException(String message, int tokens, int limit) {
    super(message);
    this.tokens = tokens;
    this.limit = limit;
  }

  /**
   * The text's tokens, special ones and its role's prompt included. For texts of more than a
   * million characters, which are not counted, one more than the limit.
   */
  public int tokens() {
    return tokens;
  }

  /** The most there may be. */
  public int limit() {
    return limit;
  }
}
