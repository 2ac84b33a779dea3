package io.luciole.lucene;

import com.ibm.icu.lang.UScript;
import java.io.IOException;
import java.util.Set;
import org.apache.lucene.analysis.TokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.icu.tokenattributes.ScriptAttribute;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;
import org.apache.lucene.analysis.tokenattributes.TypeAttribute;

/**
 * Takes from a tokenizer's words what is not part of them:
 *
 * <ul>
 *   <li>Of a Latin or Greek word with apostrophes, the longest part is kept, the first of equals:
 *       <i>abeille</i> of <i>l'abeille</i>, <i>Bach</i> of <i>Bach's</i>. In other scripts an
 *       apostrophe stands for a letter or softens one, and only the apostrophe is dropped.
 *   <li>Separators of thousands are dropped: <i>1000</i> of <i>1,000</i>, <i>1.000</i> and
 *       <i>1'000</i>. A point before exactly three digits is taken for one.
 *   <li>Words of scripts that are written without blanks get the type {@code <SOUTHEAST_ASIAN>}, as
 *       {@link StandardTokenizer} gives it.
 * </ul>
 *
 * <p>Terms must be what stands in the text, as they are behind a tokenizer: offsets are those of
 * the part that is kept.
 */
final class WordPartFilter extends TokenFilter {
  private static final String WITHOUT_BLANKS =
      StandardTokenizer.TOKEN_TYPES[StandardTokenizer.SOUTHEAST_ASIAN];

  private static final Set<Integer> SCRIPTS_WITHOUT_BLANKS =
      Set.of(UScript.THAI, UScript.LAO, UScript.KHMER, UScript.MYANMAR);

  private static final Set<Integer> SCRIPTS_WITH_ELISION = Set.of(UScript.LATIN, UScript.GREEK);

  private final CharTermAttribute term = addAttribute(CharTermAttribute.class);
  private final OffsetAttribute offset = addAttribute(OffsetAttribute.class);
  private final TypeAttribute type = addAttribute(TypeAttribute.class);
  private final ScriptAttribute script = addAttribute(ScriptAttribute.class);

  WordPartFilter(TokenStream input) {
    super(input);
  }

  @Override
  public boolean incrementToken() throws IOException {
    if (!input.incrementToken()) {
      return false;
    }
    if (SCRIPTS_WITHOUT_BLANKS.contains(script.getCode())) {
      type.setType(WITHOUT_BLANKS);
    } else if (isGrouped()) {
      keepOnly(Character::isDigit);
    } else if (hasApostrophe()) {
      if (SCRIPTS_WITH_ELISION.contains(script.getCode())) {
        keepLongestPart();
      } else {
        keepOnly(c -> !isApostrophe(c));
      }
    }
    return true;
  }

  private static boolean isApostrophe(char c) {
    return c == '\'' || c == '\u2019' || c == '\u2018' || c == '\u02BC' || c == '\uFF07';
  }

  private boolean hasApostrophe() {
    for (int i = 0; i < term.length(); i++) {
      if (isApostrophe(term.charAt(i))) {
        return true;
      }
    }
    return false;
  }

  private void keepLongestPart() {
    int best = 0;
    int bestLength = 0;
    int start = 0;
    for (int i = 0; i <= term.length(); i++) {
      if (i == term.length() || isApostrophe(term.charAt(i))) {
        if (i - start > bestLength) {
          best = start;
          bestLength = i - start;
        }
        start = i + 1;
      }
    }
    if (bestLength > 0) {
      int at = offset.startOffset() + best;
      System.arraycopy(term.buffer(), best, term.buffer(), 0, bestLength);
      term.setLength(bestLength);
      offset.setOffset(at, at + bestLength);
    }
  }

  /** Which characters of a word are kept. */
  private interface Kept {
    boolean test(char c);
  }

  private void keepOnly(Kept kept) {
    int length = 0;
    for (int i = 0; i < term.length(); i++) {
      char c = term.charAt(i);
      if (kept.test(c)) {
        term.buffer()[length++] = c;
      }
    }
    if (length > 0) {
      term.setLength(length);
    }
  }

  /**
   * Whether this is a number in groups: one to three digits, then groups of three, or of two as in
   * India, the last of three, each behind the same separator.
   */
  private boolean isGrouped() {
    int end = term.length();
    char separator = 0;
    int digits = 0;
    int group = 0;
    for (int i = 0; i < end; i++) {
      char c = term.charAt(i);
      if (Character.isDigit(c)) {
        digits++;
        continue;
      }
      boolean fits = group == 0 ? digits >= 1 && digits <= 3 : digits == 2 || digits == 3;
      if (!fits || !isSeparator(c) || (separator != 0 && separator != c)) {
        return false;
      }
      separator = c;
      group++;
      digits = 0;
    }
    return group > 0 && digits == 3;
  }

  private static boolean isSeparator(char c) {
    return c == ',' || c == '.' || c == '\u066C' || isApostrophe(c);
  }
}
