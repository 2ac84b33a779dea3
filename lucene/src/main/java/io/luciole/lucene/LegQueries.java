package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.lucene.analysis.Analyzer;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.Term;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.MatchAllDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.TermQuery;
import org.apache.lucene.search.join.BitSetProducer;
import org.apache.lucene.search.join.DiversifyingChildrenFloatKnnVectorQuery;
import org.apache.lucene.search.join.QueryBitSetProducer;
import org.apache.lucene.search.join.ToChildBlockJoinQuery;
import org.apache.lucene.search.knn.KnnSearchStrategy;
import org.apache.lucene.util.BytesRef;
import org.jspecify.annotations.Nullable;

/** The legs of a hybrid query as plain Lucene queries. Safe for use by many threads. */
final class LegQueries {
  /**
   * Where fewer documents than this match a filter, in percent, the search of the graph visits only
   * those (ACORN).
   */
  private static final int ACORN_THRESHOLD = 60;

  private final HybridSchema schema;
  private final Analyzer analyzer;
  private final WordQueries words;
  private final @Nullable BitSetProducer documents;

  /** The queries of an index of a schema. */
  LegQueries(HybridSchema schema) {
    this.schema = requireNonNull(schema, "schema");
    this.analyzer = Analyzers.create(schema.words().analyzer());
    this.words = new WordQueries(analyzer, SchemaFields.WORDS, SchemaFields.TITLE_WORDS);
    this.documents = schema.chunks().isEmpty() ? null : new QueryBitSetProducer(wholeDocuments());
  }

  Analyzer analyzer() {
    return analyzer;
  }

  /**
   * The documents with the nearest dense vectors; where texts are cut into passages, the documents
   * of the nearest passages, each once. {@link #dotProduct} computes the dot product from Lucene's
   * score. Where vectors are quantised the scores are those of the quantised vectors.
   *
   * @param vector the query's vector
   * @param k how many documents, at least 1
   * @param filter what the documents must match, or null for anything
   * @throws IllegalArgumentException if the schema has no dense vectors or they have another length
   */
  Query dense(float[] vector, int k, @Nullable Query filter) {
    HybridSchema.Dense dense =
        schema.dense().orElseThrow(() -> new IllegalArgumentException(missing(Leg.DENSE)));
    if (vector.length != dense.dimension()) {
      throw new IllegalArgumentException(
          "expected a vector of " + dense.dimension() + " components, got " + vector.length);
    }
    KnnSearchStrategy acorn = new KnnSearchStrategy.Hnsw(ACORN_THRESHOLD);
    if (documents == null) {
      return new KnnFloatVectorQuery(SchemaFields.DENSE, vector, k, filter, acorn);
    }
    return new BestPassageQuery(
        new DiversifyingChildrenFloatKnnVectorQuery(
            SchemaFields.DENSE, vector, passagesOf(filter), k, documents, acorn),
        documents);
  }

  /** The passages of the documents that match. */
  private @Nullable Query passagesOf(@Nullable Query filter) {
    if (filter == null || documents == null) {
      return filter;
    }
    // A filter may match passages too, by their ids; the join allows documents only.
    Query whole =
        new BooleanQuery.Builder()
            .add(filter, Occur.FILTER)
            .add(wholeDocuments(), Occur.FILTER)
            .build();
    return new ToChildBlockJoinQuery(whole, documents);
  }

  private static Query wholeDocuments() {
    return new TermQuery(new Term(SchemaFields.DOCUMENT, SchemaFields.PRESENT));
  }

  /** All documents, without passages. */
  Query all() {
    return documents == null ? MatchAllDocsQuery.INSTANCE : wholeDocuments();
  }

  /** The vectors of a segment's documents. */
  DocumentVectors vectors(LeafReaderContext leaf) throws IOException {
    return new DocumentVectors(
        leaf.reader(), schema, documents == null ? null : documents.getBitSet(leaf));
  }

  /** Computes the dot product from a score of {@link #dense}. */
  float dotProduct(float score) {
    boolean normalized = schema.dense().map(HybridSchema.Dense::normalized).orElse(true);
    if (normalized) {
      return 2 * score - 1;
    }
    return score < 1 ? 1 - 1 / score : score - 1;
  }

  /**
   * The documents that share tokens with the query, scored by the sum of the products of their
   * weights, those of the documents rounded as the schema says; where texts are cut into passages,
   * by that of the best passage.
   *
   * @param vector the query's weights, any number of them; without any nothing matches
   * @param filter what the documents must match, or null for anything
   * @throws IllegalArgumentException if the schema has no sparse weights
   */
  Query sparse(SparseVector vector, @Nullable Query filter) {
    HybridSchema.Sparse sparse =
        schema.sparse().orElseThrow(() -> new IllegalArgumentException(missing(Leg.SPARSE)));
    List<Query> tokens = new ArrayList<>(vector.size());
    for (int i = 0; i < vector.size(); i++) {
      tokens.add(sparse.postings().query(vector.id(i), vector.weight(i)));
    }
    if (documents == null) {
      return new DisjunctionSumQuery("sparse", tokens, filter);
    }
    Query best = new BestPassageQuery(new DisjunctionSumQuery("sparse", tokens, null), documents);
    return filter == null
        ? best
        : new BooleanQuery.Builder().add(best, Occur.MUST).add(filter, Occur.FILTER).build();
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
    return new DisjunctionSumQuery("words", words.clauses(text, boosts), filter);
  }

  /** {@link #bm25} without boosts. */
  Query bm25(String text, @Nullable Query filter) {
    return bm25(text, WordBoosts.NONE, filter);
  }

  /** Refuses a boost of titles where the index does not keep their words apart. */
  void requireTitles(WordBoosts boosts) {
    if (boosts.title() > 0 && !schema.words().titles()) {
      throw new IllegalArgumentException(
          "A boost of titles needs their words in a field of their own, which this index lacks,"
              + " since it was made by an earlier version. Index anew, or search without the"
              + " boost.");
    }
  }

  /** The words of a text as the index has them, and how often the text has each. */
  Map<BytesRef, Integer> terms(String text) {
    return words.terms(text);
  }

  private static String missing(Leg leg) {
    return "the index has no " + leg.id() + " field";
  }
}
