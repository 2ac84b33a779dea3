package io.luciole.lucene;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;
import org.apache.lucene.analysis.tokenattributes.TermToBytesRefAttribute;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.QueryBuilder;
import org.jspecify.annotations.Nullable;

/**
 * The words of texts, and Lucene queries for those of a query, as {@link QueryWords} reads it. Safe
 * for use by many threads.
 */
final class WordQueries {
  private final Analyzer analyzer;
  private final String field;
  private final @Nullable String titles;

  /**
   * The words that an analyzer makes.
   *
   * @param field the field of the words of title and text
   * @param titles the field of the words of titles; null if there is none, and then no boost of
   *     titles may be asked for
   */
  WordQueries(Analyzer analyzer, String field, @Nullable String titles) {
    this.analyzer = analyzer;
    this.field = field;
    this.titles = titles;
  }

  /** A word as the index has it, and the piece of the text that it was made of. */
  private record Word(BytesRef term, int start, int end) {}

  private List<Word> words(String text) {
    List<Word> words = new ArrayList<>();
    try (TokenStream tokens = analyzer.tokenStream(field, text)) {
      TermToBytesRefAttribute term = tokens.getAttribute(TermToBytesRefAttribute.class);
      OffsetAttribute offset = tokens.addAttribute(OffsetAttribute.class);
      tokens.reset();
      while (tokens.incrementToken()) {
        BytesRef copy = BytesRef.deepCopyOf(term.getBytesRef());
        words.add(new Word(copy, offset.startOffset(), offset.endOffset()));
      }
      tokens.end();
    } catch (IOException e) {
      throw new IllegalStateException(e); // Reading a string does not fail.
    }
    return words;
  }

  /** The words of a text as the index has them, and how often the text has each. */
  Map<BytesRef, Integer> terms(String text) {
    return count(words(text));
  }

  private static Map<BytesRef, Integer> count(List<Word> words) {
    Map<BytesRef, Integer> counts = new LinkedHashMap<>();
    words.forEach(word -> counts.merge(word.term(), 1, Integer::sum));
    return counts;
  }

  /**
   * What each word, phrase and beginning of a query looks for. Each distinct word counts as often
   * as the query has it. Beside other words, those of a phrase count by themselves, too: a question
   * that quotes a name is to find texts that write it otherwise.
   */
  List<Query> clauses(String text, WordBoosts boosts) {
    QueryWords query = QueryWords.parse(text);
    List<Word> words = new ArrayList<>(words(query.plain()));
    boolean phrasesOnly = words.isEmpty() && query.prefixes().isEmpty();
    if (!phrasesOnly) {
      query.phrases().forEach(phrase -> words.addAll(words(phrase)));
    }
    for (String prefix : query.prefixes()) {
      List<Word> before = words(prefix);
      words.addAll(before.subList(0, Math.max(0, before.size() - 1)));
    }
    Map<BytesRef, Integer> counts = count(words);
    List<Query> clauses = new ArrayList<>();
    addClauses(field, (float) boosts.text(), query, counts, clauses);
    if (titles != null) {
      addClauses(titles, (float) boosts.title(), query, counts, clauses);
    }
    return clauses;
  }

  /** Adds what a query looks for in a field. */
  private void addClauses(
      String in, float boost, QueryWords query, Map<BytesRef, Integer> counts, List<Query> to) {
    if (boost == 0) {
      return;
    }
    for (String phrase : query.phrases()) {
      Query inOrder = phrase(in, phrase);
      if (inOrder != null) {
        to.add(boosted(inOrder, boost));
      }
    }
    for (String prefix : query.prefixes()) {
      to.add(boosted(new PrefixWordQuery(new Term(in, beginning(prefix))), boost));
    }
    counts.forEach(
        (term, count) -> to.add(boosted(new TermQuery(new Term(in, term)), boost * count)));
  }

  private static Query boosted(Query query, float boost) {
    return boost == 1 ? query : new BoostQuery(query, boost);
  }

  /** The words of a text in their order, or null if it has none. */
  private @Nullable Query phrase(String in, String text) {
    QueryBuilder builder = new QueryBuilder(analyzer);
    // The index has no graph: a pair of characters stands where its first one does.
    builder.setEnableGraphQueries(false);
    return builder.createPhraseQuery(in, text);
  }

  /**
   * What the words that begin so have in common: the last word of a text as far as an analyser does
   * not change its end, since other words that begin so end otherwise.
   */
  BytesRef beginning(String text) {
    List<Word> words = words(text);
    if (words.isEmpty()) {
      return analyzer.normalize(field, text); // Such as a word that the analyser leaves out.
    }
    Word last = words.get(words.size() - 1);
    String word = last.term().utf8ToString();
    String whole =
        analyzer.normalize(field, text.substring(last.start(), last.end())).utf8ToString();
    int shared = 0;
    while (shared < Math.min(word.length(), whole.length())
        && word.charAt(shared) == whole.charAt(shared)) {
      shared++;
    }
    if (shared > 0 && Character.isHighSurrogate(word.charAt(shared - 1))) {
      shared--;
    }
    return shared == 0 ? last.term() : new BytesRef(word.substring(0, shared));
  }
}
