package io.luciole.testkit;

import static java.util.Objects.requireNonNull;

import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * A backend for tests. Its vectors depend on a text's token ids alone ({@link #denseOf}); delays
 * and failures are set by {@link #faults}; and it counts the calls that it gets. It is its own
 * provider: {@code EmbeddingEngine.builder().backend(new FakeBackend())}.
 *
 * <p>Misuse is refused and counted in {@link #misuses}: a run after close, or more runs at once
 * than {@link #concurrentRuns} allows, throws {@link IllegalStateException}.
 *
 * <p>Safe for use by many threads. Faults may be changed while it runs.
 */
public final class FakeBackend implements BackendProvider {
  /** Components of a dense vector. */
  public static final int DIMENSION = 8;

  /** Components of a token vector. */
  public static final int COLBERT_DIMENSION = 4;

  /** Token ids must be less than this. */
  private static final int VOCABULARY = 1 << 20;

  private final AtomicLong runs = new AtomicLong();
  private final AtomicLong texts = new AtomicLong();
  private final AtomicLong tokens = new AtomicLong();
  private final AtomicLong paddedTokens = new AtomicLong();
  private final AtomicLong nanos = new AtomicLong();
  private final AtomicInteger openOutputs = new AtomicInteger();
  private final AtomicInteger openSessions = new AtomicInteger();
  private final AtomicInteger opened = new AtomicInteger();
  private final AtomicInteger misuses = new AtomicInteger();
  private final List<TokenBatch> batches = new CopyOnWriteArrayList<>();
  private volatile Fault[] faults = {};
  private volatile IntConsumer onOpen = n -> {};
  private volatile Set<Output> outputs = EnumSet.allOf(Output.class);
  private volatile List<Device> devices = List.of(Device.CPU);
  private volatile boolean pads = true;
  private volatile int concurrentRuns = 1;
  private volatile int maxTokens = Integer.MAX_VALUE;
  private volatile boolean recording;
  private volatile boolean blank;

  /** Creates a backend on the CPU that computes all outputs, without faults. */
  public FakeBackend() {}

  /**
   * Replaces the faults of all runs from now on.
   *
   * @param faults the faults, applied in this order; none to run without faults
   * @return this
   */
  public FakeBackend faults(Fault... faults) {
    this.faults = faults.clone();
    return this;
  }

  /**
   * Sets an action that runs whenever a session is opened.
   *
   * @param onOpen gets the number of the session, from 1; may throw to make opening fail
   * @return this
   */
  public FakeBackend onOpen(IntConsumer onOpen) {
    this.onOpen = requireNonNull(onOpen, "onOpen");
    return this;
  }

  /**
   * Sets the outputs of sessions opened from now on; all by default.
   *
   * @param outputs the outputs
   * @return this
   */
  public FakeBackend outputs(Set<Output> outputs) {
    this.outputs = Set.copyOf(outputs);
    return this;
  }

  /**
   * Sets the devices that {@link #probe} reports; the CPU by default.
   *
   * @param devices the devices, best first
   * @return this
   */
  public FakeBackend devices(Device... devices) {
    this.devices = List.of(devices);
    return this;
  }

  /**
   * Sets whether sessions opened from now on declare that they pad; true by default.
   *
   * @param pads the value of {@link BackendInfo#pads}
   * @return this
   */
  public FakeBackend pads(boolean pads) {
    this.pads = pads;
    return this;
  }

  /**
   * Sets how many runs at once sessions opened from now on allow; one by default.
   *
   * @param runs at least 1
   * @return this
   */
  public FakeBackend concurrentRuns(int runs) {
    this.concurrentRuns = runs;
    return this;
  }

  /**
   * Sets the longest text of sessions opened from now on; the model's limit by default.
   *
   * @param tokens the limit in tokens, special tokens included
   * @return this
   */
  public FakeBackend maxTokens(int tokens) {
    this.maxTokens = tokens;
    return this;
  }

  /**
   * Keeps a copy of every batch from now on, for {@link #batches}.
   *
   * @return this
   */
  public FakeBackend recording() {
    recording = true;
    return this;
  }

  /**
   * Returns zeros from now on instead of computing values, so that a benchmark measures only the
   * engine.
   *
   * @return this
   */
  public FakeBackend blank() {
    blank = true;
    return this;
  }

  /** {@return the number of runs that were started} */
  public long runs() {
    return runs.get();
  }

  /** {@return the number of texts in runs that succeeded} */
  public long texts() {
    return texts.get();
  }

  /** {@return the number of tokens in runs that succeeded, padding excluded} */
  public long tokens() {
    return tokens.get();
  }

  /** {@return the sum of texts times longest text over the runs that succeeded, in tokens} */
  public long paddedTokens() {
    return paddedTokens.get();
  }

  /** {@return the total time of all runs in nanoseconds, delays included} */
  public long nanos() {
    return nanos.get();
  }

  /** {@return the number of outputs that were returned and not yet closed} */
  public int openOutputs() {
    return openOutputs.get();
  }

  /** {@return the number of sessions that are open} */
  public int openSessions() {
    return openSessions.get();
  }

  /** {@return the number of attempts to open a session, failed ones included} */
  public int opened() {
    return opened.get();
  }

  /** {@return the number of calls that the contract of {@link Backend} forbids} */
  public int misuses() {
    return misuses.get();
  }

  /** {@return copies of the batches that were started since {@link #recording} was called} */
  public List<TokenBatch> batches() {
    return List.copyOf(batches);
  }

  /**
   * Computes the dense vector that this backend returns for a text.
   *
   * @param ids the token ids of the text, special tokens included
   * @return {@link #DIMENSION} values: the number of tokens, then values from -1 to 1 that are a
   *     hash of the ids
   */
  public static float[] denseOf(int[] ids) {
    return denseOf(ids, 0, ids.length);
  }

  private static float[] denseOf(int[] ids, int from, int to) {
    int hash = 1;
    for (int i = from; i < to; i++) {
      hash = 31 * hash + ids[i];
    }
    float[] dense = new float[DIMENSION];
    dense[0] = to - from;
    for (int d = 1; d < DIMENSION; d++) {
      hash = hash * 0x9E3779B1 + d;
      dense[d] = (hash >> 8) / (float) (1 << 23);
    }
    return dense;
  }

  /**
   * Computes the sparse weight that this backend returns for a token.
   *
   * @param id the token id
   * @return a whole number from 1 to 7, the same at every position
   */
  public static float weightOf(int id) {
    return 1 + id % 7;
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public Probe probe() {
    return new Probe("fake 1", devices, List.of());
  }

  @Override
  public Backend open(ModelFiles model, BackendConfig config) {
    Device device = config.device();
    if (!devices.contains(device)) {
      throw new BackendException("The fake offers " + devices + ", not " + device + ".");
    }
    config
        .precision()
        .filter(p -> p != Precision.FP32)
        .ifPresent(p -> {
          throw new BackendException("The fake computes in fp32, not in " + p.id() + ".");
        });
    return open(device, Math.min(maxTokens, model.description().maxTokens()));
  }

  /**
   * Opens a session without a model.
   *
   * @param device the device that the session declares
   * @return the session
   */
  public Backend open(Device device) {
    return open(device, maxTokens);
  }

  private Backend open(Device device, int limit) {
    onOpen.accept(opened.incrementAndGet());
    openSessions.incrementAndGet();
    return new Session(device, limit);
  }

  private final class Session implements Backend {
    private final BackendInfo info;
    private final AtomicInteger running = new AtomicInteger();
    private volatile boolean closed;

    Session(Device device, int limit) {
      info =
          new BackendInfo(
              "fake",
              "fake 1",
              device,
              "fp32",
              outputs,
              DIMENSION,
              outputs.contains(Output.COLBERT) ? COLBERT_DIMENSION : 0,
              limit,
              pads,
              concurrentRuns);
    }

    @Override
    public BackendInfo info() {
      return info;
    }

    @Override
    public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
      long start = System.nanoTime();
      int atOnce = running.incrementAndGet();
      try {
        runs.incrementAndGet();
        if (closed || atOnce > info.concurrentRuns()) {
          misuses.incrementAndGet();
          throw new IllegalStateException(
              closed
                  ? "a run after close"
                  : atOnce + " runs at once, where " + info.concurrentRuns() + " are allowed");
        }
        try {
          info.check(batch, wanted, VOCABULARY);
        } catch (IllegalArgumentException e) {
          misuses.incrementAndGet();
          throw e;
        }
        if (recording) {
          batches.add(copyOf(batch));
        }
        for (Fault fault : faults) {
          fault.before(batch);
        }
        Fault.Values values = compute(batch, wanted);
        for (Fault fault : faults) {
          fault.after(batch, values);
        }
        texts.addAndGet(batch.size());
        tokens.addAndGet(batch.tokens());
        paddedTokens.addAndGet((long) batch.size() * batch.maxLength());
        openOutputs.incrementAndGet();
        return new BackendOutput(buffers(values), openOutputs::decrementAndGet);
      } finally {
        nanos.addAndGet(System.nanoTime() - start);
        running.decrementAndGet();
      }
    }

    private Fault.Values compute(TokenBatch batch, Set<Output> wanted) {
      Fault.Values values = new Fault.Values();
      int[] ids = batch.tokenIds();
      if (wanted.contains(Output.DENSE)) {
        float[] dense = new float[batch.size() * DIMENSION];
        for (int i = 0; i < batch.size() && !blank; i++) {
          float[] row = denseOf(ids, batch.offset(i), batch.offset(i + 1));
          System.arraycopy(row, 0, dense, i * DIMENSION, DIMENSION);
        }
        values.dense = dense;
      }
      if (wanted.contains(Output.SPARSE)) {
        float[] weights = new float[batch.tokens()];
        for (int t = 0; t < weights.length && !blank; t++) {
          weights[t] = weightOf(ids[t]);
        }
        values.tokenWeights = weights;
      }
      if (wanted.contains(Output.COLBERT)) {
        float[] vectors = new float[batch.tokens() * COLBERT_DIMENSION];
        for (int t = 0; t < batch.tokens() && !blank; t++) {
          vectors[t * COLBERT_DIMENSION + ids[t] % COLBERT_DIMENSION] = 1;
        }
        values.tokenVectors = vectors;
      }
      return values;
    }

    private static Map<Output, FloatBuffer> buffers(Fault.Values values) {
      Map<Output, FloatBuffer> buffers = new EnumMap<>(Output.class);
      put(buffers, Output.DENSE, values.dense);
      put(buffers, Output.SPARSE, values.tokenWeights);
      put(buffers, Output.COLBERT, values.tokenVectors);
      return buffers;
    }

    private static void put(
        Map<Output, FloatBuffer> buffers, Output output, float @Nullable [] values) {
      if (values != null) {
        buffers.put(output, FloatBuffer.wrap(values));
      }
    }

    private static TokenBatch copyOf(TokenBatch batch) {
      List<int[]> copies = new ArrayList<>();
      for (int i = 0; i < batch.size(); i++) {
        copies.add(Arrays.copyOfRange(batch.tokenIds(), batch.offset(i), batch.offset(i + 1)));
      }
      return TokenBatch.of(copies);
    }

    @Override
    public void close() {
      if (running.get() > 0) {
        misuses.incrementAndGet();
      }
      if (!closed) {
        closed = true;
        openSessions.decrementAndGet();
      }
    }
  }
}
