package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.analysis.TokenStream;
import org.apache.lucene.analysis.tokenattributes.TermToBytesRefAttribute;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.BoostQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/**
 * The legs of a hybrid query as plain Lucene queries, those by vectors in {@link VectorQueries}.
 * Safe for use by many threads.
 */
final class LegQueries {
  private final IndexLayout layout;
  private final VectorQueries vectors;

  /** The queries of an index of a schema. */
  LegQueries(HybridSchema schema) {
    this(IndexLayout.of(requireNonNull(schema, "schema")));
  }

  LegQueries(IndexLayout layout) {
    this.layout = layout;
    this.vectors = new VectorQueries(layout.vectors(), layout.whole());
  }

  Analyzer analyzer() {
    return words().analyzer();
  }

  private IndexLayout.Words words() {
    IndexLayout.Words words = layout.words();
    if (words == null) {
      throw new IllegalArgumentException("the index has no words to search by BM25");
    }
    return words;
  }

  /** The queries of the vectors. */
  VectorQueries vectors() {
    return vectors;
  }

  /** All documents, without passages. */
  Query all() {
    return all(layout.whole());
  }

  /** The documents that match a filter, without passages. */
  Query whole(@Nullable Query filter) {
    return filter == null
        ? all()
        : new BooleanQuery.Builder().add(filter, Occur.FILTER).add(all(), Occur.FILTER).build();
  }

  /** All documents of an index of a schema, without passages. */
  static Query all(HybridSchema schema) {
    return all(IndexLayout.wholeDocuments(schema));
  }

  @SuppressWarnings("deprecation") // Lucene 10.0 lacks the constant that replaces it.
  private static Query all(@Nullable Query whole) {
    return whole == null ? new MatchAllDocsQuery() : whole;
  }

  /**
   * The documents that share words with the query, scored by BM25. Each distinct word counts as
   * often as the query has it.
   *
   * @param text the query; without words nothing matches
   * @param filter what the documents must match, or null for anything
   */
  Query bm25(String text, @Nullable Query filter) {
    List<Query> words = new ArrayList<>();
    String field = words().field();
    terms(text)
        .forEach((term, count) -> {
          Query word = new TermQuery(new Term(field, term));
          words.add(count == 1 ? word : new BoostQuery(word, count));
        });
    return new DisjunctionSumQuery("words", words, filter);
  }

  /** The words of a text as the index has them, and how often the text has each. */
  Map<BytesRef, Integer> terms(String text) {
    Map<BytesRef, Integer> counts = new LinkedHashMap<>();
    try (TokenStream tokens = words().analyzer().tokenStream(words().field(), text)) {
      TermToBytesRefAttribute term = tokens.getAttribute(TermToBytesRefAttribute.class);
      tokens.reset();
      while (tokens.incrementToken()) {
        counts.merge(BytesRef.deepCopyOf(term.getBytesRef()), 1, Integer::sum);
      }
      tokens.end();
    } catch (IOException e) {
      throw new IllegalStateException(e); // Reading a string does not fail.
    }
    return counts;
  }
}
