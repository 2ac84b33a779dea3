package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.WeightFiles.fixture;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.BufferOverflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TensorTest {
  @TempDir private Path folder;

  /** What the fixtures' floats are: element i is i / 8 - 1. */
  static float[] floats(int count) {
    float[] floats = new float[count];
    for (int i = 0; i < count; i++) {
      floats[i] = i / 8f - 1;
    }
    return floats;
  }

  @ParameterizedTest
  @ValueSource(strings = {"types.safetensors", "types.bin"})
  void types_areReadAsTheyAre(String file) {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/" + file))) {
      for (String type : new String[] {"f32", "f16", "bf16"}) {
        assertThat(checkpoint.requireShape(type, 2, 3).toFloats()).containsExactly(floats(6));
      }
      assertThat(data(checkpoint, "f64", DType.F64).getDouble(16)).isEqualTo(-0.75);
      assertThat(checkpoint.require("f64").toFloats()).containsExactly(floats(3));
      assertThat(checkpoint.require("f64").rows(1, 2).toFloats()).containsExactly(-0.875f, -0.75f);
      ByteBuffer halves = ByteBuffer.allocate(6).order(ByteOrder.LITTLE_ENDIAN);
      checkpoint.require("f64").readHalves(halves);
      assertThat(halves.getShort(2)).isEqualTo(Float.floatToFloat16(-0.875f));
      assertThat(data(checkpoint, "i64", DType.I64).getLong(24)).isEqualTo(3);
      assertThat(data(checkpoint, "i32", DType.I32).getInt(12)).isEqualTo(3);
      assertThat(data(checkpoint, "i16", DType.I16).getShort(6)).isEqualTo((short) 3);
      assertThat(data(checkpoint, "i8", DType.I8).get(3)).isEqualTo((byte) 3);
      assertThat(data(checkpoint, "u8", DType.U8).get(3)).isEqualTo((byte) 3);
      assertThat(data(checkpoint, "bool", DType.BOOL).get(1)).isEqualTo((byte) 1);
      assertThat(checkpoint.requireShape("scalar").toFloats()).containsExactly(0.5f);
      assertThat(checkpoint.requireShape("empty", 0, 4).toFloats()).isEmpty();
      assertThat(checkpoint.require("empty").data().remaining()).isZero();
      assertThatThrownBy(() -> checkpoint.require("i64").toFloats())
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("'i64' to be F64, F32, F16 or BF16", "found I64", file);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"types.safetensors", "types.bin"})
  void rows_arePartsInEveryType(String file) {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/" + file))) {
      for (String type : new String[] {"f32", "f16", "bf16"}) {
        Tensor second = checkpoint.require(type).rows(1, 1);

        assertThat(second.name()).isEqualTo(type + "[1:2]");
        assertThat(second.shape()).containsExactly(1, 3);
        assertThat(second.toFloats()).containsExactly(-0.625f, -0.5f, -0.375f);
        assertThatThrownBy(() -> second.rows(0, 2)).isInstanceOf(IndexOutOfBoundsException.class);
      }
      Tensor zeros = checkpoint.require("f32").zerosBeside("bias", 2, 2);
      assertThat(zeros.toFloats()).containsExactly(0, 0, 0, 0);
      assertThat(zeros.rows(1, 1).toFloats()).containsExactly(0, 0);
      assertThat(zeros.file()).isEqualTo(checkpoint.require("f32").file());
    }
  }

  @Test
  void unsignedTypes_areReadFromSafetensors() {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/types.safetensors"))) {
      assertThat(data(checkpoint, "u64", DType.U64).getLong(24)).isEqualTo(3);
      assertThat(data(checkpoint, "u32", DType.U32).getInt(12)).isEqualTo(3);
      assertThat(data(checkpoint, "u16", DType.U16).getShort(6)).isEqualTo((short) 3);
    }
  }

  private static ByteBuffer data(Checkpoint checkpoint, String name, DType type) {
    Tensor tensor = checkpoint.require(name);
    assertThat(tensor.dtype()).isEqualTo(type);
    assertThat(tensor.byteSize()).isEqualTo(tensor.elementCount() * type.byteSize());
    ByteBuffer data = tensor.data();
    assertThat(data.isDirect()).isTrue();
    assertThat(data.isReadOnly()).isTrue();
    assertThat(data.order()).isEqualTo(ByteOrder.LITTLE_ENDIAN);
    assertThat(data.remaining()).isEqualTo((int) tensor.byteSize());
    assertThat(tensor.data()).isNotSameAs(data).isEqualTo(data);
    return data;
  }

  @Test
  void everyHalf_widensExactlyAndComesBack() {
    ByteBuffer halves = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 1 << 16; i++) {
      halves.putShort((short) i);
    }
    try (Checkpoint checkpoint = checkpoint("F16", 1 << 16, halves)) {
      Tensor tensor = checkpoint.require("a");
      float[] floats = tensor.toFloats();
      for (int i = 0; i < 1 << 16; i++) {
        assertThat(Float.floatToRawIntBits(floats[i]))
            .isEqualTo(Float.floatToRawIntBits(Float.float16ToFloat((short) i)));
      }
      ByteBuffer copy = ByteBuffer.allocateDirect(2 << 16);
      tensor.readHalves(copy);
      assertThat(copy.flip()).isEqualTo(halves.flip());
    }
  }

  @Test
  void everyBrainFloat_isTheUpperHalfOfAFloat() {
    ByteBuffer brains = ByteBuffer.allocate(2 << 16).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < 1 << 16; i++) {
      brains.putShort((short) i);
    }
    try (Checkpoint checkpoint = checkpoint("BF16", 1 << 16, brains)) {
      float[] floats = checkpoint.require("a").toFloats();
      for (int i = 0; i < 1 << 16; i++) {
        assertThat(Float.floatToRawIntBits(floats[i])).isEqualTo(i << 16);
      }
    }
  }

  @Test
  void halves_roundToNearestEven() {
    float[] values = new float[5000];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i) * (1 << i % 16);
    }
    values[0] = 1 + 0x1p-11f; // half a step above 1: down, to even
    values[1] = 1 + 3 * 0x1p-11f; // half a step above an odd fraction: up, to even
    values[2] = 0x1p-25f; // half of the smallest subnormal: to zero
    values[3] = Math.nextUp(0x1p-25f);
    values[4] = Math.nextDown(65520f);
    values[5] = Float.NEGATIVE_INFINITY;
    values[6] = Float.NaN;
    values[7] = -0f;
    try (Checkpoint checkpoint = checkpoint("F32", values.length, bytes(values))) {
      ByteBuffer halves = ByteBuffer.allocate(2 * values.length + 5).position(3);
      checkpoint.require("a").readHalves(halves);
      assertThat(halves.position()).isEqualTo(3 + 2 * values.length);
      halves.order(ByteOrder.LITTLE_ENDIAN);
      assertThat(halves.getShort(3)).isEqualTo((short) 0x3c00);
      assertThat(halves.getShort(5)).isEqualTo((short) 0x3c02);
      assertThat(halves.getShort(7)).isEqualTo((short) 0);
      assertThat(halves.getShort(9)).isEqualTo((short) 1);
      assertThat(halves.getShort(11)).isEqualTo((short) 0x7bff);
      assertThat(halves.getShort(13)).isEqualTo((short) 0xfc00);
      assertThat(Float.float16ToFloat(halves.getShort(15))).isNaN();
      assertThat(halves.getShort(17)).isEqualTo((short) 0x8000);
      for (int i = 8; i < values.length; i++) {
        assertThat(halves.getShort(3 + 2 * i)).isEqualTo(Float.floatToFloat16(values[i]));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {65520f, -65520f, 1e30f, -Float.MAX_VALUE})
  void halves_refuseOverflow(float tooLarge) {
    float[] values = floats(5000);
    values[4000] = tooLarge;
    values[4001] = Float.POSITIVE_INFINITY;
    try (Checkpoint checkpoint = checkpoint("F32", values.length, bytes(values))) {
      ByteBuffer halves = ByteBuffer.allocate(2 * values.length);
      assertThatThrownBy(() -> checkpoint.require("a").readHalves(halves))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContainingAll("tensor 'a'", tooLarge + " at element 4000", "65520");
      assertThat(halves.position()).isZero();
    }
  }

  @Test
  void halves_comeFromBrainFloatsToo() {
    ByteBuffer brains = ByteBuffer.allocate(6).order(ByteOrder.LITTLE_ENDIAN);
    brains.putShort((short) 0x3f80).putShort((short) 0xc000).putShort((short) 0x7f00);
    try (Checkpoint two = checkpoint("BF16", 2, brains.slice(0, 4).position(4));
        Checkpoint three = checkpoint("BF16", 3, brains)) {
      ByteBuffer halves = ByteBuffer.allocateDirect(6);
      two.require("a").readHalves(halves);
      halves.flip().order(ByteOrder.LITTLE_ENDIAN);
      assertThat(halves.getShort(0)).isEqualTo((short) 0x3c00);
      assertThat(halves.getShort(2)).isEqualTo((short) 0xc000);
      halves.clear();
      assertThatThrownBy(() -> three.require("a").readHalves(halves))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("at element 2");
    }
  }

  @Test
  void floats_goIntoTheCallersBuffer() {
    try (Checkpoint checkpoint = Checkpoint.open(fixture("checkpoint/types.safetensors"))) {
      for (String type : new String[] {"f32", "f16", "bf16"}) {
        Tensor tensor = checkpoint.require(type);
        FloatBuffer room = FloatBuffer.allocate(9).position(1);
        tensor.readFloats(room);
        assertThat(room.position()).isEqualTo(7);
        assertThat(room.get(6)).isEqualTo(-0.375f);

        FloatBuffer row = FloatBuffer.allocate(3);
        tensor.readFloats(3, row);
        assertThat(row.array()).containsExactly(-0.625f, -0.5f, -0.375f);

        assertThatThrownBy(() -> tensor.readFloats(FloatBuffer.allocate(5)))
            .isInstanceOf(BufferOverflowException.class);
        assertThatThrownBy(() -> tensor.readFloats(4, FloatBuffer.allocate(3)))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.readFloats(-1, FloatBuffer.allocate(3)))
            .isInstanceOf(IndexOutOfBoundsException.class);
        assertThatThrownBy(() -> tensor.readHalves(ByteBuffer.allocate(11)))
            .isInstanceOf(BufferOverflowException.class);
      }
    }
  }

  private static ByteBuffer bytes(float[] values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return bytes;
  }

  /** A checkpoint of one vector "a", whose bytes lie before the buffer's position. */
  private Checkpoint checkpoint(String dtype, int elements, ByteBuffer data) {
    int length = data.position();
    byte[] file =
        WeightFiles.safetensors(
            "{\"a\":{\"dtype\":\"%s\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
                .formatted(dtype, elements, length),
            length);
    data.get(0, file, file.length - length, length);
    return Checkpoint.open(
        WeightFiles.write(folder.resolve(dtype + elements + ".safetensors"), file));
  }
}
