package io.luciole.lucene;

import io.luciole.model.Chunker.Chunk;
import java.util.Optional;

/**
 * Where a passage stands in its document's text, in {@code char}s; kept as one number.
 *
 * @param start its first character
 * @param end the character after its last
 */
record PassageOffsets(int start, int end) {
  /**
   * Where a passage stands that is to be written.
   *
   * @param text its document's text
   * @throws IllegalArgumentException if it lies outside the text
   */
  static PassageOffsets of(Chunk passage, String text) {
    PassageOffsets offsets = new PassageOffsets(passage.start(), passage.end());
    if (!offsets.isWithin(text)) {
      throw new IllegalArgumentException(
          "expected a passage of the document's text, which has "
              + text.length()
              + " characters, got one from "
              + passage.start()
              + " to "
              + passage.end()
              + ": positions count the characters of the text alone, without the title");
    }
    return offsets;
  }

  /** The start in the upper 32 bits, the end in the lower. */
  long encode() {
    return (long) start << 32 | end;
  }

  static PassageOffsets decode(long encoded) {
    return new PassageOffsets((int) (encoded >>> 32), (int) encoded);
  }

  /** Cuts the passage out of its document's text; empty if it lies outside the text. */
  Optional<Passage> in(String text) {
    return isWithin(text)
        ? Optional.of(new Passage(start, end, text.substring(start, end)))
        : Optional.empty();
  }

  private boolean isWithin(String text) {
    return 0 <= start && start <= end && end <= text.length();
  }
}
