package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
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

  private WordQueries wordQueries() {
    IndexLayout.Words of = words();
    return new WordQueries(of.analyzer(), of.field(), of.titles());
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

  private static Query all(@Nullable Query whole) {
    return whole == null ? everything() : whole;
  }

  /** All Lucene documents. */
  @SuppressWarnings("deprecation") // Lucene 10.0 lacks the constant that replaces it.
  static Query everything() {
    return new MatchAllDocsQuery();
  }

  /**
   * The documents that share words with the query, scored by BM25; see {@link WordQueries#clauses}.
   *
   * @param text the query; without words nothing matches
   * @param boosts what words count, by where they stand
   * @param filter what the documents must match, or null for anything
   * @throws IllegalArgumentException if titles have a boost and the index lacks their words
   */
  Query bm25(String text, WordBoosts boosts, @Nullable Query filter) {
    requireTitles(boosts);
    return new DisjunctionSumQuery(
        "words", wordQueries().clauses(text, boosts), both(filter, words().documents()));
  }

  /** What both filters accept; null is a filter that accepts anything. */
  static @Nullable Query both(@Nullable Query a, @Nullable Query b) {
    if (a == null || b == null) {
      return a == null ? b : a;
    }
    return new BooleanQuery.Builder().add(a, Occur.FILTER).add(b, Occur.FILTER).build();
  }

  /** {@link #bm25} without boosts. */
  Query bm25(String text, @Nullable Query filter) {
    return bm25(text, WordBoosts.NONE, filter);
  }

  /** Refuses a boost of titles where the index does not keep their words apart. */
  void requireTitles(WordBoosts boosts) {
    if (boosts.title() > 0 && words().titles() == null) {
      throw new IllegalArgumentException(
          "A boost of titles needs their words in a field of their own, which this index lacks: it"
              + " was made by an earlier version, or by an application. Index anew, or search"
              + " without the boost.");
    }
  }

  /** The words of a text as the index has them, and how often the text has each. */
  Map<BytesRef, Integer> terms(String text) {
    return wordQueries().terms(text);
  }
}
