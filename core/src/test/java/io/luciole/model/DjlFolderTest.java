package io.luciole.model;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** TorchScript files, alone and as DJL's model zoo has them. */
class DjlFolderTest {
  @TempDir private Path folder;

  @BeforeEach
  void write() throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    Files.writeString(
        folder.resolve("config.json"), "{\"max_position_embeddings\": 40, \"vocab_size\": 120}");
  }

  private void zip(String name, String entry) throws IOException {
    try (ZipOutputStream zip =
        new ZipOutputStream(Files.newOutputStream(folder.resolve(name)), UTF_8)) {
      zip.putNextEntry(new ZipEntry(entry));
    }
  }

  private void serving(String... lines) throws IOException {
    Files.writeString(folder.resolve("serving.properties"), String.join("\n", lines));
  }

  private ModelFiles resolve() {
    return ModelSource.path(folder).resolve();
  }

  @Test
  void servingProperties_sayWhatTheFolderIs() throws IOException {
    Files.writeString(folder.resolve("bge.pt"), "");
    Files.writeString(folder.resolve("other.pt"), "");
    serving(
        "engine=PyTorch",
        "option.modelName=bge",
        "pooling=lasttoken",
        "normalize=false",
        "maxLength=32");

    ModelFiles files = resolve();

    assertThat(files.torchscript()).isEqualTo(folder.resolve("bge.pt"));
    assertThat(files.description().pooling()).isEqualTo(TokenPooling.of(Pooling.LAST));
    assertThat(files.description().normalize()).isFalse();
    assertThat(files.description().maxTokens()).isEqualTo(32);
    assertThat(files.configNumber("vocab_size")).contains(120);
    assertThat(files.configNumber("hidden_size")).isEmpty();
    assertThat(files.fingerprint(8, "").dimension()).isEqualTo(8);
  }

  @Test
  void servingProperties_leaveMeanAndNormalised() throws IOException {
    Files.writeString(folder.resolve("bge.pt"), "");
    serving("engine=PyTorch", "option.modelName=bge");

    assertThat(resolve().description().pooling()).isEqualTo(TokenPooling.of(Pooling.MEAN));
    assertThat(resolve().description().normalize()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "pooling=max, max",
    "dense=linear.safetensors, dense=linear.safetensors",
    "layerNorm=norm.safetensors, layerNorm",
    "maxLength=many, many",
    "option.modelName=gone, gone.pt",
  })
  void servingProperties_thatSayMoreThanIsComputed_areRefused(String line, String named)
      throws IOException {
    Files.writeString(folder.resolve("bge.pt"), "");
    serving("engine=PyTorch", "option.modelName=bge", line);

    assertThatThrownBy(this::resolve)
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("xpected", "found", named);
  }

  @Test
  void theOnlyProgramAmongFiles_isTheModel() throws IOException {
    zip("model.pt", "model/code/__torch__.py");
    zip("sparse_linear.pt", "archive/data.pkl");
    zip("optimizer.pt", "archive/data.pkl");

    assertThat(resolve().torchscript()).isEqualTo(folder.resolve("model.pt"));
    assertThat(resolve().sparseHead()).isEqualTo(folder.resolve("sparse_linear.pt"));
  }

  @Test
  void severalPrograms_areRefused_unlessOneIsNamed() throws IOException {
    zip("a.pt", "a/code/__torch__.py");
    zip("b.pt", "b/code/__torch__.py");

    assertThatThrownBy(this::resolve)
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("a.pt", "b.pt", "Name the one to use");
    assertThat(ModelSource.path(folder.resolve("b.pt")).resolve().torchscript())
        .isEqualTo(folder.resolve("b.pt"));
  }

  @Test
  void checkpoint_goesBeforeAProgram_unlessThatIsNamed() throws IOException {
    zip("a.pt", "a/code/__torch__.py");
    Files.writeString(folder.resolve("model.safetensors"), "");

    assertThat(resolve().torchscript()).isNull();
    assertThat(ModelSource.path(folder.resolve("a.pt")).resolve().weights()).isNull();
  }
}
