package io.luciole.lucene;

import java.util.List;
import java.util.SplittableRandom;
import org.apache.lucene.util.VectorUtil;

/**
 * Centroids of token vectors, and how far vectors are from them in each component: what a vector is
 * compressed with. Immutable.
 *
 * <p>After ColBERTv2 (Santhanam et al., "ColBERTv2: Effective and Efficient Retrieval via
 * Lightweight Late Interaction", arXiv 2112.01488, section 3.3): a vector is the nearest centroid
 * plus a residual of 2 bits a component. Other than there, a residual is divided by the spread of
 * each component and by its own size before it is rounded, and the four values are those with the
 * least squared error for the normal distribution (Max, "Quantizing for Minimum Distortion", 1960,
 * table I) in place of quantiles. There are {@value #COUNT} centroids, because vectors are looked
 * at only for documents that something else found.
 *
 * <p>Centroids are learnt by spherical k-means: those of a cluster are averaged, and the mean is
 * brought to length 1. The same vectors in the same order give the same centroids on any processor
 * but for the last bits of sums.
 */
final class TokenCentroids {
  /** How many there are, so that one byte names one. */
  static final int COUNT = 256;

  /** The values of a component of a residual of spread 1. */
  private static final float[] LEVELS = {-1.510f, -0.4528f, 0.4528f, 1.510f};

  private static final float CUBIC = (LEVELS[3] - 3 * LEVELS[2]) / 3;
  private static final float LINEAR = 2 * LEVELS[2] - CUBIC / 4;

  /** Above it in absolute value, the outer value is the nearer one. */
  private static final float BETWEEN = 0.9816f;

  /**
   * The least spread of a component, as a share of the root mean square of all: what hardly varies
   * in the vectors that were learnt from may vary in others.
   */
  private static final double LEAST_SHARE = 0.25;

  /** The least spread where no component differs from its centroid. */
  private static final double LEAST_SPREAD = 1e-4;

  private static final int ROUNDS = 6;

  private final TokenRow[] centroids;
  private final float[] spread;

  /**
   * Takes what was learnt.
   *
   * @param centroids {@link #COUNT} of them
   * @param spread of each component, the root of the mean square of residuals; above 0
   */
  TokenCentroids(TokenRow[] centroids, float[] spread) {
    this.centroids = centroids;
    this.spread = spread;
  }

  TokenRow centroid(int code) {
    return centroids[code];
  }

  /** The spread of each component; not to be changed. */
  float[] spread() {
    return spread;
  }

  /** The value of a component that a code of 2 bits stands for. */
  static float level(int code) {
    return LEVELS[code];
  }

  /**
   * The same by arithmetic, which processors do on many codes at once: a cubic through the four
   * values, off by what floats round.
   */
  static float level(float code) {
    float x = code - 1.5f;
    return x * (LINEAR + CUBIC * x * x);
  }

  /** The code of the value that is nearest to a component of a residual of spread 1. */
  static int code(float component) {
    return component < 0 ? component < -BETWEEN ? 0 : 1 : component > BETWEEN ? 3 : 2;
  }

  /**
   * Learns from vectors.
   *
   * @param vectors of about length 1; more than {@link #COUNT}
   */
  static TokenCentroids learn(List<TokenRow> vectors, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    TokenRow[] centroids = new TokenRow[COUNT];
    for (int c = 0; c < COUNT; c++) {
      // One of each of as many stretches of the vectors, so that no vector is taken twice.
      long from = (long) c * vectors.size() / COUNT;
      long to = (long) (c + 1) * vectors.size() / COUNT;
      centroids[c] = vectors.get((int) (from + random.nextLong(to - from)));
    }
    for (int round = 0; round < ROUNDS; round++) {
      centroids = moved(centroids, vectors, random);
    }
    return new TokenCentroids(centroids, spread(centroids, vectors));
  }

  private static TokenRow[] moved(
      TokenRow[] centroids, List<TokenRow> vectors, SplittableRandom random) {
    int dimension = centroids[0].dimension();
    double[][] sums = new double[COUNT][dimension];
    int[] members = new int[COUNT];
    for (TokenRow vector : vectors) {
      int nearest = nearest(centroids, vector);
      vector.addTo(sums[nearest]);
      members[nearest]++;
    }
    TokenRow[] moved = new TokenRow[COUNT];
    for (int c = 0; c < COUNT; c++) {
      moved[c] =
          members[c] == 0
              ? vectors.get(random.nextInt(vectors.size()))
              : TokenRow.ofDirection(sums[c]);
    }
    return moved;
  }

  private static int nearest(TokenRow[] centroids, TokenRow vector) {
    int nearest = 0;
    float largest = Float.NEGATIVE_INFINITY;
    for (int c = 0; c < COUNT; c++) {
      float dot = centroids[c].dotByScale(vector);
      if (dot > largest) {
        largest = dot;
        nearest = c;
      }
    }
    return nearest;
  }

  /** The centroid with the largest dot product. */
  int nearest(TokenRow vector) {
    return nearest(centroids, vector);
  }

  private static float[] spread(TokenRow[] centroids, List<TokenRow> vectors) {
    int dimension = centroids[0].dimension();
    double[] squares = new double[dimension];
    float[] centroid = new float[dimension];
    float[] vector = new float[dimension];
    for (TokenRow row : vectors) {
      centroids[nearest(centroids, row)].decode(centroid);
      row.decode(vector);
      for (int d = 0; d < dimension; d++) {
        double residual = vector[d] - centroid[d];
        squares[d] += residual * residual;
      }
    }
    double all = 0;
    for (int d = 0; d < dimension; d++) {
      squares[d] /= vectors.size();
      all += squares[d] / dimension;
    }
    double least = Math.max(LEAST_SPREAD, LEAST_SHARE * Math.sqrt(all));
    float[] spread = new float[dimension];
    for (int d = 0; d < dimension; d++) {
      spread[d] = (float) Math.max(least, Math.sqrt(squares[d]));
    }
    return spread;
  }

  /** The length of a vector. */
  static float length(float[] row) {
    return (float) Math.sqrt(VectorUtil.dotProduct(row, row));
  }
}
