package io.luciole;

/**
 * Rows of a {@link MultiVector} in fp16, as a backend left them, at half the memory of floats.
 *
 * @param values the bits of the components, row after row
 * @param factors what each row is to be multiplied by, in double precision
 */
@SuppressWarnings("ArrayRecordComponent") // Never compared; a MultiVector compares components.
record HalfRows(short[] values, double[] factors) {
  /** Converts components from {@code from} on, as many as {@code to} has. */
  static void decode(short[] values, int from, float[] to) {
    for (int i = 0; i < to.length; i++) {
      to[i] = Float.float16ToFloat(values[from + i]);
    }
  }

  /** The components of some rows, multiplied, row after row. */
  float[] floats(int firstRow, int rows, int dimension) {
    float[] floats = new float[rows * dimension];
    for (int r = 0; r < rows; r++) {
      double factor = factors[firstRow + r];
      int from = (firstRow + r) * dimension;
      for (int i = 0; i < dimension; i++) {
        floats[r * dimension + i] = (float) (Float.float16ToFloat(values[from + i]) * factor);
      }
    }
    return floats;
  }
}
