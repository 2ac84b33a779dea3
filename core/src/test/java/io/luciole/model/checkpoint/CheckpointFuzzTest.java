package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.WeightFiles.fixture;
import static io.luciole.model.checkpoint.WeightFiles.pickle;
import static io.luciole.model.checkpoint.WeightFiles.storage;
import static io.luciole.model.checkpoint.WeightFiles.tensor;
import static io.luciole.model.checkpoint.WeightFiles.text;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Damages small weight files at random and reads all that is in them: the outcome is success or a
 * {@link CheckpointException}. {@code -Dluciole.fuzz.seed=N} repeats a run, {@code
 * -Dluciole.fuzz.cases=N} lengthens one.
 */
class CheckpointFuzzTest {
  private static final int CASES = Integer.getInteger("luciole.fuzz.cases", 400);
  private static final long SEED = Long.getLong("luciole.fuzz.seed", System.nanoTime());
  private static final long LONGEST_MILLIS = 10_000;

  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "types.safetensors",
        "types.bin",
        "views.bin",
        "nested.pt",
        "zip64.bin",
        "compressed.bin",
        "legacy.bin",
        "../onnx/u8.onnx",
        "../onnx/s8-channel.onnx",
        "sharded/model.safetensors.index.json"
      })
  @Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void damagedFile_isReadOrRefused(String name) throws IOException {
    Path original = fixture("checkpoint/" + name);
    byte[] whole = Files.readAllBytes(original);
    Path file = folder.resolve(original.getFileName());
    if (name.startsWith("sharded/")) {
      for (int i = 1; i <= 2; i++) {
        Path shard = original.resolveSibling("model-0000" + i + "-of-00002.safetensors");
        Files.copy(shard, folder.resolve(shard.getFileName()));
      }
    }
    Random random = new Random(SEED);
    int refused = 0;
    for (int i = 0; i < CASES; i++) {
      byte[] damaged = damage(whole, random);
      Files.write(file, damaged);
      long start = System.nanoTime();
      try {
        readAll(file);
      } catch (CheckpointException e) {
        assertThat(e).hasMessageContaining("expected ").hasMessageContaining(folder.toString());
        refused++;
      } catch (Throwable e) {
        Path kept = Files.write(Files.createTempFile("luciole-fuzz", null), damaged);
        throw new AssertionError(name + " case " + i + " seed " + SEED + " kept in " + kept, e);
      }
      assertThat(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start))
          .as("%s case %d seed %d: milliseconds", name, i, SEED)
          .isLessThan(LONGEST_MILLIS);
    }
    System.out.printf("fuzz %s: %d cases, %d refused, seed %d%n", name, CASES, refused, SEED);
    assertThat(refused).as("seed %d", SEED).isPositive();
  }

  /** Random programs, of instructions that the unpickler knows, mixed with those of a real one. */
  @Test
  @Timeout(value = 120, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void pickle_ofRandomInstructionsMakesAnObjectOrIsRefused() {
    String[] instructions = {
      "(",
      "0",
      "1",
      "2",
      "N",
      "\u0088",
      "\u0089",
      "K\1",
      "K\4",
      "J\377\377\377\377",
      "\u008a\1\5",
      text("a"),
      text("storage"),
      ")",
      "\u0085",
      "\u0086",
      "\u0087",
      "t",
      "]",
      "a",
      "e",
      "}",
      "s",
      "u",
      "q\0",
      "q\1",
      "h\0",
      "h\1",
      "Q",
      "R",
      "b",
      "ccollections\nOrderedDict\n",
      "ctorch._utils\n_rebuild_parameter\n",
      "ctorch._utils\n_rebuild_tensor_v2\n",
      "ctorch\nFloatStorage\n",
      storage("0", 4),
      "ccollections\nOrderedDict\n)R",
      "}" + text("a") + tensor(storage("0", 4), "K\0", "K\4\u0085", "K\1\u0085") + "s",
      "}",
      "]",
      ")"
    };
    Random random = new Random(SEED);
    int made = 0;
    Path file = folder.resolve("random.bin");
    for (int i = 0; i < 50 * CASES; i++) {
      StringBuilder program = new StringBuilder();
      for (int length = random.nextInt(12); length >= 0; length--) {
        program.append(instructions[random.nextInt(instructions.length)]);
      }
      byte[] pickle = pickle(program.toString());
      try {
        StateDictUnpickler.load(ByteBuffer.wrap(pickle).order(ByteOrder.LITTLE_ENDIAN), file);
        made++;
        if (made % 10 == 0) {
          readAll(WeightFiles.write(file, WeightFiles.torchFile(pickle)));
        }
      } catch (CheckpointException e) {
        assertThat(e).hasMessageContaining("expected ").hasMessageContaining("random.bin");
      } catch (Throwable e) {
        throw new AssertionError("case " + i + " seed " + SEED + ": " + program, e);
      }
    }
    System.out.printf("fuzz random pickles: %d, %d made, seed %d%n", 50 * CASES, made, SEED);
    assertThat(made).as("seed %d", SEED).isPositive();
  }

  private static byte[] damage(byte[] whole, Random random) {
    byte[] bytes = whole.clone();
    switch (random.nextInt(6)) {
      case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length));
      case 1 -> {
        // A run of one value: lengths of zero or of all ones.
        int at = random.nextInt(bytes.length);
        int end = Math.min(bytes.length, at + 1 + random.nextInt(8));
        Arrays.fill(bytes, at, end, (byte) (random.nextBoolean() ? 0 : 0xff));
      }
      case 2 -> {
        // A piece moved elsewhere: fields that are whole, but in the wrong place.
        int length = 1 + random.nextInt(Math.min(64, bytes.length));
        int from = random.nextInt(bytes.length - length + 1);
        int to = random.nextInt(bytes.length - length + 1);
        System.arraycopy(whole, from, bytes, to, length);
      }
      default -> {
        int flips = 1 + random.nextInt(4);
        for (int i = 0; i < flips; i++) {
          bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
      }
    }
    return bytes;
  }

  private static void readAll(Path file) {
    try (Checkpoint checkpoint = Checkpoint.open(file)) {
      for (String name : checkpoint.names()) {
        Tensor tensor = checkpoint.require(name);
        ByteBuffer data = tensor.data();
        byte[] bytes = new byte[data.remaining()];
        data.get(bytes);
        switch (tensor.dtype()) {
          case F32, F16, BF16 -> {
            assertThat(tensor.toFloats().length).isEqualTo((int) tensor.elementCount());
            tensor.readHalves(ByteBuffer.allocate(2 * (int) tensor.elementCount()));
          }
          default -> {
            if (tensor.quantization().isPresent()) {
              assertThat(tensor.toFloats().length).isEqualTo((int) tensor.elementCount());
              tensor.readHalves(ByteBuffer.allocate(2 * (int) tensor.elementCount()));
            }
          }
        }
      }
    }
  }
}
