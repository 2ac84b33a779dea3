package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.analysis.TokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.TypeAttribute;

/**
 * Keeps the first {@value #STEM} letters of alphabetic words. Numbers, words with digits, pairs of
 * characters, and words of scripts that are written without blanks stay whole.
 */
final class PrefixFilter extends TokenFilter {
  /** The number of a word's letters that are kept. */
  static final int STEM = 5;

  private static final String ALPHABETIC =
      StandardTokenizer.TOKEN_TYPES[StandardTokenizer.ALPHANUM];

  private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
  private final TypeAttribute type = addAttribute(TypeAttribute.class);

  PrefixFilter(TokenStream input) {
    super(input);
  }

  @Override
  public boolean incrementToken() throws IOException {
    if (!input.incrementToken()) {
      return false;
    }
    if (term.length() > STEM && type.type().equals(ALPHABETIC) && !hasDigit()) {
      int end = Character.offsetByCodePoints(term.buffer(), 0, term.length(), 0, points());
      term.setLength(end);
    }
    return true;
  }

  /** Words with digits, such as part numbers and versions, are kept whole. */
  private boolean hasDigit() {
    for (int i = 0; i < term.length(); i++) {
      if (Character.isDigit(term.charAt(i))) {
        return true;
      }
    }
    return false;
  }

  private int points() {
    return Math.min(STEM, Character.codePointCount(term.buffer(), 0, term.length()));
  }
}
