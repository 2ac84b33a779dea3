package io.luciole.testkit;

import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * A backend that keeps the contract except for one chosen defect. Its values are hashes of the
 * token ids.
 */
final class HashingBackend implements Backend {
  private static final int WIDTH = 96;

  private static final float[] REUSED = new float[WIDTH << 10];

  /** The defect. */
  enum Defect {
    NONE,
    ROWS_SWAPPED,
    PADDING_SHOWS,
    ORDER_OF_OUTPUTS_MATTERS,
    OUTPUT_TOO_MANY,
    OUTPUT_MISSING,
    OUTPUT_TOO_SHORT,
    NOT_A_NUMBER,
    IDS_WRITTEN,
    BUFFER_REUSED,
    LONG_TEXT_TAKEN,
    WRONG_ID_TAKEN,
    ANY_OUTPUT_TAKEN,
    ANY_PRECISION_TAKEN,
    ANY_DEVICE_TAKEN,
    THREADS_MIXED_UP,
    MEMORY_KEPT,
    HELD_KEPT,
    OUT_OF_MEMORY_AS_FAILURE,
    STARVED_AS_FAILURE,
    CLOSE_TWICE_FAILS,
    RUNS_AFTER_CLOSE,
    INFO_CHANGES,
    LIMIT_OF_ITS_OWN
  }

  /** Opens it. */
  public static final class Provider implements BackendProvider {
    private final Defect defect;

    /** For the service loader. */
    public Provider() {
      this(Defect.NONE);
    }

    Provider(Defect defect) {
      this.defect = defect;
    }

    @Override
    public String name() {
      return "hashing";
    }

    @Override
    public Probe probe() {
      return new Probe("hashing 1", List.of(Device.CPU), List.of());
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      if (!config.device().equals(Device.CPU) && defect != Defect.ANY_DEVICE_TAKEN) {
        throw new BackendException("Expected cpu, got " + config.device() + ".");
      }
      Precision precision = config.precision().orElse(Precision.FP32);
      if (precision != Precision.FP32 && defect != Defect.ANY_PRECISION_TAKEN) {
        throw new BackendException("Expected fp32, got " + precision.id() + ".");
      }
      return new HashingBackend(defect, model.description().maxTokens(), Long.MAX_VALUE);
    }
  }

  private final Defect defect;
  private final int maxTokens;
  private final long memory;
  private final List<float[]> kept = new ArrayList<>();
  private volatile int scratch;
  private int infos;
  private boolean closed;
  int held;

  HashingBackend(Defect defect, int maxTokens, long memory) {
    this.defect = defect;
    this.maxTokens = defect == Defect.LIMIT_OF_ITS_OWN ? maxTokens - 1 : maxTokens;
    this.memory = memory;
  }

  @Override
  public BackendInfo info() {
    infos++;
    return new BackendInfo(
        "hashing",
        "hashing 1",
        Device.CPU,
        "fp32",
        EnumSet.allOf(Output.class),
        WIDTH,
        WIDTH,
        maxTokens,
        defect == Defect.INFO_CHANGES && infos > 3,
        4);
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
    if (closed && defect != Defect.RUNS_AFTER_CLOSE) {
      throw new IllegalStateException("closed");
    }
    if (outputs.isEmpty() && defect != Defect.ANY_OUTPUT_TAKEN) {
      throw new IllegalArgumentException("expected at least one output, got none");
    }
    if (batch.maxLength() > maxTokens && defect != Defect.LONG_TEXT_TAKEN) {
      throw new IllegalArgumentException(
          "expected at most " + maxTokens + " tokens, got " + batch.maxLength());
    }
    if ((long) batch.tokens() * WIDTH > Integer.MAX_VALUE) {
      throw defect == Defect.OUT_OF_MEMORY_AS_FAILURE
          ? new BackendException("too large")
          : new BackendOutOfMemoryException("too large");
    }
    if (batch.tokens() > memory) {
      throw defect == Defect.STARVED_AS_FAILURE
          ? new BackendException("no memory")
          : new BackendOutOfMemoryException("no memory");
    }
    for (int id : batch.tokenIds()) {
      if ((id < 0 || id >= 8000) && defect != Defect.WRONG_ID_TAKEN) {
        throw new IllegalArgumentException("expected ids from 0 to 7999, got " + id);
      }
    }
    float[] dense = new float[batch.size() * WIDTH];
    float[] weights = new float[batch.tokens()];
    float[] vectors = new float[batch.tokens() * WIDTH];
    for (int i = 0; i < batch.size(); i++) {
      fill(batch, defect == Defect.ROWS_SWAPPED && i < 2 && batch.size() > 1 ? 1 - i : i, i, dense);
      for (int t = 0; t < batch.length(i); t++) {
        int at = batch.offset(i) + t;
        int id = batch.tokenIds()[at];
        weights[at] = id % 7;
        if (defect == Defect.PADDING_SHOWS && t + 1 < batch.maxLength()) {
          weights[at] += batch.maxLength() * 1e-3f;
        }
        vectors[at * WIDTH + id % WIDTH] = 1 + t;
      }
    }
    if (defect == Defect.ORDER_OF_OUTPUTS_MATTERS && outputs.size() == 1) {
      dense[0] += 1;
    }
    if (defect == Defect.NOT_A_NUMBER) {
      weights[weights.length / 2] = Float.NaN;
    }
    if (defect == Defect.IDS_WRITTEN) {
      batch.tokenIds()[0]++;
    }
    if (defect == Defect.MEMORY_KEPT) {
      kept.add(vectors);
    }
    held += defect == Defect.HELD_KEPT ? 1 : 0;
    return output(outputs, dense, weights, vectors);
  }

  private BackendOutput output(
      Set<Output> wanted, float[] dense, float[] weights, float[] vectors) {
    if (defect == Defect.BUFFER_REUSED) {
      System.arraycopy(dense, 0, REUSED, 0, dense.length);
      dense = REUSED;
    }
    boolean withDense = wanted.contains(Output.DENSE) && defect != Defect.OUTPUT_MISSING;
    boolean withWeights = wanted.contains(Output.SPARSE) || defect == Defect.OUTPUT_TOO_MANY;
    Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
    if (withDense) {
      values.put(Output.DENSE, FloatBuffer.wrap(dense));
    }
    if (withWeights) {
      int length = weights.length - (defect == Defect.OUTPUT_TOO_SHORT ? 1 : 0);
      values.put(Output.SPARSE, FloatBuffer.wrap(weights, 0, length).slice());
    }
    if (wanted.contains(Output.COLBERT)) {
      values.put(Output.COLBERT, FloatBuffer.wrap(vectors));
    }
    return new BackendOutput(values, () -> {});
  }

  private void fill(TokenBatch batch, int text, int row, float[] dense) {
    int hash = 1;
    for (int t = batch.offset(text); t < batch.offset(text + 1); t++) {
      hash = 31 * hash + batch.tokenIds()[t];
    }
    scratch = hash;
    for (int d = 0; d < WIDTH; d++) {
      if (defect == Defect.THREADS_MIXED_UP) {
        LockSupport.parkNanos(1);
        hash = scratch;
      }
      dense[row * WIDTH + d] = ((hash * (d + 1)) >> 8) / (float) (1 << 23);
    }
  }

  @Override
  public void close() {
    if (closed && defect == Defect.CLOSE_TWICE_FAILS) {
      throw new IllegalStateException("closed twice");
    }
    closed = true;
  }
}
