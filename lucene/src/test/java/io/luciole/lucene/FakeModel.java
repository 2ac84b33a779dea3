package io.luciole.lucene;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.Output;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendInfo;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.MiniM3;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;

/**
 * A model whose vectors are sums of random ones, one a token id: texts with the same words have
 * near vectors. Runs on mini-m3's tokenizer. What a run does first can be programmed.
 */
public final class FakeModel implements BackendProvider {
  static final Path MINI_M3 = MiniM3.folder();
  static final int DIMENSION = 24;
  static final int ROW_DIMENSION = 16;

  private final Set<Output> outputs;
  private volatile Consumer<TokenBatch> beforeRun = batch -> {};
  private String precision = "fp32";

  /** Creates a model with some outputs. */
  public FakeModel(Output first, Output... more) {
    this.outputs = EnumSet.of(first, more);
  }

  static FakeModel withAll() {
    return new FakeModel(Output.DENSE, Output.SPARSE, Output.COLBERT);
  }

  /** What happens before each run, on the engine's thread; may throw. */
  FakeModel beforeRun(Consumer<TokenBatch> action) {
    this.beforeRun = action;
    return this;
  }

  /** The precision that the model says it computes in. */
  FakeModel precision(String name) {
    this.precision = name;
    return this;
  }

  /** An engine with one text a batch, so that a failing text fails alone. */
  public EmbeddingEngine open() {
    return open(MINI_M3);
  }

  EmbeddingEngine open(Path model) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(ModelSource.path(model))
        .backend(this)
        .outputs(outputs)
        .tokenBudget(1)
        .open();
  }

  /** The weight of a token, from 0.04 to 0.35 as BGE-M3's; none for every 50th. */
  static float weight(int tokenId) {
    return tokenId % 50 == 0
        ? 0
        : 0.04f + 0.31f * new SplittableRandom(tokenId).nextInt(1 << 20) / (1 << 20);
  }

  @Override
  public String name() {
    return "fake";
  }

  @Override
  public Probe probe() {
    return new Probe("fake 1", List.of(Device.CPU), List.of());
  }

  @Override
  public Backend open(ModelFiles model, BackendConfig config) {
    BackendInfo info =
        new BackendInfo(
            "fake",
            "fake 1",
            Device.CPU,
            precision,
            outputs,
            DIMENSION,
            outputs.contains(Output.COLBERT) ? ROW_DIMENSION : 0,
            model.description().maxTokens(),
            false,
            1);
    return new Backend() {
      @Override
      public BackendInfo info() {
        return info;
      }

      @Override
      public BackendOutput run(TokenBatch batch, Set<Output> wanted) {
        beforeRun.accept(batch);
        return compute(batch, wanted);
      }

      @Override
      public void close() {}
    };
  }

  /** An action that fails texts with a token. */
  static Consumer<TokenBatch> failOn(int tokenId) {
    return batch -> {
      for (int id : batch.tokenIds()) {
        if (id == tokenId) {
          throw new BackendException("the device dislikes token " + tokenId);
        }
      }
    };
  }

  private static BackendOutput compute(TokenBatch batch, Set<Output> wanted) {
    float[] dense = new float[batch.size() * DIMENSION];
    float[] weights = new float[batch.tokens()];
    float[] rows = new float[batch.tokens() * ROW_DIMENSION];
    for (int i = 0; i < batch.size(); i++) {
      for (int t = batch.offset(i); t < batch.offset(i + 1); t++) {
        int id = batch.tokenIds()[t];
        SplittableRandom random = new SplittableRandom(id);
        for (int d = 0; d < DIMENSION; d++) {
          dense[i * DIMENSION + d] += (float) (random.nextDouble() - 0.5);
        }
        weights[t] = weight(id);
        for (int d = 0; d < ROW_DIMENSION; d++) {
          rows[t * ROW_DIMENSION + d] = (float) (random.nextDouble() - 0.5);
        }
      }
    }
    Map<Output, FloatBuffer> values = new EnumMap<>(Output.class);
    values.put(Output.DENSE, FloatBuffer.wrap(dense));
    values.put(Output.SPARSE, FloatBuffer.wrap(weights));
    values.put(Output.COLBERT, FloatBuffer.wrap(rows));
    values.keySet().retainAll(wanted);
    return new BackendOutput(values, () -> {});
  }
}
