package io.luciole;

import io.luciole.model.DenseRecipe;
import io.luciole.model.ModelDescription;
import io.luciole.model.TokenPooling;
import io.luciole.model.VectorModule;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.nio.ShortBuffer;
import java.util.Arrays;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Turns a backend's raw outputs into embeddings by BGE-M3's rules (FlagEmbedding 1.4.0, {@code
 * BGEM3FlagModel}):
 *
 * <ul>
 *   <li>dense: pooled, if the backend gives the states of all tokens; through the modules behind
 *       pooling and cut to the first components, if the model has such; then {@code x / max(‖x‖₂,
 *       1e-12)} if the model normalises, else {@code x};
 *   <li>sparse: the largest weight of each token id, without special ids and weights of 0;
 *   <li>ColBERT: every row but the first, each {@code x / max(‖x‖₂, 1e-12)}.
 * </ul>
 *
 * <p>Immutable and safe for use by many threads.
 */
final class EmbeddingDecoder {
  private static final double MIN_NORM = 1e-12;
  private static final String COLBERT_ROW = "ColBERT row";

  private final DenseRecipe recipe;
  private final @Nullable TokenPooler pooler;
  private final int outputs;
  private final Set<Integer> unweighted;
  private final int dimension;
  private final int colbertDimension;

  /**
   * Creates a decoder.
   *
   * @throws io.luciole.model.ModelException if the model's modules do not fit the backend's vectors
   */
  EmbeddingDecoder(ModelDescription description, BackendInfo backend) {
    this.recipe = description.dense();
    TokenPooling pooling = recipe.pooling();
    this.pooler =
        pooling != null && recipe.poolsStates()
            ? new TokenPooler(pooling, backend.dimension())
            : null;
    this.outputs = recipe.outputs(backend.dimension());
    this.unweighted = description.unweightedTokens();
    this.dimension = backend.dimension();
    this.colbertDimension = backend.colbertDimension();
  }

  /** Whether the dense values of the backend are the states of all tokens. */
  boolean pools() {
    return pooler != null;
  }

  /**
   * Decodes one text of a batch.
   *
   * @param text the index of the text in the batch
   * @param wanted the outputs that the text asked for; the batch may have more
   * @param unpooled how many tokens at its beginning take no part in pooling
   * @throws NotFiniteException if the backend's values for this text are not all finite
   */
  Embedding decode(
      BackendOutput output,
      TokenBatch batch,
      int text,
      Set<Output> wanted,
      boolean truncated,
      int unpooled) {
    return new Embedding(
        wanted.contains(Output.DENSE)
            ? dense(output.get(Output.DENSE), batch, text, unpooled)
            : null,
        wanted.contains(Output.SPARSE) ? sparse(output.get(Output.SPARSE), batch, text) : null,
        wanted.contains(Output.COLBERT) ? colbert(output, batch, text) : null,
        batch.length(text),
        truncated);
  }

  private float[] dense(FloatBuffer values, TokenBatch batch, int text, int unpooled) {
    float[] vector;
    if (pooler != null) {
      vector = pooler.pool(values, batch.offset(text), batch.length(text), unpooled);
    } else {
      vector = new float[dimension];
      values.get(text * dimension, vector);
    }
    if (!recipe.modules().isEmpty() || outputs < vector.length) {
      // An activation or the cut could hide that a value is not finite.
      norm(vector, 0, vector.length, "pooled vector");
      for (VectorModule module : recipe.modules()) {
        vector = module.apply(vector);
      }
      vector = Arrays.copyOf(vector, outputs);
    }
    double norm = norm(vector, 0, outputs, "dense vector");
    if (recipe.normalize()) {
      scale(vector, 0, outputs, norm);
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
