package io.luciole.onnx;

import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * What the kernels compute, in double precision and in the plainest way. Matrices are row after
 * row.
 */
final class KernelReference {
  private KernelReference() {}

  /** Layer normalisation of rows of {@code hidden} components. */
  static double[] layerNorm(double[] x, int hidden, float[] gamma, float[] beta, float epsilon) {
    double[] y = new double[x.length];
    for (int row = 0; row < x.length; row += hidden) {
      double[] meanRstd = meanRstd(x, row, hidden, epsilon);
      for (int i = 0; i < hidden; i++) {
        y[row + i] = (x[row + i] - meanRstd[0]) * meanRstd[1] * gamma[i] + beta[i];
      }
    }
    return y;
  }

  /** Mean and reciprocal standard deviation of a row that begins at {@code from}. */
  static double[] meanRstd(double[] x, int from, int hidden, float epsilon) {
    double mean = Arrays.stream(x, from, from + hidden).sum() / hidden;
    double squares = 0;
    for (int i = from; i < from + hidden; i++) {
      squares += (x[i] - mean) * (x[i] - mean);
    }
    return new double[] {mean, 1 / Math.sqrt(squares / hidden + epsilon)};
  }

  /** {@code x [rows, k] · weight [columns, k]ᵀ + bias [columns]}. */
  static double[] product(double[] x, float[] weight, float[] bias, int k) {
    int rows = x.length / k;
    int columns = bias.length;
    double[] y = new double[rows * columns];
    IntStream.range(0, columns)
        .parallel()
        .forEach(column -> {
          for (int row = 0; row < rows; row++) {
            double sum = bias[column];
            for (int i = 0; i < k; i++) {
              sum += x[row * k + i] * weight[column * k + i];
            }
            y[row * columns + column] = sum;
          }
        });
    return y;
  }

  /**
   * Attention of every token over the tokens of its text.
   *
   * @param qkv [T, 3·hidden] queries, keys and values, each head by head
   * @param size components of a head
   * @param spans [T, 2] where a token's text starts and ends
   * @return [T, hidden]
   */
  static double[] attention(double[] qkv, int hidden, int size, int[] spans) {
    int tokens = spans.length / 2;
    double[] out = new double[tokens * hidden];
    IntStream.range(0, tokens * hidden / size)
        .parallel()
        .forEach(i -> {
          int token = i / (hidden / size);
          int head = i % (hidden / size) * size;
          attend(qkv, hidden, head, size, token, spans[2 * token], spans[2 * token + 1], out);
        });
    return out;
  }

  private static void attend(
      double[] qkv, int hidden, int head, int size, int token, int from, int to, double[] out) {
    double[] scores = new double[Math.max(0, to - from)];
    int query = token * 3 * hidden + head;
    double max = Double.NEGATIVE_INFINITY;
    for (int key = from; key < to; key++) {
      int at = (key * 3 + 1) * hidden + head;
      double score = 0;
      for (int i = 0; i < size; i++) {
        score += qkv[query + i] * qkv[at + i];
      }
      scores[key - from] = score / Math.sqrt(size);
      max = Math.max(max, scores[key - from]);
    }
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      scores[i] = Math.exp(scores[i] - max);
      sum += scores[i];
    }
    for (int key = from; key < to; key++) {
      int at = (key * 3 + 2) * hidden + head;
      double share = scores[key - from] / sum;
      for (int i = 0; i < size; i++) {
        out[token * hidden + head + i] += share * qkv[at + i];
      }
    }
  }

  /** The value of an 8-bit float: a sign, four bits of exponent, three of mantissa. */
  static double fromE4m3(byte bits) {
    int exponent = (bits >> 3) & 15;
    int mantissa = bits & 7;
    if (exponent == 15 && mantissa == 7) {
      return Double.NaN;
    }
    double size =
        exponent == 0
            ? Math.scalb((double) mantissa, -9)
            : Math.scalb(8.0 + mantissa, exponent - 10);
    return bits < 0 ? -size : size;
  }

  /** The nearest 8-bit float, ties to even; the largest, 448, for what is beyond. */
  static byte toE4m3(double value) {
    double size = Math.min(Math.abs(value), 448);
    int exponent = Math.max(Math.getExponent(size), -6);
    int eighths = (int) Math.rint(Math.scalb(size, 3 - exponent));
    int bits = eighths < 8 ? eighths : ((exponent + 7) << 3) + eighths - 8;
    return (byte) (value < 0 ? bits | 0x80 : bits);
  }

  /** Which component of a head attention writes at a place, where it writes e4m3. */
  static int componentStoredAt(int position, int head) {
    int quarter = head / 4;
    int within = position % quarter;
    return within / 2 * 8 + position / quarter * 2 + within % 2;
  }

  /** An activation by its number in the operator: GELU, GELU by tanh, ReLU. */
  static double activate(double x, int activation) {
    return switch (activation) {
      case 0 -> 0.5 * x * (1 + erf(x / Math.sqrt(2)));
      case 1 -> 0.5 * x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
      default -> Math.max(x, 0);
    };
  }

  /** The error function by its Maclaurin series, which converges everywhere; exact to 1e-12. */
  private static double erf(double x) {
    if (Math.abs(x) > 4.5) {
      return Math.signum(x);
    }
    double term = x;
    double sum = x;
    for (int n = 1; n < 120; n++) {
      term *= -x * x / n;
      sum += term / (2 * n + 1);
    }
    return 2 / Math.sqrt(Math.PI) * sum;
  }
}
