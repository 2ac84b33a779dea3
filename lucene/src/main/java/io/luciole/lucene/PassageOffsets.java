package io.luciole.lucene;

import io.luciole.model.Chunker.Chunk;

/**
 * Where a passage stands in its document's text, in {@code char}s; kept as one number.
 *
 * @param start its first character
 * @param end the character after its last
 */
record PassageOffsets(int start, int end) {
  static PassageOffsets of(Chunk passage) {
    return new PassageOffsets(passage.start(), passage.end());
  }

  /** The start in the upper 32 bits, the end in the lower. */
  long encode() {
    return (long) start << 32 | end;
  }

  static PassageOffsets decode(long encoded) {
    return new PassageOffsets((int) (encoded >>> 32), (int) encoded);
  }

  /**
   * Cuts the passage out of its document's text.
   *
   * @throws IndexException if it lies outside the text
   */
  Passage of(String text) {
    if (start < 0 || start > end || end > text.length()) {
      throw new IndexException(
          "A passage stands from "
              + start
              + " to "
              + end
              + " in a text of "
              + text.length()
              + " characters: the index is damaged.");
    }
    return new Passage(start, end, text.substring(start, end));
  }
}
