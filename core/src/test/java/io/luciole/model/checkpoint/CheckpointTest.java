package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.WeightFiles.fixture;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.LucioleException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
  private static final String WORDS = "embeddings.word_embeddings.weight";

  @TempDir private Path folder;

  @Test
  void miniM3_isTheSameBitByBitInBothFormats() {
    try (Checkpoint safetensors = Checkpoint.open(fixture("mini-m3/model.safetensors"));
        Checkpoint pytorch = Checkpoint.open(fixture("mini-m3/pytorch_model.bin"))) {
      assertThat(pytorch.names()).hasSizeGreaterThan(50);
      for (String name : safetensors.names()) {
        Tensor expected = safetensors.require(name);
        Tensor found = pytorch.requireShape(name, expected.shape());
        assertThat(found.dtype()).isEqualTo(expected.dtype());
        assertThat(found.data()).isEqualTo(expected.data());
      }
      assertThat(safetensors.names()).containsExactlyInAnyOrderElementsOf(pytorch.names());
      assertThat(safetensors.requireShape(WORDS, 8000, 96).toString())
          .isEqualTo(WORDS + " F32[8000, 96]");
    }
  }

  @Test
  void heads_areHalfPrecision() {
    try (Checkpoint sparse = Checkpoint.open(fixture("mini-m3/sparse_linear.pt"));
        Checkpoint colbert = Checkpoint.open(fixture("mini-m3/colbert_linear.pt"))) {
      assertThat(sparse.names()).containsExactly("weight", "bias");
      assertThat(sparse.requireShape("weight", 1, 96).dtype()).isEqualTo(DType.F16);
      assertThat(sparse.requireShape("bias", 1).toFloats()).hasSize(1);
      float[] weight = colbert.requireShape("weight", 96, 96).toFloats();
      assertThat(weight).hasSize(96 * 96);
      for (float value : weight) {
        assertThat(value).isBetween(-2f, 2f);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors.index.json", "pytorch_model.bin.index.json"})
  void shards_areOneCheckpoint(String index) {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/sharded/" + index))) {
      assertThat(checkpoint.names())
          .containsExactlyInAnyOrder("a.weight", "a.bias", "b.weight", "b.bias");
      assertThat(checkpoint.requireShape("a.weight", 4, 3).toFloats())
          .containsExactly(TensorTest.floats(12));
      assertThat(checkpoint.requireShape("b.bias", 2).toFloats()).containsExactly(-1f, -0.875f);
      assertThat(checkpoint.require("b.bias").file().toString()).contains("00002-of-00002");
    }
  }

  @Test
  void shards_canBeOpenedAsAList() {
    List<Path> shards =
        List.of(
            fixture("checkpoint/sharded/model-00001-of-00002.safetensors"),
            fixture("checkpoint/sharded/pytorch_model-00002-of-00002.bin"));
    try (Checkpoint checkpoint = Checkpoint.open(shards)) {
      assertThat(checkpoint.names()).hasSize(4);
    }
  }

  @Test
  void files_withEqualNamesAreRefusedTogether() {
    List<Path> heads =
        List.of(fixture("mini-m3/sparse_linear.pt"), fixture("mini-m3/colbert_linear.pt"));
    assertThatThrownBy(() -> Checkpoint.open(heads))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("'weight' already in", "sparse_linear.pt", "colbert_linear.pt");
  }

  @Test
  void index_isRefusedWhereShardsDoNotFit() throws IOException {
    Path shard = fixture("checkpoint/sharded/model-00001-of-00002.safetensors");
    Files.copy(shard, folder.resolve("a.safetensors"));

    assertRefused(index("\"a.weight\": \"a.safetensors\", \"b.bias\": \"a.safetensors\""))
        .hasMessageContainingAll("'b.bias'", "a.safetensors", "none of this name");
    assertRefused(index("\"a.weight\": \"b.safetensors\""))
        .hasMessageContainingAll("b.safetensors", "found no file");
    assertRefused(index("\"a.weight\": \"x.index.json\"")).hasMessageContaining("another index");
    assertRefused(index("\"a.weight\": 3")).hasMessageContaining("VALUE_STRING");
    assertRefused(index("\"a.weight\": \"a.safetensors\", \"a.weight\": \"a.safetensors\""))
        .hasMessageContaining("Duplicate field");
    assertRefused(index("")).hasMessageContaining("weight_map");
    try (Checkpoint some = Checkpoint.open(index("\"a.weight\": \"a.safetensors\""))) {
      assertThat(some.names()).containsExactly("a.weight");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"../a.safetensors", "/etc/passwd", "..", ".", "", "b/a", "b\\\\a", "\\u0000"})
  void index_neverLeadsElsewhere(String name) {
    assertRefused(index("\"a\": \"" + name + "\"")).hasMessageContaining("a file beside");
  }

  @Test
  void require_namesWhatIsThere() {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("mini-m3/model.safetensors"))) {
      assertThat(checkpoint.tensor("pooler")).isEmpty();
      assertThatThrownBy(() -> checkpoint.require("roberta." + WORDS))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll(
              "expected tensor 'roberta." + WORDS, "but '" + WORDS, "model.safetensors");
      assertThatThrownBy(() -> checkpoint.requireShape(WORDS, 250002, 1024))
          .isInstanceOf(CheckpointException.class)
          .isInstanceOf(LucioleException.class)
          .hasMessageContainingAll(
              WORDS + "' of shape [250002, 1024]", "found shape [8000, 96]", "model.safetensors");
    }
  }

  @Test
  void buffers_outliveTheCheckpoint() {
    Checkpoint checkpoint = Checkpoint.open(fixture("mini-m3/model.safetensors"));
    ByteBuffer words = checkpoint.require(WORDS).data();
    Tensor unmapped = checkpoint.require("embeddings.LayerNorm.weight");
    checkpoint.close();
    checkpoint.close();

    assertThat(words.getFloat(0)).isFinite();
    assertThatThrownBy(unmapped::data)
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("a closed one");
  }

  @Test
  void file_thatShrankIsNotMapped() throws IOException {
    Path file = folder.resolve("model.safetensors");
    Files.copy(fixture("mini-m3/model.safetensors"), file);
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      byte[] half = new byte[100_000];
      Files.write(file, half);
      List<Tensor> last = checkpoint.names().stream().map(checkpoint::require).toList();
      assertThatThrownBy(() -> last.forEach(Tensor::data))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("became shorter");
    }
  }

  @Test
  void files_ofOtherKindsAreRefused() {
    assertRefused(folder).hasMessageContaining("found a folder");
    assertRefused(folder.resolve("none.bin")).hasMessageContaining("found no file");
    assertRefused(file("empty.bin", "")).hasMessageContaining("an empty file");
    assertRefused(file("text.bin", "Entry not found")).hasMessageContaining("found neither");
    assertRefused(file("short.safetensors", "{}")).hasMessageContaining("length of");
    assertRefused(file("lfs.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n"))
        .hasMessageContaining("git lfs pull");
    assertRefused(fixture("checkpoint/legacy.bin"))
        .hasMessageContainingAll("before 1.6", "torch.save(torch.load(");
    assertThatThrownBy(() -> Checkpoint.open(List.of())).isInstanceOf(CheckpointException.class);
  }

  private AbstractThrowableAssert<?, ?> assertRefused(Path file) {
    return assertThatThrownBy(() -> Checkpoint.open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(file.resolveSibling("").toString());
  }

  private Path index(String weightMap) {
    return file(
        "x.index.json", "{\"metadata\": {\"x\": [1]}, \"weight_map\": {" + weightMap + "}}");
  }

  private Path file(String name, String text) {
    return WeightFiles.write(folder.resolve(name), text.getBytes(UTF_8));
  }
}
