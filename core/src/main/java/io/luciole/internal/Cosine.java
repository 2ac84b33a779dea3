package io.luciole.internal;

/** The cosine of two vectors, summed in doubles, for comparing what should agree. */
public final class Cosine {
  private Cosine() {}

  /**
   * Computes a cosine.
   *
   * @return from -1 to 1 but for rounding; not a number if a vector is zero, or their lengths
   *     differ
   */
  public static double of(float[] a, float[] b) {
    if (a.length != b.length) {
      return Double.NaN;
    }
    double dot = 0;
    double aa = 0;
    double bb = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      aa += (double) a[i] * a[i];
      bb += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(aa * bb);
  }
}
