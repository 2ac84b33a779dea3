package com.example;

import io.luciole.Key;
import io.luciole.Output;
import io.luciole.ValueParser;
import io.luciole.model.EncoderWeights;
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
import java.util.List;
import java.util.Map;
import java.util.Set;

/** A text is the mean of its tokens' vectors. */
public final class StaticBackend implements Backend {
  private final BackendInfo info;
  private final float[] table;
  private final boolean max;
  private volatile boolean closed;

  private StaticBackend(float[] table, boolean max, BackendInfo info) {
    this.table = table;
    this.max = max;
    this.info = info;
  }

  @Override
  public BackendInfo info() {
    return info;
  }

  @Override
  public int vocabulary() {
    return table.length / info.dimension();
  }

  /** Found by ServiceLoader. */
  public static final class Provider implements BackendProvider {
    static final Key<Boolean> MAX =
        Key.of(
            "luciole.static.max",
            ValueParser.trueOrFalse(),
            "false",
            "Whether a text is the largest of its tokens' components instead of their mean.");

    /** Called by ServiceLoader. */
    public Provider() {}

    @Override
    public String name() {
      return "static";
    }

    @Override
    public List<Key<?>> options() {
      return List.of(MAX);
    }

    @Override
    public Probe probe() {
      return new Probe("static vectors 1", List.of(Device.CPU), List.of());
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      if (!config.device().equals(Device.CPU)) {
        throw new BackendException(
            "The backend static runs on cpu, not on " + config.device() + ".");
      }
      Precision precision = config.precision().orElse(Precision.FP32);
      if (precision != Precision.FP32) {
        throw new BackendException(
            "The backend static computes in fp32, not in " + precision.id() + ".");
      }
      try (EncoderWeights weights = EncoderWeights.open(model)) {
        return new StaticBackend(
            weights.words().toFloats(),
            config.option(MAX),
            new BackendInfo(
                name(),
                probe().version(),
                Device.CPU,
                Precision.FP32.id(),
                Set.of(Output.DENSE),
                weights.config().hidden(),
                0,
                model.description().maxTokens(),
                false,
                Runtime.getRuntime().availableProcessors()));
      }
    }
  }

  @Override
  public BackendOutput run(TokenBatch batch, Set<Output> outputs) {
    check(batch, outputs);
    int width = info.dimension();
    float[] dense = new float[batch.size() * width];
    for (int i = 0; i < batch.size(); i++) {
      for (int t = batch.offset(i); t < batch.offset(i + 1); t++) {
        int row = batch.tokenIds()[t] * width;
        for (int d = 0; d < width; d++) {
          float value = table[row + d];
          int at = i * width + d;
          boolean first = t == batch.offset(i);
          dense[at] =
              max
                  ? (first ? value : Math.max(dense[at], value))
                  : dense[at] + value / batch.length(i);
        }
      }
    }
    return new BackendOutput(Map.of(Output.DENSE, FloatBuffer.wrap(dense)), () -> {});
  }

  private void check(TokenBatch batch, Set<Output> outputs) {
    if (closed) {
      throw new IllegalStateException("this backend is closed");
    }
    info.check(batch, outputs, vocabulary());
    if ((long) batch.size() * info.dimension() > Integer.MAX_VALUE) {
      throw new BackendOutOfMemoryException("no array holds the vectors of " + batch);
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
