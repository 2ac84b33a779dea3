package io.luciole.model;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/** The token ids of a text, special tokens included, at most the model's limit. Immutable. */
public final class TokenizedText {
  private final int[] ids;
  private final boolean truncated;
  private final int unpooled;

  /**
   * Creates a tokenised text. The array is not copied; the caller must not change it any more.
   *
   * @param ids the token ids
   * @param truncated whether the text had more tokens than the limit
   */
  public TokenizedText(int[] ids, boolean truncated) {
    this(ids, truncated, 0);
  }

  /** A text whose first tokens take no part in pooling, as a prompt's may not. */
  TokenizedText(int[] ids, boolean truncated, int unpooled) {
    this.ids = requireNonNull(ids, "ids");
    this.truncated = truncated;
    this.unpooled = unpooled;
  }

  /** {@return the token ids; not a copy, so they must not be changed} */
  public int[] ids() {
    return ids;
  }

  /** {@return the number of tokens} */
  public int length() {
    return ids.length;
  }

  /** {@return whether the text had more tokens than the limit, so that its end is missing} */
  public boolean truncated() {
    return truncated;
  }

  /**
   * {@return the number of tokens at the beginning that take no part in pooling: those of a prompt
   * that is left out ({@link TokenPooling#includePrompt}), and 0 otherwise}
   */
  public int unpooled() {
    return unpooled;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof TokenizedText that
        && truncated == that.truncated
        && unpooled == that.unpooled
        && Arrays.equals(ids, that.ids);
  }

  @Override
  public int hashCode() {
    return 31 * Arrays.hashCode(ids) + Boolean.hashCode(truncated);
  }

  @Override
  public String toString() {
    return "TokenizedText[" + ids.length + " tokens" + (truncated ? ", truncated]" : "]");
  }
}
