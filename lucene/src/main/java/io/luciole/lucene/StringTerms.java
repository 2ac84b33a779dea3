package io.luciole.lucene;

import io.luciole.internal.Sha256;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.apache.lucene.index.IndexWriter;

/**
 * How strings become terms, those that are too long for one included: of these, the first {@code
 * kept} bytes, then the first 16 bytes of the SHA-256. Equal strings have equal terms, and
 * different ones have different terms, but for a collision of 128 bits.
 *
 * @param longest the most bytes of a string that is a term as it is
 * @param kept the most bytes of a prefix that finds strings of every length
 */
record StringTerms(int longest, int kept) {
  /** Values of fields without a type: each takes room in one dictionary for all of them. */
  static final StringTerms UNTYPED = new StringTerms(128, 113);

  /** Values of keywords, which are doc values too. */
  static final StringTerms KEYWORD = new StringTerms(IndexWriter.MAX_TERM_LENGTH, 8192);

  private static final int HASH = 16;

  /** The term of a string. */
  byte[] term(String text) {
    byte[] value = text.getBytes(StandardCharsets.UTF_8);
    if (value.length <= longest) {
      return value;
    }
    byte[] term = Arrays.copyOf(value, shortened());
    System.arraycopy(Sha256.start().digest(value), 0, term, kept, HASH);
    return term;
  }

  /** The bytes of the term of a string that is longer than {@link #longest}. */
  int shortened() {
    return kept + HASH;
  }

  /** The beginning of the terms of all strings that begin so. */
  byte[] prefix(String prefix) {
    byte[] bytes = prefix.getBytes(StandardCharsets.UTF_8);
    if (bytes.length > kept) {
      throw new IllegalArgumentException(
          "expected a prefix of at most " + kept + " bytes in UTF-8, got " + bytes.length);
    }
    return bytes;
  }
}
