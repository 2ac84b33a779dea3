package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.CharTermAttribute;
import org.apache.lucene.analysis.tokenattributes.OffsetAttribute;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;

/**
 * Finds the pieces of hits' titles and texts that matched a query, and how much each counts. Words
 * count by what they add to the BM25 score, the model's tokens by the product of their weights in
 * the query and in the document. Callers render the ranges; {@link SnippetFinder} does without an
 * index and a model, and also chooses which piece of a long text to show.
 *
 * <p>What a word adds to each hit is asked of the index itself, by one search a word that is
 * limited to the hits. Where a token stands is found by going through the text and the tokens in
 * order; a token that the tokenizer has changed beyond recognition is skipped. Words beyond the
 * query's first 48, and text beyond the first 20,000 UTF-16 units of a field, are not highlighted.
 *
 * <p>An instance serves one query. It is not safe for use by several threads.
 */
public final class Highlighter implements AutoCloseable {
  private static final int MAX_WORDS = 48;
  private static final int MAX_TEXT = 20_000;

  /** How far behind the one before a token is looked for. */
  private static final int WINDOW = 64;

  private final HybridSearcher searcher;
  private final EmbeddingEngine engine;
  private final Analyzer analyzer;
  private final String query;

  /** What each analysed word of the query adds to the score of each document, by its id. */
  private final Map<String, Map<String, Double>> words = new LinkedHashMap<>();

  /** The same of each beginning that the query has a star behind. */
  private final Map<String, Map<String, Double>> beginnings = new LinkedHashMap<>();

  private double strongestWord;
  private double strongestToken;

  /**
   * Prepares highlights for the hits of a search.
   *
   * @param searcher the searcher that found the hits
   * @param engine the model that embedded the query
   * @param query the query, with {@link HybridQuery#matchedTokens(boolean)} if the model's tokens
   *     are to be highlighted
   * @param result its result; words are highlighted if {@link Leg#BM25} took part
   * @throws IndexException if the index cannot be searched
   */
  public Highlighter(
      HybridSearcher searcher, EmbeddingEngine engine, HybridQuery query, SearchResult result) {
    this.searcher = requireNonNull(searcher, "searcher");
    this.engine = requireNonNull(engine, "engine");
    this.query = query.text();
    this.analyzer = searcher.schema().analyzer();
    for (Hit hit : result.hits()) {
      for (TokenMatch token : hit.tokens()) {
        strongestToken = Math.max(strongestToken, token.product());
      }
    }
    if (result.legs().containsKey(Leg.BM25) && !result.hits().isEmpty()) {
      weighWords(result.hits());
    }
  }

  private record Word(String term, int start, int end) {}

  private List<Word> analyze(String text) {
    List<Word> found = new ArrayList<>();
    try (TokenStream tokens = analyzer.tokenStream(SchemaFields.WORDS, shortened(text))) {
      CharTermAttribute term = tokens.addAttribute(CharTermAttribute.class);
      OffsetAttribute offset = tokens.addAttribute(OffsetAttribute.class);
      tokens.reset();
      while (tokens.incrementToken()) {
        found.add(new Word(term.toString(), offset.startOffset(), offset.endOffset()));
      }
      tokens.end();
    } catch (IOException e) {
      throw new IllegalStateException(e); // Strings do not fail.
    }
    return found;
  }

  private static String shortened(String text) {
    return text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text;
  }

  private void weighWords(List<Hit> hits) {
    BooleanQuery.Builder among = new BooleanQuery.Builder();
    hits.forEach(hit -> among.add(new TermQuery(DocumentIds.term(hit.id())), Occur.SHOULD));
    QueryWords asked = QueryWords.parse(query);
    WordQueries analysed = new WordQueries(analyzer, SchemaFields.WORDS, SchemaFields.TITLE_WORDS);
    for (String prefix : asked.prefixes()) {
      String beginning = analysed.beginning(prefix).utf8ToString();
      weigh(beginning, prefix + '*', beginnings, hits.size(), among.build());
    }
    List<String> texts = new ArrayList<>(asked.phrases());
    texts.addAll(asked.prefixes());
    texts.add(asked.plain());
    for (String text : texts) {
      for (Word word : analyze(text)) {
        String piece = text.substring(word.start(), word.end());
        weigh(word.term(), piece, words, hits.size(), among.build());
      }
    }
  }

