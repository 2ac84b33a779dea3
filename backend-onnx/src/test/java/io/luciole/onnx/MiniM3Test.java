package io.luciole.onnx;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.ConfigException;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.Output;
import io.luciole.Scores;
import io.luciole.model.ModelSource;
import io.luciole.onnx.MiniM3Reference.Line;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** BGE-M3's small twin from its checkpoint, against FlagEmbedding's own outputs. */
class MiniM3Test {
  private static final Set<Output> ALL = EnumSet.allOf(Output.class);

  /** What holds for either format of the weights. */
  abstract static class Checkpoint {
    @TempDir Path folder;
    private final List<EmbeddingEngine> engines = new ArrayList<>();

    abstract String otherWeights();

    EmbeddingEngine open(Output first, Output... more) {
      return open(engineBuilder().outputs(first, more));
    }

    EngineBuilder engineBuilder() {
      Path model = folder.resolve("mini-m3");
      if (engines.isEmpty()) {
        TestModels.miniM3Without(model, otherWeights());
      }
      return EmbeddingEngine.builder().model(ModelSource.path(model)).backend("onnx");
    }

    EmbeddingEngine open(EngineBuilder builder) {
      EmbeddingEngine engine = builder.open();
      engines.add(engine);
      return engine;
    }

    @AfterEach
    void close() {
      engines.forEach(EmbeddingEngine::close);
    }

    @Test
    void everyLine_inOneBatch_isAsExpected() {
      EmbeddingEngine engine = open(Output.DENSE, Output.SPARSE, Output.COLBERT);
      checkAll(engine, MiniM3Reference.lines());
    }

    @Test
    void everyLine_shuffled_isAsExpected() {
      EmbeddingEngine engine = open(Output.DENSE, Output.SPARSE, Output.COLBERT);
      List<Line> lines = new ArrayList<>(MiniM3Reference.lines());
      for (int seed = 1; seed <= 3; seed++) {
        Collections.shuffle(lines, new Random(seed));
        checkAll(engine, lines);
      }
    }

    @Test
    void everyLine_twoBatchesAtOnce_isAsExpected() {
      assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
      EmbeddingEngine engine =
          open(engineBuilder().option(OnnxOptions.RUNS.name(), "2").outputs(ALL).tokenBudget(32));
      assertThat(engine.backend().concurrentRuns()).isEqualTo(2);
      for (int round = 0; round < 5; round++) {
        checkAll(engine, MiniM3Reference.lines());
      }
    }

    @Test
    void batchesAtOnce_ofAWrongNumber_areRefused() {
      EngineBuilder builder = engineBuilder();
      for (String wrong : List.of("0", "65", "two")) {
        assertThatThrownBy(() -> open(builder.option(OnnxOptions.RUNS.name(), wrong)))
            .isInstanceOf(ConfigException.class)
            .hasMessageContaining("expected a whole number from 1 to 64")
            .hasMessageContaining('"' + wrong + '"');
      }
    }

    @Test
    void batchesAtOnce_areAtMostAsManyAsThreads() {
      EmbeddingEngine engine =
          open(engineBuilder().option(OnnxOptions.RUNS.name(), "5").threads(3).outputs(ALL));
      assertThat(engine.backend().concurrentRuns()).isEqualTo(3);
      checkAll(engine, MiniM3Reference.lines());
    }

    @Test
    void manyThreads_computeABatchForEveryFour_ifTheyShareThem() {
      assumeThat(TestModels.hasCpuKernels()).as("luciole's kernels for CPUs run here").isTrue();
      EngineBuilder builder = engineBuilder().threads(17).outputs(ALL).tokenBudget(32);
      try (EmbeddingEngine loop = builder.option(OnnxOptions.FORM.name(), "loop").open()) {
        assertThat(loop.backend().concurrentRuns()).isEqualTo(1);
      }
      EmbeddingEngine engine = open(builder.option(OnnxOptions.FORM.name(), "auto"));
      assertThat(engine.backend().concurrentRuns()).isEqualTo(4);
      checkAll(engine, MiniM3Reference.lines());
    }

    @Test
    void options_mayDifferFromEngineToEngine() {
      assumeThat(Runtime.getRuntime().availableProcessors()).isGreaterThan(1);
      EngineBuilder builder = engineBuilder();
      try (EmbeddingEngine one = builder.option("luciole.onnx.runs", "1").open();
          EmbeddingEngine two = builder.option("luciole.onnx.runs", "2").open()) {
        assertThat(one.backend().concurrentRuns()).isEqualTo(1);
        assertThat(two.backend().concurrentRuns()).isEqualTo(2);
      }
    }

