package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.LucioleException;
import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.Device;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.Random;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Checkpoints that are not what their configuration says: one clear error each, and no crash. */
class CheckpointErrorsTest {
  @TempDir Path folder;

  @BeforeEach
  void copy() {
    TestModels.miniM3Without(folder, "pytorch_model.bin", "expected.jsonl");
  }

  private void open() {
    new OnnxBackendProvider()
        .open(ModelSource.path(folder).resolve(), BackendConfig.on(Device.CPU))
        .close();
  }

  private AbstractThrowableAssert<?, ? extends Throwable> assertRefused() {
    return assertThatThrownBy(this::open).isInstanceOf(LucioleException.class);
  }

  private void edit(String key, String value) throws IOException {
    Path config = folder.resolve("config.json");
    String before = Files.readString(config);
    String after = before.replaceAll("\"" + key + "\": [^,\n]+", "\"" + key + "\": " + value);
    assertThat(after).isNotEqualTo(before);
    Files.writeString(config, after);
  }

  @ParameterizedTest
  @CsvSource({
    "hidden_size, 48, 48",
    "hidden_size, 100, 100",
    "hidden_size, -1, -1",
    "hidden_size, 1.5, 1.5",
    "num_hidden_layers, 2, 2 layers",
    "num_hidden_layers, 4, layer.3",
    "num_hidden_layers, 99999999, num_hidden_layers",
    "num_attention_heads, 5, 5",
    "intermediate_size, 100, 100",
    "vocab_size, 8001, 8001",
    "max_position_embeddings, 2000, 2000",
    "type_vocab_size, 2, '[2, 96]'",
    "type_vocab_size, 0, '\"type_vocab_size\" from 1 to'",
    "model_type, '\"mpnet\"', relative_attention_bias",
    "hidden_act, '\"mish\"', mish",
    "layer_norm_eps, 7, 7"
  })
  void configThatDisagrees_isRefused(String key, String value, String named) throws IOException {
    edit(key, value);

    assertRefused().hasMessageContaining("xpected").hasMessageContaining(named);
  }

  @Test
  void missingConfig_isRefused() throws IOException {
    Files.writeString(folder.resolve("luciole.json"), "{\"maxTokens\": 64}");
    Files.delete(folder.resolve("config.json"));

    assertRefused().isInstanceOf(ModelException.class).hasMessageContaining("config.json");
  }

  @Test
  void headOfAnotherSize_isRefused() throws IOException {
    Files.copy(
        folder.resolve("colbert_linear.pt"),
        folder.resolve("sparse_linear.pt"),
        StandardCopyOption.REPLACE_EXISTING);

    assertRefused().hasMessageContaining("[1, 96]").hasMessageContaining("[96, 96]");
  }

  @Test
  void truncatedWeights_areRefused() throws IOException {
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    for (int length : new int[] {0, 7, 100, bytes.length / 2, bytes.length - 1}) {
      Files.write(weights, Arrays.copyOf(bytes, length));
      assertRefused();
    }
  }

  @Test
  void weightsWithFlippedBits_openOrAreRefused() throws IOException {
    Path weights = folder.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    for (int seed = 0; seed < 10; seed++) {
      Random random = new Random(seed);
      byte[] flipped = bytes.clone();
      for (int i = 0; i < 4; i++) {
        flipped[random.nextInt(2000)] ^= (byte) (1 << random.nextInt(8));
      }
      Files.write(weights, flipped);
      try {
        open();
      } catch (LucioleException expected) {
        assertThat(expected.getMessage()).as("seed " + seed).isNotBlank();
      }
    }
  }
}
