package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.nio.FloatBuffer;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** The starter model through the engine and through the backend alone. */
class StarterOnnxTest {
  private static final int[] SHORT = {101, 2054, 102};
  private static final int[] LONG = {101, 2054, 14767, 2003, 2512, 1011, 3968, 102};

  private static Backend open() {
    return new OnnxBackendProvider()
        .open(ModelSource.parse("starter").resolve(), BackendConfig.on(Device.CPU));
  }

  private static float[] dense(Backend backend, List<int[]> texts, int row) {
    try (BackendOutput output = backend.run(TokenBatch.of(texts), Set.of(Output.DENSE))) {
      float[] vector = new float[backend.info().dimension()];
      FloatBuffer values = output.get(Output.DENSE);
      values.get(row * vector.length, vector);
      return vector;
    }
  }

  @Test
  void provider_isFoundByItsName() {
    BackendProvider found = Backends.find().select(Optional.of("onnx"), Optional.empty());

    assertThat(found).isInstanceOf(OnnxBackendProvider.class);
    assertThat(found.probe().devices()).contains(Device.CPU);
    assertThat(found.probe().version()).isEqualTo("ONNX Runtime 1.28.0");
  }

  @Test
  void engine_findsTheRelatedPassage() {
    try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open()) {
      Embedding query = engine.embed("Which insects glow?", EmbedOptions.query()).join();
      List<Embedding> passages =
          engine.embedAll(
              List.of("Fireflies make light in their abdomen.", "Bread is baked of flour.", ""),
              EmbedOptions.passage());

      assertThat(Scores.dense(query, passages.get(0)))
          .isGreaterThan(Scores.dense(query, passages.get(1)) + 0.1f);
      assertThat(passages.get(2).dense()).hasSize(384);
      assertThat(Scores.dense(query, query)).isCloseTo(1f, within(1e-5f));
    }
  }

  /**
   * Neighbours change the order of sums; a rounding that a byte magnifies is all that may be left.
   */
  @Test
  void run_amongOthers_agreesWithTextsAlone() {
    try (Backend backend = open()) {
      float[] alone = dense(backend, List.of(SHORT), 0);
      float[] together = dense(backend, List.of(LONG, SHORT), 1);

      double dot = 0;
      double a = 0;
      double b = 0;
      for (int i = 0; i < alone.length; i++) {
        dot += alone[i] * together[i];
        a += alone[i] * alone[i];
        b += together[i] * together[i];
      }
      assertThat(dot / Math.sqrt(a * b)).isGreaterThan(0.9999);
    }
  }

  @Test
  void run_againAndAgain_givesTheSameAndReusesBuffers() {
    try (Backend backend = open()) {
      float[] first = dense(backend, List.of(LONG), 0);
      for (int i = 0; i < 20; i++) {
        assertThat(dense(backend, List.of(LONG), 0)).isEqualTo(first);
      }
    }
  }

  @Test
  void run_withWrongInput_isRefusedBeforeAnythingRuns() {
    try (Backend backend = open()) {
      TokenBatch fine = TokenBatch.of(List.of(SHORT));

      assertThatThrownBy(() -> backend.run(fine, Set.of(Output.SPARSE)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("DENSE")
          .hasMessageContaining("SPARSE");
      assertThatThrownBy(() -> backend.run(fine, Set.of()))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(
              () -> backend.run(TokenBatch.of(List.of(new int[] {101, -1})), Set.of(Output.DENSE)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("-1");
      assertThatThrownBy(
              () -> backend.run(TokenBatch.of(List.of(new int[513])), Set.of(Output.DENSE)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("512")
          .hasMessageContaining("513");
    }
  }

  @Test
  void close_twice_doesNothing_andUseAfterwardsIsRefused() {
    Backend backend = open();
    backend.close();
    backend.close();

    assertThatThrownBy(() -> backend.run(TokenBatch.of(List.of(SHORT)), Set.of(Output.DENSE)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void cuda_onACpuBuild_isRefusedWithWhatToInstall() {
    assertThatThrownBy(() ->
            new OnnxBackendProvider()
                .open(
                    ModelSource.parse("starter").resolve(), BackendConfig.on(Device.parse("cuda"))))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("cuda:0")
        .hasMessageContaining("onnxruntime_gpu")
        .hasMessageContaining("luciole-onnx-cuda13")
        .hasMessageContaining("On this machine: ")
        .hasMessageContaining("CUDA 13");
  }
}
