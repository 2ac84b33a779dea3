package io.luciole.testkit;

import static java.util.Objects.requireNonNull;

import io.luciole.Key;
import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.model.WeightFormat;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * Wraps any backend and checks both sides of it. It throws {@link AssertionError} if
 *
 * <ul>
 *   <li>the caller runs a batch after close, runs more batches at once than are allowed, passes a
 *       text that is too long, asks for an output that is not offered, or closes the backend while
 *       a batch runs or an output is open;
 *   <li>the backend changes its {@link #info}, changes the batch, returns more or fewer outputs
 *       than asked for, returns a buffer that is too short, returns values that are not finite, or
 *       writes into a buffer that it has returned.
 * </ul>
 *
 * <p>Callers get copies of the backend's buffers. Closing an output fills its copies with NaN, so
 * that reading them too late is noticed. Safe for use by many threads.
 */
public final class AssertingBackend implements Backend {
  private final Backend backend;
  private final BackendInfo info;
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicLong runs = new AtomicLong();
  private final Set<Watched> open = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  private AssertingBackend(Backend backend) {
    this.backend = backend;
    this.info = requireNonNull(backend.info(), "info");
  }

  /**
   * Wraps an open backend.
   *
   * @param backend the backend to check; the wrapper closes it
   * @return the wrapper
   */
  public static AssertingBackend around(Backend backend) {
    return new AssertingBackend(requireNonNull(backend, "backend"));
  }

  /**
   * Wraps every backend that a provider opens.
   *
   * @param provider the provider to delegate to
   * @return a provider of the same name whose backends are checked
   */
  public static BackendProvider around(BackendProvider provider) {
    requireNonNull(provider, "provider");
    return new BackendProvider() {
      @Override
      public String name() {
        return provider.name();
      }

      @Override
      public List<Key<?>> options() {
        return provider.options();
      }

      @Override
      public List<Key<?>> optionsOfVectors() {
        return provider.optionsOfVectors();
      }

      @Override
      public boolean mayHaveAccelerator() {
        return provider.mayHaveAccelerator();
      }

      @Override
      public List<WeightFormat> weightFormats() {
        return provider.weightFormats();
      }

      @Override
      public Optional<Precision> fastest(ModelFiles model, Device device) {
        return provider.fastest(model, device);
      }

      @Override
      public Probe probe() {
        return provider.probe();
      }

      @Override
      public Backend open(ModelFiles model, BackendConfig config) {
        return around(provider.open(model, config));
      }
    };
  }

  /** {@return the wrapped backend} */
  public Backend watched() {
    return backend;
  }

  /** {@return the number of runs that succeeded} */
  public long runs() {
    return runs.get();
  }

  /** {@return the number of outputs that were returned and not yet closed} */
  public int openOutputs() {
    return open.size();
  }

  @Override
  public BackendInfo info() {
    BackendInfo now = backend.info();
    check(info.equals(now), () -> "info changed from " + info + " to " + now);
    return info;
  }

  @Override
  public int vocabulary() {
    return backend.vocabulary();
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
    int atOnce = running.incrementAndGet();
    try {
      check(!closed, () -> "run after close, with " + batch);
      check(
          atOnce <= info.concurrentRuns(),
          () -> atOnce + " runs at once, where " + info.concurrentRuns() + " are allowed");
      check(
          batch.maxLength() <= info.maxTokens(),
          () -> batch + ", where " + info.maxTokens() + " tokens are the limit");
      check(
          !outputs.isEmpty() && info.outputs().containsAll(outputs),
          () -> "asked for " + outputs + ", where " + info.outputs() + " are offered");
      int[] ids = batch.tokenIds().clone();
      int[] offsets = offsets(batch);
      Watched watched = new Watched(backend.run(batch, outputs), batch, outputs);
      check(
          Arrays.equals(ids, batch.tokenIds()),
          () -> "the token ids of " + batch + " were changed");
      check(
          Arrays.equals(offsets, offsets(batch)),
          () -> "the offsets of " + batch + " were changed");
      runs.incrementAndGet();
      return watched.handedOut();
    } finally {
      running.decrementAndGet();
    }
  }

  private static int[] offsets(TokenBatch batch) {
    int[] offsets = new int[batch.size() + 1];
    Arrays.setAll(offsets, batch::offset);
    return offsets;
  }

  @Override
  public void close() {
    check(running.get() == 0, () -> "close while " + running.get() + " runs go on");
    check(open.isEmpty(), () -> "close with open outputs of " + open);
    closed = true;
    backend.close();
  }

  private static void check(boolean right, Supplier<String> otherwise) {
    if (!right) {
      throw new AssertionError(otherwise.get());
    }
  }

  /** An output, its values when it was returned, and the copies that the caller gets. */
  private final class Watched {
    private final BackendOutput output;
    private final TokenBatch batch;
    private final Map<Output, float[]> values = new EnumMap<>(Output.class);
    private final Map<Output, float[]> copies = new EnumMap<>(Output.class);

    Watched(BackendOutput output, TokenBatch batch, Set<Output> wanted) {
      this.output = requireNonNull(output, "output");
      this.batch = batch;
      for (Output kind : Output.values()) {
        check(
            output.has(kind) == wanted.contains(kind),
            () ->
                "asked for "
                    + wanted
                    + ", and "
                    + kind
                    + (output.has(kind) ? " is there" : " is missing"));
        if (output.has(kind)) {
          values.put(kind, read(kind));
          copies.put(kind, read(kind).clone());
          checkFinite(kind);
        }
      }
      open.add(this);
    }

    private float[] read(Output kind) {
      FloatBuffer buffer = output.get(kind);
      long expected =
          switch (kind) {
            case DENSE -> (long) batch.size() * info.dimension();
            case SPARSE -> batch.tokens();
            case COLBERT -> (long) batch.tokens() * info.colbertDimension();
          };
      check(
          buffer.limit() >= expected,
          () -> kind + " of " + batch + " has " + buffer.limit() + " values, not " + expected);
      float[] read = new float[Math.toIntExact(expected)];
      buffer.get(0, read);
      return read;
    }

    /** The ColBERT row of a text's first token is unspecified, so it is not checked. */
    private void checkFinite(Output kind) {
      float[] read = requireNonNull(values.get(kind)).clone();
      if (kind == Output.COLBERT) {
        for (int i = 0; i < batch.size(); i++) {
          int first = batch.offset(i) * info.colbertDimension();
          Arrays.fill(read, first, first + info.colbertDimension(), 0);
        }
      }
      for (int i = 0; i < read.length; i++) {
        int at = i;
        check(
            Float.isFinite(read[i]),
            () -> "value " + at + " of " + kind + " of " + batch + " is " + read[at]);
      }
    }

    BackendOutput handedOut() {
      Map<Output, FloatBuffer> wrapped = new EnumMap<>(Output.class);
      copies.forEach((kind, copy) -> wrapped.put(kind, FloatBuffer.wrap(copy)));
      return new BackendOutput(wrapped, this::release);
    }

    private void release() {
      try {
        values.forEach((kind, before) -> {
          float[] now = read(kind);
          check(
              Arrays.equals(before, now),
              () -> kind + " of " + batch + " was written to between the run and its close");
        });
      } finally {
        copies.values().forEach(copy -> Arrays.fill(copy, Float.NaN));
        open.remove(this);
        output.close();
      }
    }

    @Override
    public String toString() {
      return batch.toString();
    }
  }
}
