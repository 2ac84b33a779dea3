package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import io.luciole.onnx.MiniM3Reference.Line;
import io.luciole.onnx.MiniM3Reference.Tolerance;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** mini-m3 exported in the layouts that people have (src/test/python/make_exports.py). */
class ExportedEncoderTest {
  private static final Path EXPORTS = Path.of("src/test/resources/exports");
  private static final Set<Output> ALL = EnumSet.allOf(Output.class);

  @TempDir Path folder;

  /** A folder with the export and what belongs beside it. */
  private Path model(String export, boolean headFiles) {
    if (headFiles) {
      TestModels.miniM3Without(folder, "pytorch_model.bin", "expected.jsonl");
    } else {
      TestModels.miniM3Without(
          folder, "pytorch_model.bin", "sparse_linear.pt", "colbert_linear.pt");
    }
    return TestModels.copy(EXPORTS, folder, export).resolve(export);
  }

  private static EmbeddingEngine open(Path onnx, Set<Output> outputs) {
    return EmbeddingEngine.builder()
        .model(ModelSource.path(onnx))
        .backend("onnx")
        .outputs(outputs)
        .open();
  }

  private static void checkAll(EmbeddingEngine engine, Tolerance tolerance) {
    List<Line> lines = new ArrayList<>(MiniM3Reference.lines());
    Collections.shuffle(lines, new Random(5));
    List<Embedding> together =
        engine.embedAll(lines.stream().map(Line::text).toList(), EmbedOptions.passage());
    for (int i = 0; i < lines.size(); i++) {
      Line line = lines.get(i);
      MiniM3Reference.check(line, line.expected(false), together.get(i), ALL, tolerance);
      MiniM3Reference.check(
          line, line.expected(false), engine.embed(line.text()).join(), ALL, tolerance);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vecs.onnx", "yuniko.onnx", "raw.onnx", "unnamed.onnx"})
  void exportWithHeads_givesAllThree(String export) {
    try (EmbeddingEngine engine = open(model(export, false), ALL)) {
      checkAll(engine, Tolerance.FP32);
    }
  }

  @Test
  void tokenStates_withHeadFiles_giveAllThree() {
    try (EmbeddingEngine engine = open(model("states.onnx", true), ALL)) {
      checkAll(engine, Tolerance.FP32);
    }
  }

  /** As in BAAI/bge-m3: the export and its tokenizer in onnx/, the heads above. */
  @Test
  void tokenStates_inAFolderOfTheirOwn_findTheHeadsAbove() throws IOException {
    model("states.onnx", true);
    Path onnx = Files.createDirectory(folder.resolve("onnx"));
    TestModels.copy(
        folder,
        onnx,
        "states.onnx",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "config.json");
    try (EmbeddingEngine engine = open(onnx.resolve("states.onnx"), ALL)) {
      checkAll(engine, Tolerance.FP32);
    }
  }

  /** Quantised by ONNX Runtime's own tool, one scale a batch: near, not equal. */
  @Test
  void int8Export_isNear() {
    try (EmbeddingEngine engine = open(model("vecs-int8.onnx", false), ALL)) {
      checkAll(engine, new Tolerance(0.1f, 0.15f));
    }
  }

  @Test
  void tokenStates_withoutHeadFiles_offerDenseAlone() throws IOException {
    Path onnx = model("states.onnx", false);
    Files.writeString(folder.resolve("luciole.json"), "{\"pooling\": \"cls\"}");
    try (EmbeddingEngine engine = open(onnx, Set.of(Output.DENSE))) {
      assertThat(engine.backend().outputs()).isEqualTo(Set.of(Output.DENSE));
      for (Line line : MiniM3Reference.lines()) {
        MiniM3Reference.check(
            line, line.expected(false), engine.embed(line.text()).join(), Set.of(Output.DENSE));
      }
    }
    assertThatThrownBy(() -> open(onnx, ALL))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("sparse_linear.pt");
  }

  @Test
  void tokenStates_withoutPooling_areRefusedWithTheRemedy() {
    Path onnx = model("states.onnx", false);

    assertThatThrownBy(() -> open(onnx, Set.of(Output.DENSE)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("luciole.json");
  }

  @Test
  void corruptFile_isRefused() throws IOException {
    Path onnx = model("vecs.onnx", false);
    byte[] bytes = Files.readAllBytes(onnx);
    Files.write(onnx, Arrays.copyOf(bytes, bytes.length / 2));

    assertThatThrownBy(() -> open(onnx, Set.of(Output.DENSE)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("vecs.onnx");

    Files.writeString(onnx, "not a model");
    assertThatThrownBy(() -> open(onnx, Set.of(Output.DENSE)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("vecs.onnx");
  }

  @Test
  void missingExternalData_isRefused() throws IOException {
    Path onnx = model("vecs.onnx", false);
    Files.delete(folder.resolve("model.safetensors"));

    assertThatThrownBy(() -> open(onnx, Set.of(Output.DENSE)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("external data");
  }

  @Test
  void hiddenSizeOfTheConfig_mustAgree() throws IOException {
    Path onnx = model("vecs.onnx", false);
    Path config = folder.resolve("config.json");
    Files.writeString(
        config, Files.readString(config).replace("\"hidden_size\": 96", "\"hidden_size\": 128"));

    assertThatThrownBy(() -> open(onnx, Set.of(Output.DENSE)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("128")
        .hasMessageContaining("96");
  }

  @Test
  void vocabulary_withoutConfig_isReadFromTheGraph() throws IOException {
    Path onnx = model("vecs.onnx", false);
    Files.delete(folder.resolve("config.json"));
    Files.writeString(folder.resolve("luciole.json"), "{\"maxTokens\": 64}");
    try (Backend backend =
        new OnnxBackendProvider()
            .open(ModelSource.path(onnx).resolve(), BackendConfig.on(Device.CPU))) {
      assertThatThrownBy(() ->
              backend.run(TokenBatch.of(List.of(new int[] {0, 8000, 2})), Set.of(Output.DENSE)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("7999");
      backend.run(TokenBatch.of(List.of(new int[] {0})), ALL).close();
    }
  }
}
