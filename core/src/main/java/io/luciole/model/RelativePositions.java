package io.luciole.model;

/**
 * T5's buckets of distances (Raffel et al. 2020), as MPNet has them: half of them for keys before
 * the query and half for those behind it; of each, half for single distances and the rest for
 * distances that grow logarithmically.
 */
final class RelativePositions {
  /** From this distance on, all are in the last bucket. */
  static final int FARTHEST = 128;

  private RelativePositions() {}

  /**
   * The values by distance.
   *
   * @param table {@code [buckets, heads]}
   * @return {@code [heads, 2·FARTHEST + 1]}: the value for a key that is {@code i − FARTHEST}
   *     tokens behind its query
   */
  static float[] byDistance(float[] table, int buckets, int heads) {
    int width = 2 * FARTHEST + 1;
    float[] values = new float[heads * width];
    for (int i = 0; i < width; i++) {
      int bucket = bucket(i - FARTHEST, buckets);
      for (int head = 0; head < heads; head++) {
        values[head * width + i] = table[bucket * heads + head];
      }
    }
    return values;
  }

  /** In floats, as Transformers computes it. */
  static int bucket(int keyMinusQuery, int buckets) {
    int half = buckets / 2;
    int side = keyMinusQuery > 0 ? half : 0;
    int distance = Math.abs(keyMinusQuery);
    int single = half / 2;
    if (distance < single) {
      return side + distance;
    }
    float share =
        (float) Math.log((float) distance / single) / (float) Math.log((double) FARTHEST / single);
    return side + Math.min(half - 1, single + (int) (share * (half - single)));
  }
}
