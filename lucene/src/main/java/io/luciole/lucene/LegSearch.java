package io.luciole.lucene;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.jspecify.annotations.Nullable;

/** Runs single legs against one view of an index. Scores come back in the legs' own units. */
final class LegSearch {
  /** Best first, ties in the index's order. */
  static final Comparator<ScoreDoc> BEST_FIRST =
      Comparator.<ScoreDoc>comparingDouble(hit -> -hit.score).thenComparingInt(hit -> hit.doc);

  /** A search of the graph keeps at least this many candidates: fewer lose recall. */
  private static final int MIN_CANDIDATES = 64;

  private final IndexSearcher searcher;
  private final HybridSchema schema;
  private final LegQueries queries;

  LegSearch(IndexSearcher searcher, HybridSchema schema, LegQueries queries) {
    this.searcher = searcher;
    this.schema = schema;
    this.queries = queries;
  }

  List<ScoreDoc> dense(float[] vector, HybridQuery.LegOptions options, @Nullable Query filter)
      throws IOException {
    int depth = bounded(options.depth());
    float oversampling = schema.dense().map(d -> d.quantization().oversampling()).orElse(1f);
    int k = bounded(Math.max(MIN_CANDIDATES, (int) Math.min(1 << 30, depth * oversampling)));
    Query query = queries.dense(vector, k, filter);
    if (oversampling > 1) {
      List<ScoreDoc> exact = exact(top(query, k), (of, doc) -> of.bestDense(doc, vector));
      return exact.subList(0, Math.min(depth, exact.size()));
    }
    List<ScoreDoc> hits = new ArrayList<>();
    for (ScoreDoc hit : top(query, depth)) {
      hits.add(new ScoreDoc(hit.doc, queries.dotProduct(hit.score)));
    }
    return hits;
  }

  /**
   * The best documents by the exact weights, if the index keeps them, else by the rounded ones of
   * the postings.
   *
   * <p>A document's exact score exceeds its score by the postings by at most {@code e}, see {@link
   * SparsePostings#error}. So once the k-th best exact score among the first n documents by
   * postings exceeds the n-th score by postings by more than {@code e}, no other document can be
   * among the best k. Until then n grows. Only documents all of whose shared weights round to 0 are
   * never seen; their exact scores are at most {@code e}.
   */
  List<ScoreDoc> sparse(SparseVector vector, HybridQuery.LegOptions options, @Nullable Query filter)
      throws IOException {
    HybridSchema.Sparse form = schema.sparse().orElseThrow();
    Query query = queries.sparse(vector, filter);
    int depth = bounded(options.depth());
    if (!form.exact()) {
      return top(query, depth);
    }
    for (int wanted = bounded(depth + depth / 4 + 8); ; wanted = bounded(4L * wanted)) {
      List<ScoreDoc> rounded = top(query, wanted);
      List<ScoreDoc> exact = exact(rounded, (of, doc) -> of.bestSparse(doc, vector));
      if (rounded.size() < wanted || wanted == bounded(Integer.MAX_VALUE)) {
        return exact.subList(0, Math.min(depth, exact.size()));
      }
      float last = rounded.get(rounded.size() - 1).score;
      if (exact.get(depth - 1).score > last + form.postings().error(vector, last)) {
        return exact.subList(0, depth);
      }
    }
  }

  /** A document's exact score by its vectors; documents are numbered as in their segment. */
  private interface Exact {
    float score(DocumentVectors of, int doc) throws IOException;
  }

  /** The same documents by their exact scores. */
  private List<ScoreDoc> exact(List<ScoreDoc> hits, Exact by) throws IOException {
    List<ScoreDoc> ascending = new ArrayList<>(hits);
    ascending.sort(Comparator.comparingInt(hit -> hit.doc));
    List<ScoreDoc> exact = new ArrayList<>(hits.size());
    SegmentCursor<DocumentVectors> segments =
        new SegmentCursor<>(searcher.getIndexReader(), queries::vectors);
    for (ScoreDoc hit : ascending) {
      DocumentVectors vectors = segments.advance(hit.doc);
      exact.add(new ScoreDoc(hit.doc, by.score(vectors, hit.doc - segments.base())));
    }
    exact.sort(BEST_FIRST);
    return exact;
  }

  List<ScoreDoc> bm25(
      String text, WordBoosts boosts, HybridQuery.LegOptions options, @Nullable Query filter)
      throws IOException {
    return top(queries.bm25(text, boosts, filter), bounded(options.depth()));
  }

  /** Lucene allocates a list of the length asked for, so no more is asked for than there is. */
  private int bounded(long count) {
    return (int) Math.max(1, Math.min(count, searcher.getIndexReader().maxDoc()));
  }

  private List<ScoreDoc> top(Query query, int count) throws IOException {
    return Arrays.asList(
        searcher.search(query, new TopScoreDocCollectorManager(count, null, count)).scoreDocs);
  }
}
