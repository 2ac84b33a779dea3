package io.luciole.lucene;

import com.ibm.icu.text.Normalizer2;
import java.io.Reader;
import java.util.regex.Pattern;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.Tokenizer;
import org.apache.lucene.analysis.ar.ArabicNormalizationFilter;
import org.apache.lucene.analysis.ar.ArabicStemFilter;
import org.apache.lucene.analysis.charfilter.MappingCharFilter;
import org.apache.lucene.analysis.charfilter.NormalizeCharMap;
import org.apache.lucene.analysis.cjk.CJKBigramFilter;
import org.apache.lucene.analysis.core.DecimalDigitFilter;
import org.apache.lucene.analysis.el.GreekLowerCaseFilter;
import org.apache.lucene.analysis.fa.PersianNormalizationFilter;
import org.apache.lucene.analysis.hi.HindiNormalizationFilter;
import org.apache.lucene.analysis.icu.ICUNormalizer2Filter;
import org.apache.lucene.analysis.icu.segmentation.DefaultICUTokenizerConfig;
import org.apache.lucene.analysis.icu.segmentation.ICUTokenizer;
import org.apache.lucene.analysis.in.IndicNormalizationFilter;
import org.apache.lucene.analysis.miscellaneous.ASCIIFoldingFilter;
import org.apache.lucene.analysis.pattern.PatternReplaceFilter;

/**
 * Analyzes texts whose language is not known. Texts are cut at Unicode's word boundaries and at
 * colons; Chinese, Japanese and Korean into characters and pairs of characters; Thai, Lao, Khmer
 * and Burmese into the words of ICU's dictionaries. Words become lower case and take Unicode's form
 * NFKC, Latin and Greek letters lose their diacritics, and variants of letters and digits become
 * one. Articles and endings at an apostrophe, Arabic articles and endings, and separators of
 * thousands are dropped. Of a word that consists of letters only, the first {@value
 * PrefixFilter#STEM} are kept, without a final <i>s</i> where a word is hardly longer.
 *
 * <p>Keeping prefixes is a stemming that needs no language: over the languages of CLEF it is about
 * as good as stemmers made for each (McNamee and Mayfield, "Character N-Gram Tokenization for
 * European Language Text Retrieval", Information Retrieval 7, 2004; McNamee, Nicholas and Mayfield,
 * "Addressing morphological variation in alphabetic languages", SIGIR 2009).
 */
final class MultilingualAnalyzer extends Analyzer {
  private static final int ALL_OF_CJK =
      CJKBigramFilter.HAN
          | CJKBigramFilter.HIRAGANA
          | CJKBigramFilter.KATAKANA
          | CJKBigramFilter.HANGUL;

  /** Diacritics that no letter includes, such as the accents of Russian dictionaries. */
  private static final Pattern LONE_DIACRITICS = Pattern.compile("[\\u0300-\\u036F]");

  /**
   * The last letter of what is mostly a plural: of <i>maps</i>, not of <i>this</i> or <i>gas</i>.
   */
  private static final Pattern FINAL_S = Pattern.compile("(?<=^[a-z]{2,4}[a-z&&[^sui]])s$");

  /** Colons join words in Unicode's rules, for the sake of Swedish abbreviations. */
  private static final NormalizeCharMap COLONS = colons();

  private static NormalizeCharMap colons() {
    NormalizeCharMap.Builder map = new NormalizeCharMap.Builder();
    map.add(":", " "); // As long as what it replaces: offsets stay those of the text.
    return map.build();
  }

  @Override
  protected Reader initReader(String field, Reader text) {
    return new MappingCharFilter(COLONS, text);
  }

  @Override
  protected TokenStreamComponents createComponents(String field) {
    Tokenizer source = new ICUTokenizer(new DefaultICUTokenizerConfig(false, true));
    TokenStream words = normalize(new WordPartFilter(source));
    words = new ArabicStemFilter(new CJKBigramFilter(words, ALL_OF_CJK, true));
    words = new PatternReplaceFilter(words, FINAL_S, "", false);
    return new TokenStreamComponents(source, new PrefixFilter(words));
  }

  private static TokenStream normalize(TokenStream words) {
    TokenStream stream = new ICUNormalizer2Filter(words, Normalizer2.getNFKCCasefoldInstance());
    stream = new PatternReplaceFilter(stream, LONE_DIACRITICS, "", true);
    stream = new DecimalDigitFilter(new GreekLowerCaseFilter(stream));
    stream = new PersianNormalizationFilter(new ArabicNormalizationFilter(stream));
    stream = new HindiNormalizationFilter(new IndicNormalizationFilter(stream));
    return new ASCIIFoldingFilter(stream);
  }

  @Override
  protected TokenStream normalize(String field, TokenStream words) {
    return normalize(words);
  }
}
