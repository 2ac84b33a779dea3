package io.luciole.model;

import static java.util.Objects.requireNonNull;

import java.util.Arrays;

/** A text's token ids, special tokens included, no longer than the model's limit. Immutable. */
public final class TokenizedText {
  private final int[] ids;
  private final boolean truncated;

  /**
   * Wraps token ids without a copy: the caller gives the array away.
   *
   * @param truncated whether the text had more tokens than the limit
   */
  public TokenizedText(int[] ids, boolean truncated) {
    this.ids = requireNonNull(ids, "ids");
    this.truncated = truncated;
  }

  /** The token ids, not a copy: not to be changed. */
  public int[] ids() {
    return ids;
  }

  /** The number of tokens. */
  public int length() {
    return ids.length;
  }

  /** Whether the text had more tokens than the limit, so that its end is not among the ids. */
  public boolean truncated() {
    return truncated;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof TokenizedText that
        && truncated == that.truncated
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
