package io.luciole.lucene;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.apache.lucene.util.VectorUtil;
import org.jspecify.annotations.Nullable;

/**
 * The dot products of a query's rows with vectors compressed by the same centroids. Those with
 * centroids are computed once for a query and kept in a table, as in PLAID (Santhanam et al.,
 * "PLAID: An Efficient Engine for Late Interaction Retrieval", arXiv 2205.09707, section 4), those
 * with residuals for each vector. Safe for use by many threads.
 */
final class ResidualScorer {
  private final float[][] query;

  /** The query's rows with each component times its spread, for products with residuals. */
  private final float[][] spread;

  private final TokenCentroids by;
  private final int dimension;

  /**
   * By centroid the dot products with the query's rows; null until one is needed. Threads may
   * compute the same ones at a time.
   */
  private final AtomicReferenceArray<float @Nullable []> products =
      new AtomicReferenceArray<>(TokenCentroids.COUNT);

  ResidualScorer(TokenCentroids by, float[][] query, int dimension) {
    this.query = query;
    this.spread = new float[query.length][ResidualRows.residualLength(dimension)];
    for (int q = 0; q < query.length; q++) {
      for (int d = 0; d < dimension; d++) {
        spread[q][d] = query[q][d] * by.spread()[d];
      }
    }
    this.by = by;
    this.dimension = dimension;
  }

  /**
   * Raises each query row's best dot product by those with some vectors.
   *
   * @param best the largest products so far, one for each of the query's rows
   */
  void raise(float[] best, byte[] from, int offset, int count) {
    float[] residual = new float[ResidualRows.residualLength(dimension)];
    for (int r = 0, at = offset; r < count; r++, at += ResidualRows.size(dimension)) {
      float[] withCentroid = products(ResidualRows.centroidOf(from, at));
      float factor = ResidualRows.factor(from, at);
      float size = ResidualRows.residualSize(from, at);
      ResidualRows.residual(from, at, residual);
      for (int q = 0; q < query.length; q++) {
        float dot = withCentroid[q] + size * VectorUtil.dotProduct(spread[q], residual);
        best[q] = Math.max(best[q], factor * dot);
      }
    }
  }

  private float[] products(int code) {
    float[] known = products.get(code);
    if (known == null) {
      float[] centroid = new float[dimension];
      by.centroid(code).decode(centroid);
      known = new float[query.length];
      for (int q = 0; q < query.length; q++) {
        known[q] = VectorUtil.dotProduct(query[q], centroid);
      }
      products.set(code, known);
    }
    return known;
  }
}
