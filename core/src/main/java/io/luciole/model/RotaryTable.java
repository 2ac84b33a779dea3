package io.luciole.model;

/**
 * Cosines and sines of rotary positions (Su et al. 2021), computed in floats as Transformers does.
 *
 * @param cos {@code [positions, headSize / 2]}
 * @param sin of the same shape
 */
@SuppressWarnings("ArrayRecordComponent") // Two tables; nobody compares them.
public record RotaryTable(float[] cos, float[] sin) {
  /**
   * Computes the tables.
   *
   * @param base the base θ
   * @param headSize components of a head, an even number
   * @param positions rows of the tables
   * @return the tables
   */
  public static RotaryTable of(double base, int headSize, int positions) {
    int half = headSize / 2;
    float[] frequencies = new float[half];
    for (int i = 0; i < half; i++) {
      frequencies[i] = 1 / (float) Math.pow(base, (float) (2 * i) / headSize);
    }
    float[] cos = new float[positions * half];
    float[] sin = new float[positions * half];
    for (int position = 0; position < positions; position++) {
      for (int i = 0; i < half; i++) {
        float angle = frequencies[i] * position;
        cos[position * half + i] = (float) Math.cos(angle);
        sin[position * half + i] = (float) Math.sin(angle);
      }
    }
    return new RotaryTable(cos, sin);
  }
}
