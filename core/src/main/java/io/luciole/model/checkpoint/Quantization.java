package io.luciole.model.checkpoint;

import java.util.Arrays;

/**
 * What the bytes of a quantised tensor stand for: {@code w = scale · (q − zero)}, as ONNX's {@code
 * DequantizeLinear} has it. Scales and zero points are those of the tensor's rows, or one for all.
 * Immutable.
 */
public final class Quantization {
  private final float[] scales;
  private final int[] zeros;

  /**
   * Takes the arrays over, which nobody may change any more.
   *
   * @param scales one value, or one for each row (index of the first dimension)
   * @param zeros as many zero points, in the range of the bytes
   * @throws IllegalArgumentException if there are not as many of the one as of the other, or a
   *     scale is not finite
   */
  Quantization(float[] scales, int[] zeros) {
    if (scales.length == 0 || scales.length != zeros.length) {
      throw new IllegalArgumentException(
          scales.length + " scales with " + zeros.length + " zero points");
    }
    for (float scale : scales) {
      if (!Float.isFinite(scale)) {
        throw new IllegalArgumentException("the scale " + scale);
      }
    }
    this.scales = scales;
    this.zeros = zeros;
  }

  /**
   * The scale of a row.
   *
   * @param row an index of the tensor's first dimension
   * @return the factor of the row's bytes
   */
  public float scale(int row) {
    return scales.length == 1 ? scales[0] : scales[row];
  }

  /**
   * The zero point of a row.
   *
   * @param row an index of the tensor's first dimension
   * @return what is subtracted from the row's bytes
   */
  public int zero(int row) {
    return zeros.length == 1 ? zeros[0] : zeros[row];
  }

  /** That of a tensor's rows from {@code first} on. */
  Quantization rows(int first, int count) {
    return scales.length == 1
        ? this
        : new Quantization(
            Arrays.copyOfRange(scales, first, first + count),
            Arrays.copyOfRange(zeros, first, first + count));
  }

  /** How many scales there are: one, or as many as rows. */
  int count() {
    return scales.length;
  }
}
