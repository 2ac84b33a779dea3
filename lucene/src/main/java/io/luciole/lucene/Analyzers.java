package io.luciole.lucene;

import java.util.Collections;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.CharArraySet;
import org.apache.lucene.analysis.ar.ArabicAnalyzer;
import org.apache.lucene.analysis.bg.BulgarianAnalyzer;
import org.apache.lucene.analysis.bn.BengaliAnalyzer;
import org.apache.lucene.analysis.br.BrazilianAnalyzer;
import org.apache.lucene.analysis.ca.CatalanAnalyzer;
import org.apache.lucene.analysis.cjk.CJKAnalyzer;
import org.apache.lucene.analysis.ckb.SoraniAnalyzer;
import org.apache.lucene.analysis.core.WhitespaceAnalyzer;
import org.apache.lucene.analysis.cz.CzechAnalyzer;
import org.apache.lucene.analysis.da.DanishAnalyzer;
import org.apache.lucene.analysis.de.GermanAnalyzer;
import org.apache.lucene.analysis.el.GreekAnalyzer;
import org.apache.lucene.analysis.en.EnglishAnalyzer;
import org.apache.lucene.analysis.es.SpanishAnalyzer;
import org.apache.lucene.analysis.et.EstonianAnalyzer;
import org.apache.lucene.analysis.eu.BasqueAnalyzer;
import org.apache.lucene.analysis.fa.PersianAnalyzer;
import org.apache.lucene.analysis.fi.FinnishAnalyzer;
import org.apache.lucene.analysis.fr.FrenchAnalyzer;
import org.apache.lucene.analysis.ga.IrishAnalyzer;
import org.apache.lucene.analysis.gl.GalicianAnalyzer;
import org.apache.lucene.analysis.hi.HindiAnalyzer;
import org.apache.lucene.analysis.hu.HungarianAnalyzer;
import org.apache.lucene.analysis.hy.ArmenianAnalyzer;
import org.apache.lucene.analysis.id.IndonesianAnalyzer;
import org.apache.lucene.analysis.it.ItalianAnalyzer;
import org.apache.lucene.analysis.lt.LithuanianAnalyzer;
import org.apache.lucene.analysis.lv.LatvianAnalyzer;
import org.apache.lucene.analysis.ne.NepaliAnalyzer;
import org.apache.lucene.analysis.nl.DutchAnalyzer;
import org.apache.lucene.analysis.no.NorwegianAnalyzer;
import org.apache.lucene.analysis.pt.PortugueseAnalyzer;
import org.apache.lucene.analysis.ro.RomanianAnalyzer;
import org.apache.lucene.analysis.ru.RussianAnalyzer;
import org.apache.lucene.analysis.sr.SerbianAnalyzer;
import org.apache.lucene.analysis.sv.SwedishAnalyzer;
import org.apache.lucene.analysis.ta.TamilAnalyzer;
import org.apache.lucene.analysis.te.TeluguAnalyzer;
import org.apache.lucene.analysis.th.ThaiAnalyzer;
import org.apache.lucene.analysis.tr.TurkishAnalyzer;

/** Lucene's analysers by name. */
final class Analyzers {
  /** Words by Unicode's boundaries, CJK in pairs; lower case, no stop words, no stemming. */
  static final String STANDARD = "standard";

  /** As {@link MultilingualAnalyzer}. */
  static final String MULTILINGUAL = "multilingual";

  /** What stands before the name of an application's own analyzer. */
  static final String OWN = "own:";

  /** As {@link FirstMultilingualAnalyzer}: what indexes have that call it {@code multilingual}. */
  static final String FIRST_MULTILINGUAL = "multilingual-1";

  private static final Map<String, Supplier<Analyzer>> BY_NAME = byName();

  private Analyzers() {}

