package io.luciole.spi;

import static java.util.Objects.requireNonNull;

import java.util.List;

/**
 * A batch of tokenised texts, flat and unpadded. Text {@code i} has the ids {@code offsets[i] ..
 * offsets[i+1]-1}. Below, T is the number of tokens and B the number of texts.
 *
 * <pre>
 * tokenIds  [T]    | text 0 | text 1      | text 2 | …
 * offsets   [B+1]  0        3             8        10
 * </pre>
 *
 * <p>Every text has at least one token, special ones included. The arrays belong to the engine: a
 * backend may read them during {@link Backend#run}, and must neither change nor keep them.
 */
public final class TokenBatch {
  private final int[] tokenIds;
  private final int[] offsets;
  private final int maxLength;

  /**
   * Creates a batch that keeps the two arrays.
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

  /**
   * Creates a batch of texts, whose ids are copied.
   *
   * @param texts the token ids of each text; at least one text, none empty
   * @return the batch
   * @throws IllegalArgumentException if there is no text or a text is empty
   */
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

  /** {@return the number of texts, B; at least 1} */
  public int size() {
    return offsets.length - 1;
  }

  /** {@return the number of tokens of all texts, T} */
  public int tokens() {
    return tokenIds.length;
  }

  /** {@return the length of the longest text, in tokens} */
  public int maxLength() {
    return maxLength;
  }

  /**
   * The position in {@link #tokenIds} at which a text starts.
   *
   * @param i the index of the text, from 0; {@code size()} gives {@link #tokens}
   * @return the position
   */
  public int offset(int i) {
    return offsets[i];
  }

  /**
   * The length of a text.
   *
   * @param i the index of the text, {@code 0 <= i < size()}
   * @return the number of its tokens
   */
  public int length(int i) {
    return offsets[i + 1] - offsets[i];
  }

  /** {@return the token ids {@code [T]}, not a copy} */
  public int[] tokenIds() {
    return tokenIds;
  }

  @Override
  public String toString() {
    return "TokenBatch[" + size() + " texts, " + tokens() + " tokens, longest " + maxLength + "]";
  }
}
