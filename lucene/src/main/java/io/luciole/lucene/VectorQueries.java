package io.luciole.lucene;

import static java.util.Objects.requireNonNull;

import io.luciole.Embedding;
import io.luciole.MultiVector;
import io.luciole.Scores;
import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.search.BooleanClause.Occur;
import org.apache.lucene.search.BooleanQuery;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.KnnByteVectorQuery;
import org.apache.lucene.search.KnnFloatVectorQuery;
import org.apache.lucene.search.MatchNoDocsQuery;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Rescorer;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.join.BitSetProducer;
import org.apache.lucene.search.join.DiversifyingChildrenByteKnnVectorQuery;
import org.apache.lucene.search.join.DiversifyingChildrenFloatKnnVectorQuery;
import org.apache.lucene.search.join.QueryBitSetProducer;
import org.apache.lucene.search.join.ToChildBlockJoinQuery;
import org.apache.lucene.search.knn.KnnSearchStrategy;
import org.jspecify.annotations.Nullable;

/**
 * The vectors of {@link VectorFields} as Lucene queries, rescorers and searches, for an {@link
 * IndexSearcher} of the application's own.
 *
 * <ul>
 *   <li>{@link #dense} and {@link #sparse} are queries like any other: they may be clauses, be
 *       boosted, and be collected by facets or sorted by a field.
 *   <li>{@link #topDense} and {@link #topSparse} are the legs of a hybrid search: they give exact
 *       scores, also where the index keeps rounded values for search. {@link Fusion#fuse} makes one
 *       list of them and of any other query's hits.
 *   <li>{@link #rescorer} and its siblings order the best of any list by exact scores.
 * </ul>
 *
 * <p>An index in which the fields were written in another form (see {@link VectorFields}) is
 * refused with an {@link IndexException} when a query is rewritten, which is before it is run, or
 * when a rescorer reads them. A field that no document has finds nothing.
 *
 * <p>Safe for use by many threads.
 */
public final class VectorQueries {
  /**
   * Where fewer documents than this match a filter, in percent, the search of the graph visits only
   * those (ACORN).
   */
  private static final int ACORN_THRESHOLD = 60;

  private final VectorFields fields;
  private final @Nullable Query whole;
  private final @Nullable BitSetProducer documents;
  private final FieldForm form;

  /**
   * The queries of fields.
   *
   * @param whole finds the documents where they follow their passages in blocks; null where each
   *     document has vectors itself
   */
  VectorQueries(VectorFields fields, @Nullable Query whole) {
    this.fields = fields;
    this.whole = whole;
    this.documents = whole == null ? null : new QueryBitSetProducer(whole);
    this.form = new FieldForm(fields, documents);
  }

  /** {@return the fields that are searched} */
  public VectorFields fields() {
    return fields;
  }

  /**
   * The documents with the nearest dense vectors. Where vectors are quantised the scores are those
   * of the quantised vectors; {@link #topDense} gives exact ones.
   *
   * @param vector the query's vector
   * @param k how many documents, at least 1
   * @return the query; {@link #dotProduct} computes the dot product from its scores
   * @throws IllegalArgumentException if there are no dense vectors, or they have another length, or
   *     the query's has a component that is not finite, or larger than 1e15 in absolute value
   */
  public Query dense(float[] vector, int k) {
    return dense(vector, k, null);
  }

  /**
   * The documents with the nearest dense vectors among those that match a filter; else as {@link
   * #dense(float[], int)}. With Lucene 10.0 and 10.1 a filter that matches few documents makes the
   * search slower than later versions do.
   *
   * @param vector the query's vector
   * @param k how many documents, at least 1
   * @param filter what the documents must match, or null for anything
   * @return the query
   * @throws IllegalArgumentException as {@link #dense(float[], int)}
   */
  public Query dense(float[] vector, int k, @Nullable Query filter) {
    LuceneRange.FIELDS.require();
    if (k < 1) {
      throw new IllegalArgumentException("expected 1 document or more to find, got " + k);
    }
    HybridSchema.Dense dense =
        fields.dense().orElseThrow(() -> new IllegalArgumentException(missing("dense")));
    if (vector.length != dense.dimension()) {
      throw new IllegalArgumentException(
          "expected a vector of " + dense.dimension() + " components, got " + vector.length);
    }
    VectorChecks.requireFiniteQuery("dense vector", vector);
    return new CheckedQuery(
        dense.quantization().keepsFloats()
            ? nearest(vector, k, filter)
            : nearest(DenseBytes.encode(vector), k, filter),
        fields.denseField(),
        form);
  }

