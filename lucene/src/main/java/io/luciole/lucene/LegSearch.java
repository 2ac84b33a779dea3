package io.luciole.lucene;

import io.luciole.SparseVector;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.lucene.search.IndexSearcher;
import org.apache.lucene.search.Query;
import org.apache.lucene.search.RescoreTopNQuery;
import org.apache.lucene.search.ScoreDoc;
import org.apache.lucene.search.TopScoreDocCollectorManager;
import org.jspecify.annotations.Nullable;

/** Runs single legs against one view of an index. Scores come back in the legs' own units. */
final class LegSearch {
  /** A walk over the graph keeps at least this many candidates: fewer lose recall. */
  private static final int MIN_CANDIDATES = 64;

  private final IndexSearcher searcher;
  private final HybridSchema schema;
  private final LegQueries queries;

  LegSearch(IndexSearcher searcher, HybridSchema schema, LegQueries queries) {
    this.searcher = searcher;
    this.schema = schema;
    this.queries = queries;
  }

  LegResult dense(float[] vector, HybridQuery.LegOptions options, @Nullable Query filter)
      throws IOException {
    int depth = bounded(options.depth());
    float oversampling = schema.dense().map(d -> d.quantization().oversampling()).orElse(1f);
    int k = bounded(Math.max(MIN_CANDIDATES, (int) Math.min(1 << 30, depth * oversampling)));
    Query query = queries.dense(vector, k, filter);
    if (oversampling > 1) {
      query =
          RescoreTopNQuery.createFullPrecisionRescorerQuery(query, vector, SchemaFields.DENSE, k);
    }
    List<ScoreDoc> hits = new ArrayList<>();
    for (ScoreDoc hit : top(query, depth)) {
      hits.add(new ScoreDoc(hit.doc, queries.dotProduct(hit.score)));
    }
    return new LegResult(Leg.DENSE, options.weight(), hits);
  }

  LegResult sparse(SparseVector vector, HybridQuery.LegOptions options, @Nullable Query filter)
      throws IOException {
    Query query = queries.sparse(vector, filter);
    return new LegResult(Leg.SPARSE, options.weight(), top(query, bounded(options.depth())));
  }

  LegResult words(String text, HybridQuery.LegOptions options, @Nullable Query filter)
      throws IOException {
    Query query = queries.words(text, filter);
    return new LegResult(Leg.BM25, options.weight(), top(query, bounded(options.depth())));
  }

  /** No list is longer than the index; what is collected in is allocated at once. */
  private int bounded(int count) {
    return Math.max(1, Math.min(count, searcher.getIndexReader().maxDoc()));
  }

  private List<ScoreDoc> top(Query query, int count) throws IOException {
    return Arrays.asList(
        searcher.search(query, new TopScoreDocCollectorManager(count, null, count)).scoreDocs);
  }
}
