package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.LucioleException;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EncoderWeightsTest {
  @TempDir private Path folder;

  private static Path miniM3() {
    try {
      Path config =
          Path.of(
              Objects.requireNonNull(EncoderWeightsTest.class.getResource("/mini-m3/config.json"))
                  .toURI());
      return Objects.requireNonNull(config.getParent());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  /** A copy of mini-m3 whose configuration says something else. */
  private ModelFiles changed(String from, String to) throws IOException {
    for (String name : new String[] {"model.safetensors", "tokenizer.json", "sparse_linear.pt"}) {
      Files.copy(miniM3().resolve(name), folder.resolve(name));
    }
    String config = Files.readString(miniM3().resolve("config.json"));
    assertThat(config).contains(from);
    Files.writeString(folder.resolve("config.json"), config.replace(from, to));
    return ModelSource.path(folder).resolve();
  }

  @Test
  void miniM3_hasAllItsParts() {
    try (EncoderWeights weights = EncoderWeights.open(ModelSource.path(miniM3()).resolve())) {
      EncoderConfig config = weights.config();

      assertThat(config.headSize()).isEqualTo(16);
      assertThat(config.firstPosition()).isEqualTo(2);
      assertThat(config.maxTokens()).isEqualTo(1024);
      assertThat(config.activation()).isEqualTo(EncoderConfig.Activation.GELU);
      assertThat(weights.words().shape()).containsExactly(8000, 96);
      assertThat(weights.layer(2).output().weight().shape()).containsExactly(96, 256);
      assertThat(weights.layer(0).query().weight().name())
          .isEqualTo("encoder.layer.0.attention.self.query.weight");
      assertThat(weights.sparseHead().orElseThrow().outputs()).isEqualTo(1);
      assertThat(weights.colbertHead().orElseThrow().outputs()).isEqualTo(96);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "'\"num_hidden_layers\": 3', '\"num_hidden_layers\": 2', found more",
    "'\"num_hidden_layers\": 3', '\"num_hidden_layers\": 4', encoder.layer.3.",
    "'\"hidden_size\": 96', '\"hidden_size\": 95', num_attention_heads",
    "'\"hidden_size\": 96', '\"hidden_size\": 102', '[8000, 96]'",
    "'\"intermediate_size\": 256', '\"intermediate_size\": 257', '[256, 96]'",
    "'\"vocab_size\": 8000', '\"vocab_size\": 1e9', vocab_size",
    "'\"hidden_act\": \"gelu\"', '\"hidden_act\": \"mish\"', mish",
    "'\"model_type\": \"xlm-roberta\"', '\"model_type\": \"t5\"', t5",
    "'\"is_decoder\": false', '\"is_decoder\": true', is_decoder",
    "'\"layer_norm_eps\": 1e-05', '\"layer_norm_eps\": 0', layer_norm_eps",
    "'\"max_position_embeddings\": 1026', '\"max_position_embeddings\": 1027', '[1026, 96]'",
  })
  void configThatDoesNotFit_isRefusedWithBothSides(String from, String to, String names)
      throws IOException {
    ModelFiles model = changed(from, to);

    assertThatThrownBy(() -> EncoderWeights.open(model).close())
        .isInstanceOf(LucioleException.class)
        .hasMessageContainingAll("xpected", "found", names, folder.toString());
  }

  @Test
  void folderWithoutConfig_isRefusedWithWhatToDo() throws IOException {
    changed("96", "96");
    Files.writeString(folder.resolve("luciole.json"), "{\"maxTokens\": 16}");
    Files.writeString(folder.resolve("tokenizer_config.json"), "{\"model_max_length\": 1024}");
    Files.delete(folder.resolve("config.json"));

    assertThatThrownBy(() -> EncoderWeights.open(ModelSource.path(folder).resolve()).close())
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("config.json", folder.toString());
  }

  private static ModelFiles export(String name) {
    Path onnx = Path.of("src/test/resources/onnx").toAbsolutePath().resolve(name);
    return new ModelFiles(
        name,
        Objects.requireNonNull(onnx.getParent()),
        onnx, // nothing here reads a tokenizer
        onnx.resolveSibling("config.json"),
        null,
        onnx,
        null,
        null,
        null,
        new ModelDescription(OptionalInt.of(16), 24, Pooling.CLS, true, Map.of(), Set.of()));
  }

  @Test
  void quantisedExport_hasAllItsParts() {
    try (EncoderWeights weights = EncoderWeights.open(export("u8.onnx"))) {
      assertThat(weights.words().shape()).containsExactly(50, 16);
      assertThat(weights.layer(1).intermediate().weight().shape()).containsExactly(24, 16);
      assertThat(weights.layer(1).intermediate().weight().quantization()).isPresent();
    }
  }

  /** Its graph computes something else than the states that the encoder's layers give. */
  @Test
  void exportWithALayerBehindTheEncoder_isRefusedByName() {
    assertThatThrownBy(() -> EncoderWeights.open(export("dense.onnx")).close())
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("encoder alone", "dense.", "dense.onnx");
  }
}