  private static Map<String, Supplier<Analyzer>> byName() {
    Map<String, Supplier<Analyzer>> map = new TreeMap<>();
    // CJKAnalyzer treats all other scripts as StandardAnalyzer does.
    map.put(STANDARD, () -> new CJKAnalyzer(CharArraySet.EMPTY_SET));
    map.put(MULTILINGUAL, MultilingualAnalyzer::new);
    map.put(FIRST_MULTILINGUAL, FirstMultilingualAnalyzer::new);
    map.put("whitespace", WhitespaceAnalyzer::new);
    map.put("ar", ArabicAnalyzer::new);
    map.put("bg", BulgarianAnalyzer::new);
    map.put("bn", BengaliAnalyzer::new);
    map.put("ca", CatalanAnalyzer::new);
    map.put("ckb", SoraniAnalyzer::new);
    map.put("cs", CzechAnalyzer::new);
    map.put("da", DanishAnalyzer::new);
    map.put("de", GermanAnalyzer::new);
    map.put("el", GreekAnalyzer::new);
    map.put("en", EnglishAnalyzer::new);
    map.put("es", SpanishAnalyzer::new);
    map.put("et", EstonianAnalyzer::new);
    map.put("eu", BasqueAnalyzer::new);
    map.put("fa", PersianAnalyzer::new);
    map.put("fi", FinnishAnalyzer::new);
    map.put("fr", FrenchAnalyzer::new);
    map.put("ga", IrishAnalyzer::new);
    map.put("gl", GalicianAnalyzer::new);
    map.put("hi", HindiAnalyzer::new);
    map.put("hu", HungarianAnalyzer::new);
    map.put("hy", ArmenianAnalyzer::new);
    map.put("id", IndonesianAnalyzer::new);
    map.put("it", ItalianAnalyzer::new);
    map.put("ja", CJKAnalyzer::new);
    map.put("ko", CJKAnalyzer::new);
    map.put("lt", LithuanianAnalyzer::new);
    map.put("lv", LatvianAnalyzer::new);
    map.put("ne", NepaliAnalyzer::new);
    map.put("nl", DutchAnalyzer::new);
    map.put("no", NorwegianAnalyzer::new);
    map.put("pt", PortugueseAnalyzer::new);
    map.put("pt-br", BrazilianAnalyzer::new);
    map.put("ro", RomanianAnalyzer::new);
    map.put("ru", RussianAnalyzer::new);
    map.put("sr", SerbianAnalyzer::new);
    map.put("sv", SwedishAnalyzer::new);
    map.put("ta", TamilAnalyzer::new);
    map.put("te", TeluguAnalyzer::new);
    map.put("th", ThaiAnalyzer::new);
    map.put("tr", TurkishAnalyzer::new);
    map.put("zh", CJKAnalyzer::new);
    return map;
  }

  static Set<String> names() {
    return Collections.unmodifiableSet(BY_NAME.keySet());
  }

  /**
   * The name by which a schema that is written down calls an analyser. It differs from {@link
   * #names} where an analyser has changed, so that no build reads an index with another analyser
   * than the one that made it: a build that does not know the name refuses the index.
   */
  static String recorded(String name) {
    return switch (name) {
      case MULTILINGUAL -> "multilingual-2";
      case FIRST_MULTILINGUAL -> "multilingual";
      default -> name;
    };
  }

  /** The opposite of {@link #recorded}. */
  static String ofRecorded(String recorded) {
    return names().stream()
        .filter(name -> recorded(name).equals(recorded))
        .findFirst()
        .orElse(recorded);
  }

  /** Whether a name is that of an application's own analyzer. */
  static boolean isOwn(String name) {
    return name.startsWith(OWN) && name.substring(OWN.length()).matches("\\P{Cntrl}+");
  }

  /** Refuses what is no analyzer's name. */
  static void requireName(String name) {
    if (!BY_NAME.containsKey(name) && !isOwn(name)) {
      throw new IllegalArgumentException(
          "expected an analyser of " + names() + ", got \"" + name + '"');
    }
  }

  /**
   * Creates an analyzer.
   *
   * @throws IndexException if it is an application's own, which only the application has
   */
  static Analyzer create(String name) {
    requireName(name);
    Supplier<Analyzer> analyzer = BY_NAME.get(name);
    if (analyzer == null) {
      throw new IndexException(
          "The words of this index were made by an application's own analyzer, \""
              + name.substring(OWN.length())
              + "\". Open it with a schema that has the analyzer (HybridSchema.withAnalyzer): by"
              + " WriteOptions.schema, or HybridSearcher.over(…).schema.");
    }
    return analyzer.get();
  }
}
