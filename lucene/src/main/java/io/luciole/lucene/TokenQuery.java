package io.luciole.lucene;

import java.io.IOException;
import java.util.IdentityHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A query's token vectors, and the products with centroids that its tasks share. Safe for use by
 * many threads.
 */
final class TokenQuery {
  private final float[][] rows;

  /** By field of a segment, of each set of centroids that was needed. Guarded by this. */
  private final IdentityHashMap<ResidualFormat.Field, @Nullable ResidualScorer[]> scorers =
      new IdentityHashMap<>();

  /**
   * Creates a query.
   *
   * @param rows the vectors, of one dimension; not to be changed
   */
  TokenQuery(float[][] rows) {
    this.rows = rows;
  }

  /** The vectors; not to be changed. */
  float[][] rows() {
    return rows;
  }

  /** Reads centroids. */
  interface Loader {
    TokenCentroids load() throws IOException;
  }

  /**
   * The scorer of vectors that a set of centroids compresses, the same for all threads.
   *
   * @param field that of a segment; another segment's is another, even if it is equal
   */
  synchronized ResidualScorer scorer(ResidualFormat.Field field, int set, Loader centroids)
      throws IOException {
    @Nullable ResidualScorer[] ofField =
        scorers.computeIfAbsent(field, f -> new ResidualScorer[f.centroids().size()]);
    ResidualScorer known = ofField[set];
    if (known == null) {
      known = new ResidualScorer(centroids.load(), rows, field.dimension());
      ofField[set] = known;
    }
    return known;
  }
}