  private Query nearest(float[] vector, int k, @Nullable Query filter) {
    String field = fields.denseField();
    boolean filtered = LuceneRange.FILTERED_GRAPHS.isThere();
    if (documents == null || whole == null) {
      return filtered
          ? Filtered.nearest(field, vector, k, filter)
          : new KnnFloatVectorQuery(field, vector, k, filter);
    }
    Query accepted = filter == null ? null : passagesOf(filter, whole, documents);
    return new BestPassageQuery(
        filtered
            ? Filtered.nearestPassages(field, vector, k, accepted, documents)
            : new DiversifyingChildrenFloatKnnVectorQuery(field, vector, accepted, k, documents),
        documents);
  }

  /** The same among vectors of bytes. */
  private Query nearest(byte[] vector, int k, @Nullable Query filter) {
    if (!DenseBytes.hasDirection(vector)) {
      return new MatchNoDocsQuery("a vector without a direction");
    }
    String field = fields.denseField();
    boolean filtered = LuceneRange.FILTERED_GRAPHS.isThere();
    if (documents == null || whole == null) {
      return filtered
          ? Filtered.nearest(field, vector, k, filter)
          : new KnnByteVectorQuery(field, vector, k, filter);
    }
    Query accepted = filter == null ? null : passagesOf(filter, whole, documents);
    return new BestPassageQuery(
        filtered
            ? Filtered.nearestPassages(field, vector, k, accepted, documents)
            : new DiversifyingChildrenByteKnnVectorQuery(field, vector, accepted, k, documents),
        documents);
  }

  /** Apart from {@link VectorQueries}, because older versions of Lucene lack what it names. */
  private static final class Filtered {
    private static final KnnSearchStrategy ACORN = new KnnSearchStrategy.Hnsw(ACORN_THRESHOLD);

    static Query nearest(String field, float[] vector, int k, @Nullable Query filter) {
      return new KnnFloatVectorQuery(field, vector, k, filter, ACORN);
    }

    static Query nearest(String field, byte[] vector, int k, @Nullable Query filter) {
      return new KnnByteVectorQuery(field, vector, k, filter, ACORN);
    }

    static Query nearestPassages(
        String field, byte[] vector, int k, @Nullable Query passages, BitSetProducer documents) {
      return new DiversifyingChildrenByteKnnVectorQuery(
          field, vector, passages, k, documents, ACORN);
    }

    static Query nearestPassages(
        String field, float[] vector, int k, @Nullable Query passages, BitSetProducer documents) {
      return new DiversifyingChildrenFloatKnnVectorQuery(
          field, vector, passages, k, documents, ACORN);
    }
  }

  /** The passages of the documents that match. */
  private static Query passagesOf(Query filter, Query whole, BitSetProducer documents) {
    // A filter may match passages too, by their ids; the join allows documents only.
    Query matching =
        new BooleanQuery.Builder().add(filter, Occur.FILTER).add(whole, Occur.FILTER).build();
    return new ToChildBlockJoinQuery(matching, documents);
  }

  /**
   * Computes the dot product from a score of {@link #dense}.
   *
   * @param score the score
   * @return the dot product of the query's vector and the document's; their cosine if vectors are
   *     normalised
   */
  public float dotProduct(float score) {
    boolean normalized = fields.dense().map(HybridSchema.Dense::normalized).orElse(true);
    if (normalized) {
      return 2 * score - 1;
    }
    return score < 1 ? 1 - 1 / score : score - 1;
  }

  /**
   * The documents that share tokens with the query, scored by the sum of the products of their
   * weights, those of the documents rounded as the fields say; {@link #topSparse} gives exact
   * scores.
   *
   * @param vector the query's weights, any number of them; without any nothing matches
   * @return the query
   * @throws IllegalArgumentException if there are no sparse weights, or the query has one larger
   *     than 1e15
   */
  public Query sparse(SparseVector vector) {
    return sparse(vector, null);
  }

