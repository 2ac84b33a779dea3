package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.internal.Cosine;
import io.luciole.model.DenseRecipe;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Exports of a tiny BERT that {@code quantize_dynamic} quantised, against their weights in double
 * precision (core's resources onnx/make_fixtures.py).
 */
class QuantizedExportTest {
  private static final Path FOLDER = Path.of("../core/src/test/resources/onnx");
  private static final int HIDDEN = 16;

  private final PrintStream usual = System.err;
  private final ByteArrayOutputStream logged = new ByteArrayOutputStream();

  /** Where slf4j-simple writes. */
  @BeforeEach
  void listen() {
    System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
  }

  @AfterEach
  void restore() {
    System.setErr(usual);
  }

  private String warnings() {
    return logged.toString(StandardCharsets.UTF_8);
  }

  private static ModelFiles files(String name, Pooling pooling, Integer... outliers) {
    return new ModelFiles(
        name,
        FOLDER,
        FOLDER.resolve("config.json"), // the backend reads no tokenizer
        FOLDER.resolve("config.json"),
        null,
        FOLDER.resolve(name + ".onnx"),
        null,
        null,
        null,
        new ModelDescription(
            OptionalInt.of(HIDDEN),
            24,
            DenseRecipe.of(pooling, true),
            Map.of(),
            Map.of(),
            Set.of(),
            Set.of(outliers),
            null,
            false));
  }

  private static Backend open(ModelFiles files, @Nullable Precision precision) {
    BackendConfig config = BackendConfig.on(Device.CPU).outputs(EnumSet.of(Output.DENSE));
    return new OnnxBackendProvider()
        .open(files, precision == null ? config : config.precision(precision));
  }

  private static List<float[]> run(Backend backend, List<int[]> texts) {
    try (BackendOutput output = backend.run(TokenBatch.of(texts), Set.of(Output.DENSE))) {
      List<float[]> vectors = new ArrayList<>();
      for (int i = 0; i < texts.size(); i++) {
        float[] vector = new float[HIDDEN];
        output.get(Output.DENSE).get(i * HIDDEN, vector);
        vectors.add(vector);
      }
      return vectors;
    }
  }

  private static List<JsonNode> lines() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(FOLDER.resolve("expected.jsonl"))) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }

  private static int[] ids(JsonNode line) {
    int[] ids = new int[line.path("ids").size()];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = line.path("ids").path(i).asInt();
    }
    return ids;
  }

  private static float[] expected(JsonNode line, String way, Pooling pooling) {
    JsonNode values = line.path(way).path(pooling.name().toLowerCase(Locale.ROOT));
    float[] vector = new float[values.size()];
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) values.path(i).asDouble();
    }
    return vector;
  }

  /** In bytes, rounding to 1/127 of a token's largest component is left; 16 average little. */
  @ParameterizedTest
  @CsvSource({
    "u8, CLS, FP32, 0.999999",
    "u8, MEAN, FP32, 0.999999",
    "s8-channel, CLS, FP32, 0.999999",
    "s8-reduced, MEAN, FP32, 0.999999",
    "u8, MEAN, INT8, 0.998",
    "s8-channel, MEAN, INT8, 0.998",
    "s8-reduced, CLS, INT8, 0.998",
    "s8-reduced, MEAN, INT8, 0.998",
  })
  void vectors_areThoseOfTheWeights(String way, Pooling pooling, Precision precision, double least)
      throws IOException {
    List<JsonNode> lines = lines();
    List<int[]> texts = lines.stream().map(QuantizedExportTest::ids).toList();
    try (Backend backend = open(files(way, pooling), precision)) {
      assertThat(backend.info().precision()).isEqualTo(precision.id());
      List<float[]> together = run(backend, texts);
      for (int i = 0; i < texts.size(); i++) {
        float[] expected = expected(lines.get(i), way, pooling);
        float[] alone = run(backend, List.of(texts.get(i))).get(0);
        assertThat(Cosine.of(together.get(i), expected)).as("together %d", i).isGreaterThan(least);
        assertThat(Cosine.of(alone, expected)).as("alone %d", i).isGreaterThan(least);
      }
    }
    assertThat(warnings()).isEmpty();
  }

  /** Multiplied as floats, outliers leave the rest of the vector its range. */
  @Test
  void outlierChannels_inBytes_giveTheSameVectors() throws IOException {
    List<JsonNode> lines = lines();
    List<int[]> texts = lines.stream().map(QuantizedExportTest::ids).toList();
    try (Backend backend = open(files("s8-reduced", Pooling.CLS, 3, 11), Precision.INT8)) {
      List<float[]> found = run(backend, texts);
      for (int i = 0; i < texts.size(); i++) {
        assertThat(Cosine.of(found.get(i), expected(lines.get(i), "s8-reduced", Pooling.CLS)))
            .isGreaterThan(0.998);
      }
    }
  }

  /** Bytes where the file's are exact on every processor and its outliers are known. */
  @Test
  void precision_isInt8OnlyWhereNothingIsLost() {
    assertThat(usualPrecision("s8-reduced", 3)).isEqualTo("int8");
    assertThat(usualPrecision("s8-reduced")).isEqualTo("fp32");
    assertThat(usualPrecision("s8-channel", 3)).isEqualTo("fp32");
    assertThat(usualPrecision("u8", 3)).isEqualTo("fp32");
  }

  private static String usualPrecision(String way, Integer... outliers) {
    try (Backend backend = open(files(way, Pooling.CLS, outliers), null)) {
      return backend.info().precision();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dense", "pooled"})
  void exportThatIsNotUnderstood_runsTextByTextWithAWarning(String name) throws IOException {
    List<int[]> texts = lines().stream().map(QuantizedExportTest::ids).toList();
    try (Backend backend = open(files(name, Pooling.CLS), null)) {
      assertThat(backend.info().precision()).isEqualTo("as exported");
      assertThat(warnings())
          .contains(name + ".onnx quantises activations as it runs")
          .contains(name.equals("dense") ? "dense." : "rank 3")
          .contains("text by text")
          .contains("depend on the processor")
          .contains("model.safetensors");
      List<float[]> together = run(backend, texts);
      for (int i = 0; i < texts.size(); i++) {
        assertThat(Cosine.of(together.get(i), run(backend, List.of(texts.get(i))).get(0)))
            .as("text %d among the others, and alone", i)
            .isGreaterThan(0.999999);
      }
      assertThat(warnings()).containsOnlyOnce("quantises activations");
    }
    assertThatThrownBy(() -> open(files(name, Pooling.CLS), Precision.INT8))
        .isInstanceOf(LucioleException.class)
        .hasMessageContaining("precision it was exported with");
  }

  @Test
  void exportWithoutConfig_runsTextByTextAndSaysWhatIsMissing() {
    ModelFiles whole = files("u8", Pooling.CLS);
    ModelFiles without =
        new ModelFiles(
            "u8",
            FOLDER,
            whole.tokenizer(),
            null,
            null,
            whole.onnx(),
            null,
            null,
            null,
            whole.description());
    try (Backend backend = open(without, null)) {
      assertThat(backend.info().precision()).isEqualTo("as exported");
      assertThat(warnings()).contains("config.json").contains("text by text");
    }
  }

  @Test
  void exportInFloats_runsAsItIsWithoutAWarning() {
    try (Backend backend = open(files("fp32", Pooling.CLS), null)) {
      assertThat(backend.info().precision()).isEqualTo("as exported");
      assertThat(warnings()).isEmpty();
    }
  }

  /**
   * What only the vectors tell: nothing in the weights' shapes contradicts such a configuration.
   */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {"\"layer_norm_eps\": 1e-12 | \"layer_norm_eps\": 0.5"})
  void configThatContradictsTheGraph_isFoundByATrial(
      String right, String wrong, @TempDir Path folder) throws IOException {
    String text = Files.readString(FOLDER.resolve("config.json"));
    Path config = folder.resolve("config.json");
    Files.writeString(config, text.replace(right, wrong));
    assertThat(config).content().contains(wrong);
    ModelFiles whole = files("u8", Pooling.CLS);
    ModelFiles changed =
        new ModelFiles(
            "u8",
            FOLDER,
            whole.tokenizer(),
            config,
            null,
            whole.onnx(),
            null,
            null,
            null,
            whole.description());
    try (Backend backend = open(changed, null)) {
      assertThat(backend.info().precision()).isEqualTo("as exported");
      assertThat(warnings()).contains("config.json to describe the graph", "layer_norm_eps");
    }
  }

  @Test
  void exportWithoutPooling_isRefusedAndNotRunAnotherWay() {
    ModelFiles files = files("u8", Pooling.CLS);
    ModelFiles without =
        new ModelFiles(
            "u8",
            FOLDER,
            files.tokenizer(),
            files.config(),
            null,
            files.onnx(),
            null,
            null,
            null,
            new ModelDescription(OptionalInt.of(HIDDEN), 24, null, true, Map.of(), Set.of()));

    assertThatThrownBy(() -> open(without, null))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("luciole.json");
  }
}
