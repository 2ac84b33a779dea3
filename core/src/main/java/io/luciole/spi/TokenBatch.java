package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * Tokenised texts, flat and unpadded: text {@code i} is the ids {@code offsets[i] ..
 * offsets[i+1]-1}.
 *
 * <pre>
 * tokenIds  [T]    | text 0 | text 1      | text 2 | …
 * offsets   [B+1]  0        3             8        10
 * </pre>
 *
 * <p>Every text has at least one token, special ones included. The arrays belong to the engine: a
 * backend reads them during {@link Backend#run}, does not change them and does not keep them.
 */
public final class TokenBatch {
  private final int[] tokenIds;
  private final int[] offsets;
  private final int maxLength;

  /**
   * Wraps the two arrays without a copy.
   *
   * @param tokenIds token ids {@code [T]}
   * @param offsets where each text starts, {@code [B+1]}: {@code offsets[0] = 0}, strictly
   *     ascending, {@code offsets[B] = T}
   * @throws IllegalArgumentException if there is no text, a text is empty, or the offsets do not
   *     span the ids
   */
  public TokenBatch(int[] tokenIds, int[] offsets) {
    this.tokenIds = requireNonNull(tokenIds, "tokenIds");
    this.offsets = requireNonNull(offsets, "offsets");
    if (offsets.length < 2) {
      throw new IllegalArgumentException("expected at least one text, got an empty batch");
    }
    if (offsets[0] != 0 || offsets[offsets.length - 1] != tokenIds.length) {
      throw new IllegalArgumentException(
          "expected offsets from 0 to "
              + tokenIds.length
              + ", got "
              + offsets[0]
              + " to "
              + offsets[offsets.length - 1]);
    }
    int longest = 0;
    for (int i = 0; i + 1 < offsets.length; i++) {
      int length = offsets[i + 1] - offsets[i];
      if (length < 1) {
        throw new IllegalArgumentException(
            "text " + i + " has " + length + " tokens, not 1 or more");
      }
      longest = Math.max(longest, length);
    }
    this.maxLength = longest;
  }

  /** Lays texts end to end. */
  public static TokenBatch of(List<int[]> texts) {
    int[] offsets = new int[texts.size() + 1];
    for (int i = 0; i < texts.size(); i++) {
      offsets[i + 1] = Math.addExact(offsets[i], texts.get(i).length);
    }
    int[] ids = new int[offsets[texts.size()]];
    for (int i = 0; i < texts.size(); i++) {
      System.arraycopy(texts.get(i), 0, ids, offsets[i], texts.get(i).length);
    }
    return new TokenBatch(ids, offsets);
  }

  /** The number of texts, B; at least 1. */
  public int size() {
    return offsets.length - 1;
  }

  /** The number of tokens, T. */
  public int tokens() {
    return tokenIds.length;
  }

  /** The length of the longest text, in tokens. */
  public int maxLength() {
    return maxLength;
  }

  /**
   * Where text {@code i} starts in {@link #tokenIds}; {@code offset(size())} is {@link #tokens}.
   */
  public int offset(int i) {
    return offsets[i];
  }

  /** The number of tokens of text {@code i}. */
  public int length(int i) {
    return offsets[i + 1] - offsets[i];
  }

  /** The token ids {@code [T]}, not a copy. */
  public int[] tokenIds() {
    return tokenIds;
  }

  @Override
  public String toString() {
    return "TokenBatch[" + size() + " texts, " + tokens() + " tokens, longest " + maxLength + "]";
  }
}