  /** Asks what a piece of the query adds to the score of each hit. */
  private void weigh(
      String term, String piece, Map<String, Map<String, Double>> to, int hits, Query among) {
    if (to.size() >= MAX_WORDS || to.containsKey(term)) {
      return;
    }
    Map<String, Double> scores = new HashMap<>();
    HybridQuery alone = HybridQuery.of(piece).legs(Leg.BM25).top(0).depth(hits).filter(among);
    for (ScoredId scored : searcher.search(alone).leg(Leg.BM25)) {
      scores.put(scored.id(), scored.score());
      strongestWord = Math.max(strongestWord, scored.score());
    }
    to.put(term, scores);
  }

  /**
   * The pieces of one hit that matched: words of the title, words of the text, tokens of the title,
   * tokens of the text, each in the order of the text. Pieces of the two legs may overlap.
   *
   * @param hit one of the result's hits
   * @return the pieces, none if nothing matched
   */
  public List<Highlight> highlights(Hit hit) {
    List<Highlight> highlights = new ArrayList<>();
    addWords(hit, Highlight.Field.TITLE, hit.title(), highlights);
    addWords(hit, Highlight.Field.TEXT, hit.text(), highlights);
    if (!hit.tokens().isEmpty()) {
      Map<Integer, Double> weights = new HashMap<>();
      hit.tokens().forEach(t -> weights.put(t.tokenId(), (double) t.product()));
      addTokens(Highlight.Field.TITLE, hit.title(), weights, highlights);
      addTokens(Highlight.Field.TEXT, hit.text(), weights, highlights);
    }
    return highlights;
  }

  private void addWords(Hit hit, Highlight.Field field, String text, List<Highlight> to) {
    if (words.isEmpty() && beginnings.isEmpty()) {
      return;
    }
    for (Word word : analyze(text)) {
      double score = score(word.term(), hit.id());
      if (score > 0) {
        to.add(new Highlight(field, word.start(), word.end(), score / strongestWord, Leg.BM25));
      }
    }
  }

  private double score(String term, String id) {
    double score = words.getOrDefault(term, Map.of()).getOrDefault(id, 0.0);
    for (Map.Entry<String, Map<String, Double>> beginning : beginnings.entrySet()) {
      if (term.startsWith(beginning.getKey())) {
        score = Math.max(score, beginning.getValue().getOrDefault(id, 0.0));
      }
    }
    return score;
  }

  private void addTokens(
      Highlight.Field field, String text, Map<Integer, Double> weights, List<Highlight> to) {
    String shown = shortened(text);
    int at = 0;
    for (int id : engine.tokenize(shown, Role.PASSAGE).ids()) {
      String token = engine.decodeToken(id).strip();
      if (token.isEmpty()) {
        continue;
      }
      int found = indexOf(shown, token, at);
      if (found >= 0) {
        at = found + token.length();
        Double weight = weights.get(id);
        if (weight != null && weight > 0) {
          to.add(new Highlight(field, found, at, weight / strongestToken, Leg.SPARSE));
        }
      }
    }
  }

  /**
   * Where a token stands next, ignoring case, or -1 if not within the window: then it is another.
   */
  private static int indexOf(String text, String token, int from) {
    int last = Math.min(text.length() - token.length(), from + WINDOW);
    for (int i = from; i <= last; i++) {
      if (text.regionMatches(true, i, token, 0, token.length())) {
        return i;
      }
    }
    return -1;
  }

  /** Releases the analyser. */
  @Override
  public void close() {
    analyzer.close();
  }
}
