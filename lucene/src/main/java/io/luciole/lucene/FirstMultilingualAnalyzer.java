package io.luciole.lucene;

import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.LowerCaseFilter;
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

/**
 * What {@link MultilingualAnalyzer} was until November 2026, for the indexes made with it. It must
 * not change: their terms are what it made.
 */
final class FirstMultilingualAnalyzer extends Analyzer {
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
}
