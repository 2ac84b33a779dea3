package io.luciole;

import io.luciole.model.ModelDescription;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.Set;

/**
 * Turns a backend's raw outputs into embeddings by BGE-M3's rules (FlagEmbedding 1.4.0, {@code
 * BGEM3FlagModel}):
 *
 * <ul>
 *   <li>dense: {@code x / max(‖x‖₂, 1e-12)} if the model normalises, else {@code x};
 *   <li>sparse: the largest weight of each token id, without special ids and weights of 0;
 *   <li>ColBERT: every row but the first, each {@code x / max(‖x‖₂, 1e-12)}.
 * </ul>
 *
 * <p>Immutable and safe for use by many threads.
 */
final class EmbeddingDecoder {
  private static final double MIN_NORM = 1e-12;
  private static final String COLBERT_ROW = "ColBERT row";

  private final boolean normalize;
  private final Set<Integer> unweighted;
  private final int dimension;
  private final int colbertDimension;

  EmbeddingDecoder(ModelDescription description, BackendInfo backend) {
    this.normalize = description.normalize();
    this.unweighted = description.unweightedTokens();
    this.dimension = backend.dimension();
    this.colbertDimension = backend.colbertDimension();
  }

  /**
   * Decodes one text of a batch.
   *
   * @param text the index of the text in the batch
   * @param wanted the outputs that the text asked for; the batch may have more
   * @throws NotFiniteException if the backend's values for this text are not all finite
   */
  Embedding decode(
      BackendOutput output, TokenBatch batch, int text, Set<Output> wanted, boolean truncated) {
    return new Embedding(
        wanted.contains(Output.DENSE) ? dense(output.get(Output.DENSE), text) : null,
        wanted.contains(Output.SPARSE) ? sparse(output.get(Output.SPARSE), batch, text) : null,
        wanted.contains(Output.COLBERT) ? colbert(output, batch, text) : null,
        batch.length(text),
        truncated);
  }

  private float[] dense(FloatBuffer values, int text) {
    float[] vector = new float[dimension];
    values.get(text * dimension, vector);
    double norm = norm(vector, 0, dimension, "dense vector");
    if (normalize) {
      scale(vector, 0, dimension, norm);
    }
    return vector;
  }

  private SparseVector sparse(FloatBuffer weights, TokenBatch batch, int text) {
    // A pair is one long with the id in the upper half. Sorting puts the largest weight of each id
    // last, because positive floats have the order of their bits.
    long[] pairs = new long[batch.length(text)];
    int count = 0;
    for (int t = batch.offset(text); t < batch.offset(text + 1); t++) {
      float weight = weights.get(t);
      if (!Float.isFinite(weight)) {
        throw new NotFiniteException("token weight", weight);
      }
      int id = batch.tokenIds()[t];
      if (weight > 0 && !unweighted.contains(id)) {
        pairs[count++] = ((long) id << 32) | Float.floatToRawIntBits(weight);
      }
    }
    Arrays.sort(pairs, 0, count);
    int[] ids = new int[count];
    float[] largest = new float[count];
    int size = 0;
    for (int i = 0; i < count; i++) {
      int id = (int) (pairs[i] >>> 32);
      if (i + 1 == count || (int) (pairs[i + 1] >>> 32) != id) {
        ids[size] = id;
        largest[size++] = Float.intBitsToFloat((int) pairs[i]);
      }
    }
    return SparseVector.of(Arrays.copyOf(ids, size), Arrays.copyOf(largest, size));
  }

  private MultiVector colbert(BackendOutput output, TokenBatch batch, int text) {
    int rows = batch.length(text) - 1;
    int from = (batch.offset(text) + 1) * colbertDimension;
    int size = Math.multiplyExact(rows, colbertDimension);
    ShortBuffer halves = output.halves(Output.COLBERT).orElse(null);
    return halves != null
        ? colbert(halves, from, new short[size])
        : colbert(output.get(Output.COLBERT), from, new float[size]);
  }

  private MultiVector colbert(FloatBuffer vectors, int first, float[] values) {
    vectors.get(first, values);
    for (int from = 0; from < values.length; from += colbertDimension) {
      scale(values, from, colbertDimension, norm(values, from, colbertDimension, COLBERT_ROW));
    }
    return MultiVector.ofOwned(colbertDimension, values);
  }

  /** Rows in fp16 stay so, with a factor each that gives them length 1. */
  private MultiVector colbert(ShortBuffer vectors, int first, short[] values) {
    vectors.get(first, values);
    double[] factors = new double[values.length / colbertDimension];
    float[] row = new float[colbertDimension];
    for (int r = 0; r < factors.length; r++) {
      HalfRows.decode(values, r * colbertDimension, row);
      factors[r] = factor(norm(row, 0, colbertDimension, COLBERT_ROW));
    }
    return MultiVector.ofOwned(colbertDimension, new HalfRows(values, factors));
  }

  private static double norm(float[] values, int from, int length, String what) {
    double squares = squares(values, from, length);
    if (!Double.isFinite(squares)) {
      throw new NotFiniteException(what, squares);
    }
    return Math.sqrt(squares);
  }

  /** Four sums beside each other, since an addition waits for the one before it. */
  private static double squares(float[] values, int from, int length) {
    double a = 0;
    double b = 0;
    double c = 0;
    double d = 0;
    int i = from;
    for (int end = from + length - 3; i < end; i += 4) {
      a += (double) values[i] * values[i];
      b += (double) values[i + 1] * values[i + 1];
      c += (double) values[i + 2] * values[i + 2];
      d += (double) values[i + 3] * values[i + 3];
    }
    for (; i < from + length; i++) {
      a += (double) values[i] * values[i];
    }
    return a + b + (c + d);
  }

  private static void scale(float[] values, int from, int length, double norm) {
    double factor = factor(norm);
    for (int i = from; i < from + length; i++) {
      values[i] = (float) (values[i] * factor);
    }
  }

  private static double factor(double norm) {
    return 1 / Math.max(norm, MIN_NORM);
  }
}