  /**
   * The documents that share tokens with the query, among those that match a filter; else as {@link
   * #sparse(SparseVector)}. Faster than this query beside a filter's clause.
   *
   * @param vector the query's weights, any number of them; without any nothing matches
   * @param filter what the documents must match, or null for anything
   * @return the query
   * @throws IllegalArgumentException if there are no sparse weights, or the query has one larger
   *     than 1e15
   */
  public Query sparse(SparseVector vector, @Nullable Query filter) {
    return new CheckedQuery(sum(vector, filter), fields.sparseField(), form);
  }

  /**
   * The documents that share tokens with the query, of which the best are wanted; else as {@link
   * #sparse(SparseVector, Query)}. Where weights are kept in the form {@link SparseForm#BLOCKS},
   * this finds them several times faster, if the query is searched by itself and for the best by
   * score alone (Lucene's {@code TopScoreDocCollector}), without a timeout of the searcher's
   * ({@link #topSparse} is as fast with one). Then the best {@code k} of each segment are
   * collected, and no others are counted. In other uses it is the same query.
   *
   * @param vector the query's weights, any number of them; without any nothing matches
   * @param k how many documents are wanted, at least 1: no fewer than the collector keeps, those of
   *     earlier pages included
   * @param filter what the documents must match, or null for anything
   * @return the query
   * @throws IllegalArgumentException as {@link #sparse(SparseVector)}, or if {@code k} is less than
   *     1
   */
  public Query sparse(SparseVector vector, int k, @Nullable Query filter) {
    return best(vector, k, filter, false);
  }

  /**
   * As {@link #sparse(SparseVector, int, Query)}.
   *
   * @param alone whether the query is a clause of no other; then a timeout does not make it slower
   */
  Query best(SparseVector vector, int k, @Nullable Query filter, boolean alone) {
    if (k < 1) {
      throw new IllegalArgumentException("expected 1 document or more to find, got " + k);
    }
    Query all = sum(vector, filter);
    HybridSchema.Sparse sparse = sparseForm();
    if (sparse.form() == SparseForm.FEATURES || vector.size() == 0) {
      return new CheckedQuery(all, fields.sparseField(), form);
    }
    BlockMaxQuery.Search search =
        new BlockMaxQuery.Search(fields.sparseField(), vector, sparse.scale(), k, documents, alone);
    return new CheckedQuery(new BlockMaxQuery(search, filter, all), fields.sparseField(), form);
  }

  private Query sum(SparseVector vector, @Nullable Query filter) {
    LuceneRange.FIELDS.require();
    SparsePostings postings = sparseForm().postings();
    VectorChecks.requireSparse("a query", vector);
    String field = fields.sparseField();
    List<Query> tokens = new ArrayList<>(vector.size());
    for (int i = 0; i < vector.size(); i++) {
      tokens.add(postings.query(field, vector.id(i), vector.weight(i)));
    }
    return sum(tokens, filter);
  }

  private Query sum(List<Query> tokens, @Nullable Query filter) {
    if (documents == null) {
      return new DisjunctionSumQuery("sparse", tokens, filter);
    }
    Query best = new BestPassageQuery(new DisjunctionSumQuery("sparse", tokens, null), documents);
    return filter == null
        ? best
        : new BooleanQuery.Builder().add(best, Occur.MUST).add(filter, Occur.FILTER).build();
  }

  /**
   * Finds the documents with the nearest dense vectors, scored by the dot product of the query's
   * vector in full precision and the documents' as the index keeps them, in full precision unless
   * it leaves that out ({@link DenseQuantization#keepsFloats}). Where vectors are quantised, more
   * candidates are collected ({@link DenseQuantization#oversampling}) and rescored.
   *
   * @param searcher searches the index
   * @param vector the query's vector
   * @param top how many documents, at least 1
   * @param filter what they must match, or null for anything
   * @return the documents, best first, ties in the index's order
   * @throws IllegalArgumentException as {@link #dense(float[], int)}
   * @throws IOException if the index cannot be read
   * @throws IndexException if the index has the field in another form
   */
  public TopDocs topDense(IndexSearcher searcher, float[] vector, int top, @Nullable Query filter)
      throws IOException {
    return new VectorSearch(searcher, this).dense(vector, top, filter);
  }

