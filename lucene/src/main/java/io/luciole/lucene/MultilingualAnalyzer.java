package io.luciole.lucene;

import java.io.IOException;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
import org.apache.lucene.analysis.TokenFilter;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.ar.ArabicNormalizationFilter;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.cjk.CJKWidthFilter;
import org.apache.lucene.analysis.core.DecimalDigitFilter;
import org.apache.lucene.analysis.fa.PersianNormalizationFilter;
import org.apache.lucene.analysis.hi.HindiNormalizationFilter;
import org.apache.lucene.analysis.in.IndicNormalizationFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.standard.StandardTokenizer;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.TypeAttribute;

/**
 * Analyzes texts whose language is not known. Texts are cut at Unicode's word boundaries; Chinese,
 * Japanese and Korean into pairs of characters. Words become lower case, Latin letters lose their
 * diacritics, and variants of letters and digits become one. Of a word that consists of letters
 * only, the first {@value #STEM} are kept.
 *
 * <p>Keeping prefixes is a stemming that needs no language: over the languages of CLEF it is about
 * as good as stemmers made for each (McNamee and Mayfield, "Character N-Gram Tokenization for
 * European Language Text Retrieval", Information Retrieval 7, 2004; McNamee, Nicholas and Mayfield,
 * "Addressing morphological variation in alphabetic languages", SIGIR 2009).
 */
final class MultilingualAnalyzer extends Analyzer {
  /** The number of a word's letters that are kept. */
  static final int STEM = 5;

  @Override
  protected TokenStreamComponents createComponents(String field) {
    Tokenizer source = new StandardTokenizer();
    TokenStream words = new CJKBigramFilter(normalize(source));
    return new TokenStreamComponents(source, new PrefixFilter(words));
  }

  private static TokenStream normalize(TokenStream words) {
    TokenStream stream = new LowerCaseFilter(new CJKWidthFilter(words));
    stream = new DecimalDigitFilter(stream);
    stream = new PersianNormalizationFilter(new ArabicNormalizationFilter(stream));
    stream = new HindiNormalizationFilter(new IndicNormalizationFilter(stream));
    return new ASCIIFoldingFilter(stream);
  }

  @Override
  protected TokenStream normalize(String field, TokenStream words) {
    return normalize(words);
  }

  /**
   * Keeps the prefixes of alphabetic words. Numbers, pairs, and words of scripts that are written
   * without blanks stay whole.
   */
  private static final class PrefixFilter extends TokenFilter {
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
}
