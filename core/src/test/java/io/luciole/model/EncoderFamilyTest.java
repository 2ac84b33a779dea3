package io.luciole.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.LucioleException;
import io.luciole.model.Architecture.LayerAttention;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** The tiny encoders of testkit, as they are and with configurations that say something else. */
class EncoderFamilyTest {
  @TempDir private Path folder;

  private static Path encoder(String name) {
    String config = "/encoders/" + name + "/config.json";
    try {
      Path file =
          Path.of(Objects.requireNonNull(EncoderFamilyTest.class.getResource(config)).toURI());
      return Objects.requireNonNull(file.getParent());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private ModelFiles changed(String name, String from, String to) throws IOException {
    for (String file : new String[] {"model.safetensors", "tokenizer.json", "luciole.json"}) {
      Files.copy(encoder(name).resolve(file), folder.resolve(file));
    }
    String config = Files.readString(encoder(name).resolve("config.json"));
    assertThat(config).contains(from);
    Files.writeString(folder.resolve("config.json"), config.replace(from, to));
    return ModelSource.path(folder).resolve();
  }

  @ParameterizedTest
  @CsvSource({
    "distilbert, 512, 0, 0",
    "electra, 512, 0, 2",
    "mpnet, 512, 2, 0",
    "modernbert, 520, 0, 0",
    "modernbert-mlm, 520, 0, 0",
    "nomic, 512, 0, 2",
    "nomic-2048, 512, 0, 2",
  })
  void encoder_hasItsSizesAndAllItsParts(String name, int tokens, int first, int tokenTypes) {
    ModelFiles model = ModelSource.path(encoder(name)).resolve();
    try (EncoderWeights weights = EncoderWeights.open(model)) {
      EncoderConfig config = weights.config();

      assertThat(config.hidden()).isEqualTo(32);
      assertThat(config.maxTokens()).isEqualTo(tokens);
      assertThat(config.firstPosition()).isEqualTo(first);
      assertThat(config.tokenTypes()).isEqualTo(tokenTypes);
      assertThat(model.description().hiddenSize()).hasValue(32);
      assertThat(model.description().maxTokens()).isEqualTo(tokens);
      assertThat(weights.layer(2).key().weight().shape()).containsExactly(32, 32);
      assertThat(weights.layer(2).key().bias().shape()).containsExactly(32);
    }
  }

  @Test
  void modernBert_alternatesBetweenAllTokensAndWindows() {
    LayerAttention global = new LayerAttention(1000, 0);
    LayerAttention local = new LayerAttention(100, 10);
    Path config = encoder("modernbert").resolve("config.json");

    Architecture architecture = EncoderConfig.read(config).architecture();

    assertThat(architecture.attention()).isEqualTo(List.of(global, local, local, global, local));
    assertThat(architecture.hasLayersOfBert()).isFalse();
    Path old = encoder("modernbert-mlm").resolve("config.json");
    LayerAttention wide = new LayerAttention(160_000, 0);
    LayerAttention narrow = new LayerAttention(10_000, 10);
    assertThat(EncoderConfig.read(old).architecture().attention())
        .isEqualTo(List.of(wide, narrow, wide, narrow, wide));
  }

  @ParameterizedTest
  @CsvSource({
    "distilbert, '\"activation\": \"gelu\"', '\"activation\": \"mish\"', activation, mish",
    "distilbert, '\"dim\": 32', '\"dim\": 31', dim, 31",
    "distilbert, '\"n_layers\": 3', '\"n_layers\": 2', 2 layers, found more",
    "electra, '\"vocab_size\": 160', '\"position_embedding_type\": \"relative_key\","
        + " \"vocab_size\": 160', position_embedding_type, relative_key",
    "electra, '\"vocab_size\": 160', '\"quantization_config\": {\"load_in_8bit\": true},"
        + " \"vocab_size\": 160', quantization_config, load_in_8bit",
    "electra, '\"embedding_size\": 16', '\"embedding_size\": 32', '[160, 32]', '[160, 16]'",
    "mpnet, '\"relative_attention_num_buckets\": 32', '\"relative_attention_num_buckets\": 16',"
        + " '[16, 2]', '[32, 2]'",
    "mpnet, '\"relative_attention_num_buckets\": 32', '\"relative_attention_num_buckets\": 6',"
        + " relative_attention_num_buckets, 6",
    "modernbert, '\"rope_type\": \"default\"', '\"rope_type\": \"yarn\"', rope_parameters, yarn",
    "modernbert, '\"rope_type\": \"default\"', '\"partial_rotary_factor\": 0.5', rope_parameters,"
        + " 0.5",
    "modernbert, '\"full_attention\": {', '\"rope_type\": \"linear\", \"full_attention\": {',"
        + " rope_parameters, linear",
    "modernbert, '\"full_attention\",', '\"chunked_attention\",', layer_types, chunked_attention",
    "modernbert, '\"local_attention\": 20', '\"local_attention\": 20, \"sliding_window\": 20',"
        + " sliding_window, 20",
    "modernbert-mlm, '\"norm_eps\": 1e-05', '\"rope_scaling\": {\"factor\": 2}', rope_scaling,"
        + " factor",
    "modernbert-mlm, '\"hidden_activation\": \"gelu\"', '\"hidden_activation\": \"gelu_fast\"',"
        + " hidden_activation, gelu_fast",
    "nomic, '\"rope_type\": \"default\"', '\"rope_type\": \"dynamic\"', rope_parameters, dynamic",
    "nomic, '\"head_dim\": 16', '\"head_dim\": 8', head_dim, 8",
    "nomic-2048, '\"swiglu\"', '\"glu\"', activation_function, glu",
    "nomic-2048, '\"prenorm\": false', '\"prenorm\": true', prenorm, true",
    "nomic-2048, '\"qkv_proj_bias\": false', '\"qkv_proj_bias\": true', qkv_proj_bias, true",
    "nomic-2048, '\"rotary_scaling_factor\": null', '\"rotary_scaling_factor\": 2.0',"
        + " rotary_scaling_factor, 2.0",
    "nomic-2048, '\"rotary_emb_fraction\": 1.0', '\"rotary_emb_fraction\": 0.5',"
        + " rotary_emb_fraction, 0.5",
    "nomic-2048, '\"causal\": false', '\"moe_every_n_layers\": 2', moe_every_n_layers, 2",
  })
  void whatAConfigurationSaysAndIsNotComputed_isRefusedByName(
      String name, String from, String to, String key, String found) throws IOException {
    ModelFiles model = changed(name, from, to);

    assertThatThrownBy(() -> EncoderWeights.open(model).close())
        .isInstanceOf(LucioleException.class)
        .hasMessageContainingAll("xpected", "found", key, found, folder.toString());
  }

  @Test
  void limitBeyondThePositions_isRefusedWithBoth() throws IOException {
    ModelFiles model = changed("mpnet", "514", "514");
    Files.writeString(folder.resolve("luciole.json"), "{\"maxTokens\": 513}");

    assertThat(model.description().maxTokens()).isEqualTo(512);
    assertThatThrownBy(() -> ModelSource.path(folder).resolve())
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("2 to 512", "513", folder.toString());
  }

  /** Layouts of the hub: a checkpoint that is not computed, and its export in {@code onnx/}. */
  @ParameterizedTest
  @ValueSource(strings = {"deberta-v2", "qwen3"})
  void checkpointThatIsNotComputed_leavesItsExportInPlace(String type) throws IOException {
    changed("modernbert", "\"model_type\": \"modernbert\"", "\"model_type\": \"" + type + '"');
    Files.createDirectory(folder.resolve("onnx"));
    Path export = Files.writeString(folder.resolve("onnx/model.onnx"), "");

    ModelFiles model = ModelSource.path(folder).resolve();

    assertThat(model.checkpoint()).isEmpty();
    assertThat(model.onnxFile()).hasValue(export);
  }

  /** Its window is computed, so that the export is not needed. */
  @Test
  void checkpointOfModernBert_isPreferredToItsExport() throws IOException {
    changed("modernbert", "\"modernbert\"", "\"modernbert\"");
    Files.createDirectory(folder.resolve("onnx"));
    Files.writeString(folder.resolve("onnx/model.onnx"), "");

    assertThat(ModelSource.path(folder).resolve().checkpoint()).isPresent();
  }

  /** The boundaries of T5's buckets, as Transformers' {@code relative_position_bucket} has them. */
  @ParameterizedTest
  @CsvSource({
    "0, 0", "-1, 1", "-7, 7", "-8, 8", "-11, 8", "-12, 9", "-16, 10", "-32, 12", "-64, 14",
    "-90, 14", "-91, 15", "-127, 15", "-128, 15", "1, 17", "7, 23", "8, 24", "91, 31", "128, 31",
  })
  void distance_hasItsBucket(int keyMinusQuery, int bucket) {
    assertThat(RelativePositions.bucket(keyMinusQuery, 32)).isEqualTo(bucket);
  }
}