  /**
   * Finds the documents with the largest sums of products of weights, by the exact weights if the
   * index keeps them, else by the rounded ones. Exact weights are read of no more than 32,768
   * documents, or 1.25 times as many as are wanted: those with the largest sums of rounded ones.
   *
   * @param searcher searches the index
   * @param vector the query's weights
   * @param top how many documents, at least 1
   * @param filter what they must match, or null for anything
   * @return the documents, best first, ties in the index's order. By exact weights they are the
   *     best of all, but for documents all of whose shared weights round to 0, and unless more
   *     documents than are read have nearly the last one's score: one that is left out then scores
   *     more than the last one by at most what rounding can change, twice
   * @throws IllegalArgumentException if there are no sparse weights, or the query has one larger
   *     than 1e15
   * @throws IOException if the index cannot be read
   * @throws IndexException if the index has the field in another form
   */
  public TopDocs topSparse(
      IndexSearcher searcher, SparseVector vector, int top, @Nullable Query filter)
      throws IOException {
    return new VectorSearch(searcher, this).sparse(vector, top, filter);
  }

  /**
   * Returns a rescorer by the dot product with the dense vectors, in full precision if the index
   * keeps that.
   *
   * @param vector the query's vector
   * @return the rescorer
   * @throws IllegalArgumentException as {@link #dense(float[], int)}
   */
  public Rescorer denseRescorer(float[] vector) {
    return rescorer(Embedding.absent().withDense(vector), new Scores.Weights(1, 0, 0));
  }

  /**
   * Returns a rescorer by the sum of the products of the sparse weights, by the exact ones if the
   * index keeps them.
   *
   * @param vector the query's weights
   * @return the rescorer
   * @throws IllegalArgumentException if there are no sparse weights, or the query has one larger
   *     than 1e15
   */
  public Rescorer sparseRescorer(SparseVector vector) {
    return rescorer(Embedding.absent().withSparse(vector), new Scores.Weights(0, 1, 0));
  }

  /**
   * Returns a rescorer by the token vectors, as ColBERT scores: the mean over the query's rows of
   * the best dot product with a row of the document.
   *
   * @param rows the query's token vectors
   * @return the rescorer
   * @throws IllegalArgumentException if there are no token vectors, or they have another dimension,
   *     or the query's have a component that is not finite
   */
  public Rescorer colbertRescorer(MultiVector rows) {
    return rescorer(Embedding.absent().withColbert(rows), HybridQuery.Rerank.COLBERT);
  }

  /**
   * Returns a rescorer by the weighted mean of the exact scores: {@code Σ w·score / Σ w}. Its
   * {@code rescore} orders the documents of a list by that score alone, ties by document, whatever
   * their scores were, and computes on the searcher's threads. A document without a vector scores 0
   * by that kind; a document of passages has the score of its best passage.
   *
   * @param query the query's vectors, at least those whose weight is above 0
   * @param weights what each kind of score counts; one of weight 0 is not computed
   * @return the rescorer
   * @throws IllegalArgumentException if the fields lack a kind that is to count, or the query's
   *     vectors have another dimension or a component that is not finite
   * @throws IllegalStateException if the query lacks a kind that is to count
   */
  public Rescorer rescorer(Embedding query, Scores.Weights weights) {
    requireNonNull(query, "query");
    requireNonNull(weights, "weights");
    return new VectorRescorer(new ExactScorer(this, query, weights));
  }

  /** How sparse weights are kept. */
  HybridSchema.Sparse sparseForm() {
    return fields.sparse().orElseThrow(() -> new IllegalArgumentException(missing("sparse")));
  }

  /** The vectors of a segment's documents. */
  DocumentVectors vectorsOf(LeafReaderContext leaf) throws IOException {
    return new DocumentVectors(
        leaf.reader(), fields, documents == null ? null : documents.getBitSet(leaf));
  }

  private static String missing(String kind) {
    return "the index has no " + kind + " field";
  }
}
