package io.luciole.lucene;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import org.apache.lucene.index.LeafReaderContext;
import org.apache.lucene.index.ReaderUtil;
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

  /** A walk over the graph keeps at least this many candidates: fewer lose recall. */
  private static final int MIN_CANDIDATES = 64;

  /** What FeatureField's 9 bits, rounded, can be off by, in proportion. */
  private static final double FEATURE_ERROR = 1.0 / 512;

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
   * The best by the weights as they were, if the index keeps them, else by the rounded ones of the
   * postings.
   *
   * <p>A document's rounded score is off by at most {@code e}, half a step times the sum of the
   * query's weights. So once the k-th best exact score among the first n documents by rounded score
   * exceeds the n-th rounded score by more than {@code e}, no other document can be among the best
   * k. Until then more are taken. Only documents all of whose shared weights round to 0 are never
   * seen; their scores are at most {@code e}.
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
      if (exact.get(depth - 1).score > last + error(form, vector, last)) {
        return exact.subList(0, depth);
      }
    }
  }

  /** How much a document's exact score can exceed its rounded one. */
  private static double error(HybridSchema.Sparse form, SparseVector query, float rounded) {
    if (form.form() == SparseForm.FEATURES) {
      return rounded * FEATURE_ERROR * 2;
    }
    double sum = 0;
    for (int i = 0; i < query.size(); i++) {
      sum += query.weight(i);
    }
    return sum * 0.5 / form.scale() + rounded * 1e-6; // Sums of floats round, too.
  }

  /** A document's exact score by its vectors; documents are numbered as in their segment. */
  private interface Exact {
    float score(DocumentVectors of, int doc) throws IOException;
  }

  /** The same documents by their exact scores. */
  private List<ScoreDoc> exact(List<ScoreDoc> hits, Exact by) throws IOException {
    List<ScoreDoc> ascending = new ArrayList<>(hits);
    ascending.sort(Comparator.comparingInt(hit -> hit.doc));
    List<LeafReaderContext> leaves = searcher.getIndexReader().leaves();
    List<ScoreDoc> exact = new ArrayList<>(hits.size());
    LeafReaderContext leaf = null;
    DocumentVectors vectors = null;
    for (ScoreDoc hit : ascending) {
      if (leaf == null || vectors == null || hit.doc >= leaf.docBase + leaf.reader().maxDoc()) {
        leaf = leaves.get(ReaderUtil.subIndex(hit.doc, leaves));
        vectors = queries.vectors(leaf);
      }
      exact.add(new ScoreDoc(hit.doc, by.score(vectors, hit.doc - leaf.docBase)));
    }
    exact.sort(BEST_FIRST);
    return exact;
  }

  List<ScoreDoc> words(String text, HybridQuery.LegOptions options, @Nullable Query filter)
      throws IOException {
    return top(queries.words(text, filter), bounded(options.depth()));
  }

  /** No list is longer than the index; what is collected in is allocated at once. */
  private int bounded(long count) {
    return (int) Math.max(1, Math.min(count, searcher.getIndexReader().maxDoc()));
  }

  private List<ScoreDoc> top(Query query, int count) throws IOException {
    return Arrays.asList(
        searcher.search(query, new TopScoreDocCollectorManager(count, null, count)).scoreDocs);
  }
}