    private void checkAll(EmbeddingEngine engine, List<Line> lines) {
      List<CompletableFuture<Embedding>> futures = new ArrayList<>();
      for (Line line : lines) {
        futures.add(engine.embed(line.text()));
      }
      for (int i = 0; i < lines.size(); i++) {
        Embedding found = futures.get(i).join();
        Line line = lines.get(i);
        assertThat(found.tokenCount()).as(line.id()).isEqualTo(line.tokens());
        MiniM3Reference.check(line, line.expected(false), found, ALL);
      }
    }

    @Test
    void everyLine_oneByOne_isAsExpected() {
      EmbeddingEngine engine = open(Output.DENSE, Output.SPARSE, Output.COLBERT);
      for (Line line : MiniM3Reference.lines()) {
        MiniM3Reference.check(line, line.expected(false), engine.embed(line.text()).join(), ALL);
      }
    }

    @Test
    void everyLine_truncatedTo16Tokens_isAsExpected() {
      EmbeddingEngine engine = open(engineBuilder().outputs(ALL).maxLength(16));
      for (Line line : MiniM3Reference.lines()) {
        Embedding found = engine.embed(line.text()).join();
        assertThat(found.truncated()).as(line.id()).isEqualTo(line.tokens() > 16);
        MiniM3Reference.check(line, line.expected(true), found, ALL);
      }
    }

    @Test
    void fewerOutputs_areTheSameValues() {
      for (Output output : Output.values()) {
        EmbeddingEngine engine = open(output);
        for (Line line : MiniM3Reference.lines()) {
          Embedding found = engine.embed(line.text()).join();
          MiniM3Reference.check(line, line.expected(false), found, Set.of(output));
        }
      }
    }

    @Test
    void oneOutputOfThree_isTheSame() {
      EmbeddingEngine engine = open(Output.DENSE, Output.SPARSE, Output.COLBERT);
      Line line = MiniM3Reference.lines().get(1);
      for (Output output : Output.values()) {
        Embedding found = engine.embed(line.text(), EmbedOptions.passage().outputs(output)).join();
        MiniM3Reference.check(line, line.expected(false), found, Set.of(output));
      }
    }

    @Test
    void scores_areAsExpected() {
      EmbeddingEngine engine = open(Output.DENSE, Output.SPARSE, Output.COLBERT);
      Map<String, Embedding> embeddings = new HashMap<>();
      for (Line line : MiniM3Reference.lines()) {
        embeddings.put(line.id(), engine.embed(line.text()).join());
      }
      JsonNode expected = MiniM3Reference.scores();
      JsonNode weights = expected.path("weights");
      double dense = weights.path(0).asDouble();
      double sparse = weights.path(1).asDouble();
      double colbert = weights.path(2).asDouble();
      for (int i = 0; i < expected.path("pairs").size(); i++) {
        JsonNode pair = expected.path("pairs").path(i);
        Embedding q = requireNonNull(embeddings.get(pair.path(0).asText()));
        Embedding p = requireNonNull(embeddings.get(pair.path(1).asText()));
        Map<String, Float> found =
            Map.of(
                "dense", Scores.dense(q, p),
                "sparse", Scores.sparse(q, p),
                "colbert", Scores.colbert(q, p),
                "sparse+dense", Scores.weighted(q, p, new Scores.Weights(dense, sparse, 0)),
                "colbert+sparse+dense",
                    Scores.weighted(q, p, new Scores.Weights(dense, sparse, colbert)));
        for (Map.Entry<String, Float> score : found.entrySet()) {
          assertThat(score.getValue())
              .as(score.getKey() + " of " + pair)
              .isCloseTo(
                  (float) expected.path("scores").path(score.getKey()).path(i).asDouble(-9),
                  within(2e-4f));
        }
      }
    }
  }

  @Nested
  class FromSafetensors extends Checkpoint {
    @Override
    String otherWeights() {
      return "pytorch_model.bin";
    }
  }

  @Nested
  class FromPyTorch extends Checkpoint {
    @Override
    String otherWeights() {
      return "model.safetensors";
    }
  }

  @Test
  void outputs_withoutHeads_areRefusedWithTheMissingFile(@TempDir Path folder) {
    TestModels.miniM3Without(
        folder.resolve("m"), "pytorch_model.bin", "sparse_linear.pt", "colbert_linear.pt");
    EngineBuilder builder =
        EmbeddingEngine.builder()
            .model(ModelSource.path(folder.resolve("m")))
            .outputs(Output.DENSE, Output.SPARSE);

    assertThatThrownBy(builder::open)
        .hasMessageContaining("[DENSE]")
        .hasMessageContaining("sparse_linear.pt");
  }
}
