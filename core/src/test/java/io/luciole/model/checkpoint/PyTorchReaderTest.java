package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.WeightFiles.fixture;
import static io.luciole.model.checkpoint.WeightFiles.pickle;
import static io.luciole.model.checkpoint.WeightFiles.storage;
import static io.luciole.model.checkpoint.WeightFiles.tensor;
import static io.luciole.model.checkpoint.WeightFiles.text;
import static io.luciole.model.checkpoint.WeightFiles.torchFile;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PyTorchReaderTest {
  private static final String FOUR = storage("0", 4);

  @TempDir private Path folder;

  private Checkpoint open(byte[] bytes) {
    return Checkpoint.open(WeightFiles.write(folder.resolve("x.bin"), bytes));
  }

  private void assertRefused(byte[] bytes, String... parts) {
    WeightFiles.assertRefused(() -> open(bytes).close(), "x.bin", parts);
  }

  /** A file of one tensor "a" over a storage of four floats. */
  private static byte[] one(String offset, String size, String stride) {
    return torchFile(pickle("}" + text("a") + tensor(FOUR, offset, size, stride) + "s"));
  }

  @Test
  void views_becomeRowMajor() {
    float[] f = TensorTest.floats(24);
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/views.bin"))) {
      assertThat(checkpoint.requireShape("base", 6, 4).toFloats()).containsExactly(f);
      assertThat(checkpoint.requireShape("tied", 6, 4).data())
          .isEqualTo(checkpoint.require("base").data());
      assertThat(checkpoint.requireShape("rows", 2, 4).toFloats())
          .containsExactly(Arrays.copyOfRange(f, 8, 16));
      assertThat(checkpoint.requireShape("columns", 6, 2).toFloats())
          .containsExactly(
              f[1], f[2], f[5], f[6], f[9], f[10], f[13], f[14], f[17], f[18], f[21], f[22]);
      assertThat(checkpoint.requireShape("column", 6, 1).toFloats())
          .containsExactly(f[1], f[5], f[9], f[13], f[17], f[21]);
      assertThat(checkpoint.requireShape("expanded", 3, 4).toFloats())
          .containsExactly(f[0], f[1], f[2], f[3], f[0], f[1], f[2], f[3], f[0], f[1], f[2], f[3]);
      float[] transposed = checkpoint.requireShape("transposed", 4, 6).toFloats();
      float[] permuted = checkpoint.requireShape("permuted", 4, 2, 3).toFloats();
      float[] halves = checkpoint.requireShape("halves", 5, 3).toFloats();
      for (int i = 0; i < 24; i++) {
        assertThat(transposed[i]).isEqualTo(f[i % 6 * 4 + i / 6]);
        assertThat(permuted[i]).isEqualTo(f[i % 6 / 3 * 12 + i % 3 * 4 + i / 6]);
      }
      for (int i = 0; i < 15; i++) {
        int element = i % 3 * 5 + i / 3;
        assertThat(halves[i]).isEqualTo(f[element]);
        assertThat(checkpoint.requireShape("bytes", 5, 3).data().get(i)).isEqualTo((byte) element);
        assertThat(checkpoint.requireShape("longs", 5, 3).data().getLong(8 * i)).isEqualTo(element);
      }
      assertThat(checkpoint.require("transposed").data().isDirect()).isTrue();
      assertThat(checkpoint.require("transposed").data().isReadOnly()).isTrue();
    }
  }

  @Test
  void nestedDicts_areNamedByTheirPath() {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/nested.pt"))) {
      assertThat(checkpoint.names())
          .containsExactly(
              "state_dict.weight",
              "state_dict.bias",
              "parameters.module.weight",
              "optimizer.state.0.average",
              "optimizer.groups.1.first",
              "optimizer.pair.1");
      assertThat(checkpoint.requireShape("parameters.module.weight", 2, 3).toFloats())
          .containsExactly(TensorTest.floats(6));
      assertThat(checkpoint.requireShape("optimizer.pair.1", 3).toFloats())
          .containsExactly(TensorTest.floats(3));
    }
  }

  @Test
  void nestedDicts_withClashingPathsAreRefused() {
    String a = tensor(FOUR, "K\0", "K\4\u0085", "K\1\u0085");
    assertRefused(
        torchFile(pickle("}(" + text("a.b") + a + text("a") + "}" + text("b") + a + "su")),
        "each tensor once",
        "'a.b'");
  }

  @ParameterizedTest
  @ValueSource(strings = {"plain.bin", "zip64.bin"})
  void archives_areReadWithAndWithoutZip64(String file) {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/" + file))) {
      assertThat(checkpoint.requireShape("a", 2, 3).toFloats())
          .containsExactly(TensorTest.floats(6));
    }
  }

  @Test
  void archives_ofOtherKindsAreRefused() {
    assertThatThrownBy(() -> Checkpoint.open(fixture("checkpoint/compressed.bin")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("stored as it is", "compression method 8", "compressed.bin");
    assertThatThrownBy(() -> Checkpoint.open(fixture("checkpoint/big-endian.bin")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("'little'", "found 'big'", "big-endian.bin");
    assertThatThrownBy(() -> Checkpoint.open(fixture("checkpoint/bare.pt")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("a tensor without a name");
    assertThatThrownBy(() -> Checkpoint.open(fixture("checkpoint/complex.bin")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("'torch.ComplexFloatStorage'");
    assertThatThrownBy(() -> Checkpoint.open(fixture("checkpoint/counter.bin")))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll("'collections.Counter'", "can run code and this reader refuses");
    assertRefused(
        torchFile(Map.of("word/document.xml", new byte[3])), "FOLDER/data.pkl", "found 0");
    byte[] empty = pickle("}");
    assertRefused(torchFile(Map.of("x/data.pkl", empty, "y/data.pkl", empty)), "found 2");
    assertRefused(torchFile(Map.of("x/data.pkl", new byte[17 << 20])), "at most 16777216 bytes");
    assertRefused(torchFile(Map.of("x/data.pkl", pickle("]"))), "a dict of tensors");
  }

  @Test
  void byteOrder_mayBeMissing() {
    try (Checkpoint checkpoint = open(torchFile(Map.of("any folder/data.pkl", pickle("}"))))) {
      assertThat(checkpoint.names()).isEmpty();
    }
  }

  @Test
  void tensors_beyondTheirStorageAreRefused() {
    try (Checkpoint checkpoint = open(one("K\1", "K\3\u0085", "K\1\u0085"))) {
      assertThat(checkpoint.requireShape("a", 3).toFloats()).containsExactly(0, 0, 0);
    }
    assertRefused(one("K\1", "K\4\u0085", "K\1\u0085"), "within its storage of 4 elements");
    assertRefused(one("K\0", "K\3\u0085", "K\2\u0085"), "strides [2]");
    assertRefused(one("K\5", "K\0\u0085", "K\1\u0085"), "offset 5");
    assertRefused(one("J\377\377\377\377", "K\1\u0085", "K\1\u0085"), "REBUILD_TENSOR");
    assertRefused(one("K\0", "J\377\377\377\377\u0085", "K\1\u0085"), "0 or more", "found -1");
    assertRefused(one("K\0", "K\2\u0085", "J\377\377\377\377\u0085"), "0 or more", "found -1");
    assertRefused(one("K\0", "K\2K\2\u0086", "K\1\u0085"), "REBUILD_TENSOR");
    assertRefused(
        one("K\0", "(" + "K\1".repeat(65) + "t", "(" + "K\1".repeat(65) + "t"), "REBUILD");
    String huge = "\u008a\10\377\377\377\377\377\377\377\177";
    assertRefused(one("K\0", huge + "\u0085", "K\1\u0085"), "within its storage");
    assertRefused(one("K\0", huge + huge + "\u0086", "K\0K\0\u0086"), "fits 63 bits");
    assertRefused(one(huge, huge + "\u0085", huge + "\u0085"), "within its storage");
    assertRefused(
        torchFile(
            pickle(
                "}" + text("a") + tensor(storage("1", 4), "K\0", "K\4\u0085", "K\1\u0085") + "s")),
        "'x/data/1'");
    assertRefused(
        torchFile(
            pickle(
                "}" + text("a") + tensor(storage("0", 5), "K\0", "K\4\u0085", "K\1\u0085") + "s")),
        "5 elements of F32",
        "16 bytes");
  }

  @Test
  void expandedTensor_tooLargeToCopyIsRefusedWhenRead() {
    try (Checkpoint checkpoint = open(one("K\0", "J\0\0\0\1K\4\u0086", "K\0K\1\u0086"))) {
      Tensor tensor = checkpoint.requireShape("a", 1 << 24, 4);
      assertThatThrownBy(tensor::data)
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("contiguous or at most 67108864 bytes", "strides [0, 1]");
    }
  }

  @Test
  void graphs_thatShareOrContainThemselvesAreBounded() {
    String a = tensor(FOUR, "K\0", "K\4\u0085", "K\1\u0085");
    StringBuilder doubling = new StringBuilder("}" + text("t") + a + "sq\0");
    for (int i = 1; i < 30; i++) {
      char previous = (char) (i - 1);
      doubling.append(
          "}(" + text("a") + "h" + previous + text("b") + "h" + previous + "uq" + (char) i);
    }
    assertRefused(torchFile(pickle(doubling.toString())), "a state dict at most");
    assertRefused(torchFile(pickle("}q\0" + text("a") + "h\0s")), "32 levels deep");
    assertRefused(torchFile(pickle("]q\0h\0a0}" + text("a") + "h\0s")), "32 levels deep");

    String key = "X\0\4\0\0" + "k".repeat(1024);
    String names = "}" + key + "](" + "N".repeat(60_000) + "es";
    assertRefused(torchFile(pickle(names)), "16777216 characters");
  }

  @Test
  @Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void files_truncatedAnywhereAreRefused() throws Exception {
    for (String file : new String[] {"nested.pt", "zip64.bin"}) {
      byte[] whole = Files.readAllBytes(fixture("checkpoint/" + file));
      for (int length = 0; length < whole.length; length++) {
        byte[] start = Arrays.copyOf(whole, length);
        WeightFiles.assertRefusedInTheEnd(() -> open(start).close(), "x.bin");
      }
    }
  }
}
