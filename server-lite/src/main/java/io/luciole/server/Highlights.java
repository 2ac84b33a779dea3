package io.luciole.server;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.luciole.EmbeddingEngine;
import io.luciole.Role;
import io.luciole.lucene.Hit;
import io.luciole.lucene.HybridQuery;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.lucene.SchemaFields;
import io.luciole.lucene.ScoredId;
import io.luciole.lucene.TokenMatch;
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
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.TermQuery;

/**
 * Which pieces of hits' texts matched, and how much each counts, 0 to 1 within the answer: words by
 * what they add to the BM25 score, the model's tokens by the product of their weights. For one
 * query and one thread.
 *
 * <p>What a word adds to each hit is asked of the index itself, a search a word among the hits.
 * Where a token stands is found by walking along the text with the tokens in order; one that the
 * tokenizer has changed beyond recognition is passed over.
 */
final class Highlights implements AutoCloseable {
  private static final int MAX_WORDS = 24;
  private static final int MAX_TEXT = 20_000;
  private static final int WINDOW = 64;

  private final HybridSearcher searcher;
  private final EmbeddingEngine engine;
  private final Analyzer analyzer;
  private final String query;

  /** What each analysed word adds to the score of each document. */
  private final Map<String, Map<String, Double>> words = new LinkedHashMap<>();

  private double mostWord;
  private double mostToken;

  Highlights(
      HybridSearcher searcher,
      EmbeddingEngine engine,
      String query,
      List<Hit> hits,
      boolean byWords)
      throws IOException {
    this.searcher = searcher;
    this.engine = engine;
    this.query = query;
    this.analyzer = searcher.schema().analyzer();
    for (Hit hit : hits) {
      for (TokenMatch token : hit.tokens()) {
        mostToken = Math.max(mostToken, token.product());
      }
    }
    if (byWords && !hits.isEmpty()) {
      weighWords(hits);
    }
  }

  private record Span(String term, int start, int end) {}

  private List<Span> analyze(String text) throws IOException {
    List<Span> spans = new ArrayList<>();
    String shown = text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text;
    try (TokenStream tokens = analyzer.tokenStream(SchemaFields.WORDS, shown)) {
      CharTermAttribute term = tokens.addAttribute(CharTermAttribute.class);
      OffsetAttribute offset = tokens.addAttribute(OffsetAttribute.class);
      tokens.reset();
      while (tokens.incrementToken()) {
        spans.add(new Span(term.toString(), offset.startOffset(), offset.endOffset()));
      }
      tokens.end();
    }
    return spans;
  }

  private void weighWords(List<Hit> hits) throws IOException {
    BooleanQuery.Builder among = new BooleanQuery.Builder();
    hits.forEach(
        hit -> among.add(new TermQuery(new Term(SchemaFields.ID, hit.id())), Occur.SHOULD));
    for (Span word : analyze(query)) {
      if (words.size() >= MAX_WORDS || words.containsKey(word.term())) {
        continue;
      }
      Map<String, Double> scores = new HashMap<>();
      HybridQuery alone =
          HybridQuery.of(query.substring(word.start(), word.end()))
              .legs(Leg.BM25)
              .top(0)
              .depth(hits.size())
              .filter(among.build());
      for (ScoredId scored : searcher.search(alone).leg(Leg.BM25)) {
        scores.put(scored.id(), scored.score());
        mostWord = Math.max(mostWord, scored.score());
      }
      words.put(word.term(), scores);
    }
  }

  /** Writes the spans of a hit's title and text, in UTF-16 units. */
  void write(Hit hit, ArrayNode spans) throws IOException {
    writeWords(hit, "title", hit.title(), spans);
    writeWords(hit, "text", hit.text(), spans);
    if (!hit.tokens().isEmpty()) {
      Map<Integer, Double> weights = new HashMap<>();
      hit.tokens().forEach(t -> weights.put(t.tokenId(), (double) t.product()));
      writeTokens("title", hit.title(), weights, spans);
      writeTokens("text", hit.text(), weights, spans);
    }
  }

  private void writeWords(Hit hit, String field, String text, ArrayNode spans) throws IOException {
    if (words.isEmpty()) {
      return;
    }
    for (Span span : analyze(text)) {
      Double score = words.getOrDefault(span.term(), Map.of()).get(hit.id());
      if (score != null && score > 0) {
        write(spans, field, span.start(), span.end(), score / mostWord, Leg.BM25);
      }
    }
  }

  private void writeTokens(
      String field, String text, Map<Integer, Double> weights, ArrayNode spans) {
    String shown = text.length() > MAX_TEXT ? text.substring(0, MAX_TEXT) : text;
    int at = 0;
    for (int id : engine.tokenize(shown, Role.PASSAGE).ids()) {
      String piece = engine.decodeToken(id).strip();
      if (piece.isEmpty()) {
        continue;
      }
      int found = indexOf(shown, piece, at);
      if (found >= 0) {
        at = found + piece.length();
        Double weight = weights.get(id);
        if (weight != null && weight > 0) {
          write(spans, field, found, at, weight / mostToken, Leg.SPARSE);
        }
      }
    }
  }

  /** Where a piece stands next, letter case aside; not far away, or it is another one. */
  private static int indexOf(String text, String piece, int from) {
    int last = Math.min(text.length() - piece.length(), from + WINDOW);
    for (int i = from; i <= last; i++) {
      if (text.regionMatches(true, i, piece, 0, piece.length())) {
        return i;
      }
    }
    return -1;
  }

  private static void write(
      ArrayNode spans, String field, int start, int end, double weight, Leg by) {
    spans
        .addObject()
        .put("field", field)
        .put("start", start)
        .put("end", end)
        .put("weight", Math.round(weight * 1000) / 1000.0)
        .put("by", by.id());
  }

  @Override
  public void close() {
    analyzer.close();
  }
}
