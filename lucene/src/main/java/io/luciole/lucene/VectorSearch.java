package io.luciole.lucene;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Stream;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.Rescorer;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopDocs;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.apache.lucene.search.TotalHits;
import org.jspecify.annotations.Nullable;

/**
 * Searches one view of an index by vectors. Scores are exact where the index keeps what that needs.
 */
final class VectorSearch {
  /** Best first, ties in the index's order. */
  static final Comparator<ScoreDoc> BEST_FIRST =
      Comparator.<ScoreDoc>comparingDouble(hit -> -hit.score).thenComparingInt(hit -> hit.doc);

  /** A search of the graph keeps at least this many candidates: fewer lose recall. */
  private static final int MIN_CANDIDATES = 64;

  /** At most so many documents are candidates of a sparse search for fewer than 26,000. */
  static final int MOST_CANDIDATES = 1 << 15;

  private final IndexSearcher searcher;
  private final VectorQueries queries;

  VectorSearch(IndexSearcher searcher, VectorQueries queries) {
    this.searcher = searcher;
    this.queries = queries;
  }

  /** See {@link VectorQueries#topDense}. */
  TopDocs dense(float[] vector, int top, @Nullable Query filter) throws IOException {
    int depth = bounded(top);
    float oversampling =
        queries.fields().dense().map(d -> d.quantization().oversampling()).orElse(1f);
    int k = bounded(Math.max(MIN_CANDIDATES, (int) Math.min(1 << 30, depth * oversampling)));
    Query query = queries.dense(vector, k, filter);
    if (oversampling > 1) {
      return queries.denseRescorer(vector).rescore(searcher, top(query, k), depth);
    }
    TopDocs nearest = top(query, depth);
    for (ScoreDoc hit : nearest.scoreDocs) {
      hit.score = queries.dotProduct(hit.score);
    }
    return nearest;
  }

  /**
   * See {@link VectorQueries#topSparse}.
   *
   * <p>A document's exact score exceeds its score by the postings by at most {@code e}, see {@link
   * SparsePostings#error}. So once the k-th best exact score among the first n documents by
   * postings exceeds the n-th score by postings by more than {@code e}, no other document can be
   * among the best k. Until then n grows, up to {@link #MOST_CANDIDATES}: where more documents than
   * that have nearly the score of the k-th by postings, nothing but reading all of their weights
   * could tell the best among them. The exact score of a document that is left out then exceeds the
   * k-th by at most {@code 2e}, because those of k candidates are at least the n-th score by
   * postings less {@code e}. Each candidate is scored once. Documents all of whose shared weights
   * round to 0 are never seen; their exact scores are at most {@code e}.
   */
  TopDocs sparse(SparseVector vector, int top, @Nullable Query filter) throws IOException {
    HybridSchema.Sparse form = queries.sparseForm();
    int depth = bounded(top);
    if (!form.exact()) {
      return rounded(vector, depth, filter);
    }
    Rescorer exactly = queries.sparseRescorer(vector);
    Set<Integer> scored = new HashSet<>();
    ScoreDoc[] best = {};
    int first = bounded(depth + depth / 4 + 8L);
    int most = bounded(Math.max(first, MOST_CANDIDATES));
    for (int wanted = first; ; wanted = (int) Math.min(4L * wanted, most)) {
      TopDocs rounded = rounded(vector, wanted, filter);
      int found = rounded.scoreDocs.length;
      ScoreDoc[] more =
          Arrays.stream(rounded.scoreDocs)
              .filter(hit -> scored.add(hit.doc))
              .toArray(ScoreDoc[]::new);
      best =
          Stream.of(
                  best,
                  exactly.rescore(searcher, new TopDocs(rounded.totalHits, more), depth).scoreDocs)
              .flatMap(Arrays::stream)
              .sorted(BEST_FIRST)
              .limit(depth)
              .toArray(ScoreDoc[]::new);
      if (found < wanted || wanted == most || isBest(best, rounded.scoreDocs[found - 1], vector)) {
        return new TopDocs(rounded.totalHits, best);
      }
    }
  }

  /** Whether what comes after the last document by postings cannot be among the best. */
  private boolean isBest(ScoreDoc[] best, ScoreDoc last, SparseVector vector) {
    double error = queries.sparseForm().postings().error(vector, last.score);
    return best[best.length - 1].score > last.score + error;
  }

  /** The best by the postings; where as many are found as are wanted, there may be more. */
  private TopDocs rounded(SparseVector vector, int wanted, @Nullable Query filter)
      throws IOException {
    TopDocs found = top(queries.best(vector, wanted, filter, true), wanted);
    return found.scoreDocs.length < wanted
        ? found
        : new TopDocs(
            new TotalHits(found.totalHits.value(), TotalHits.Relation.GREATER_THAN_OR_EQUAL_TO),
            found.scoreDocs);
  }

  /** Lucene allocates a list of the length asked for, so no more is asked for than there is. */
  private int bounded(long count) {
    return bounded(searcher, count);
  }

  private TopDocs top(Query query, int count) throws IOException {
    return top(searcher, query, count);
  }

  /** As many of the best documents as are asked for, or as there are. */
  static TopDocs top(IndexSearcher searcher, Query query, int count) throws IOException {
    int bounded = bounded(searcher, count);
    return searcher.search(query, new TopScoreDocCollectorManager(bounded, null, bounded));
  }

  private static int bounded(IndexSearcher searcher, long count) {
    return (int) Math.max(1, Math.min(count, searcher.getIndexReader().maxDoc()));
  }
}
