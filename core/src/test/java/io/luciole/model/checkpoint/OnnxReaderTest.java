package io.luciole.model.checkpoint;

import static io.luciole.model.checkpoint.ProtoBytes.field;
import static io.luciole.model.checkpoint.ProtoBytes.join;
import static io.luciole.model.checkpoint.ProtoBytes.text;
import static io.luciole.model.checkpoint.ProtoBytes.varint;
import static io.luciole.model.checkpoint.WeightFiles.fixture;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Exports of a tiny BERT (resources onnx/make_fixtures.py), and models of one table and one linear
 * layer put together by hand.
 */
class OnnxReaderTest {
  private static final int FLOAT = 1;
  private static final int INT8 = 3;

  @TempDir private Path folder;

  /** Whole, row by row, and from the middle of a row: the very floats that Python has. */
  @ParameterizedTest
  @ValueSource(strings = {"u8", "s8-channel", "s8-reduced"})
  void quantisedExport_hasItsCheckpointsWeights(String way) {
    try (Checkpoint found = Checkpoint.open(fixture("onnx/" + way + ".onnx"));
        Checkpoint expected = Checkpoint.open(fixture("onnx/" + way + ".safetensors"))) {
      assertThat(found.names()).containsExactlyInAnyOrderElementsOf(expected.names());
      for (String name : expected.names()) {
        Tensor tensor = found.require(name);
        float[] floats = expected.require(name).toFloats();
        assertThat(tensor.shape()).as(name).isEqualTo(expected.require(name).shape());
        assertThat(tensor.toFloats()).as(name).isEqualTo(floats);
        assertThat(tensor.quantization().isPresent()).as(name).isEqualTo(isMatrix(tensor));
        int rows = (int) tensor.rows();
        float[] row = new float[floats.length / rows];
        for (int i = 0; i < rows; i++) {
          tensor.readFloats(i * row.length, FloatBuffer.wrap(row));
          assertThat(row)
              .isEqualTo(Arrays.copyOfRange(floats, i * row.length, (i + 1) * row.length));
        }
        float[] rest = new float[floats.length - 5];
        tensor.readFloats(5, FloatBuffer.wrap(rest));
        assertThat(rest).isEqualTo(Arrays.copyOfRange(floats, 5, floats.length));
      }
    }
  }

  private static boolean isMatrix(Tensor tensor) {
    return tensor.shape().length == 2;
  }

  /**
   * The script's three ways are what their names say, or the test above shows less than it says.
   */
  @Test
  void waysOfQuantising_areDifferent() {
    String name = "encoder.layer.0.intermediate.dense.weight";
    try (Checkpoint u8 = Checkpoint.open(fixture("onnx/u8.onnx"));
        Checkpoint channel = Checkpoint.open(fixture("onnx/s8-channel.onnx"));
        Checkpoint reduced = Checkpoint.open(fixture("onnx/s8-reduced.onnx"))) {
      assertThat(u8.require(name).dtype()).isEqualTo(DType.U8);
      assertThat(u8.require(name).quantization().orElseThrow().count()).isEqualTo(1);
      assertThat(u8.require(name).quantization().orElseThrow().zero(3)).isNotZero();
      assertThat(channel.require(name).dtype()).isEqualTo(DType.I8);
      assertThat(channel.require(name).quantization().orElseThrow().count()).isEqualTo(24);
      assertThat(largest(channel.require(name))).isEqualTo(127);
      assertThat(largest(reduced.require(name))).isEqualTo(64);
    }
  }

  private static int largest(Tensor tensor) {
    int largest = 0;
    for (var data = tensor.data(); data.hasRemaining(); ) {
      largest = Math.max(largest, Math.abs(data.get()));
    }
    return largest;
  }

  @Test
  void exportThatIsNotQuantised_isRefused() {
    refused(fixture("onnx/fp32.onnx"), "onnx::MatMul_", "beside them", "fp32.onnx");
  }

  @Test
  void exportOfTextVectors_isRefused() {
    refused(fixture("onnx/pooled.onnx"), "token states", "[2]");
  }

  /** Wherever it ends within the graph. */
  @Test
  void truncatedFile_isRefused() throws IOException {
    byte[] whole = Files.readAllBytes(fixture("onnx/u8.onnx"));
    for (int length = 0; length < whole.length - 64; length += 97) {
      refused(file(Arrays.copyOf(whole, length)), "expected ", "found ");
    }
  }

  @Test
  void modelByHand_isRead() {
    try (Checkpoint checkpoint = Checkpoint.open(file(model(LINEAR, SCALES, ZEROS, BIAS)))) {
      assertThat(checkpoint.names()).containsExactly("a.weight", "a.bias");
      Tensor weight = checkpoint.require("a.weight");
      assertThat(weight.shape()).containsExactly(3, 2);
      // [in, out] = {{1, 2, 3}, {4, 5, 6}}, less the zero points 1, 2, 3.
      assertThat(weight.toFloats()).containsExactly(0, 1.5f, 0, 6, 0, 12);
    }
  }

  @Test
  void scalesThatDoNotFit_areRefused() {
    byte[] two = floats("s", 0.5f, 2);
    refused(
        file(model(LINEAR, two, bytes("z", INT8, new long[] {2}, 1, 2), BIAS)),
        "3 scales of w_quantized",
        "found 2");
    refused(file(model(LINEAR, two, ZEROS, BIAS)), "2 scales with 3 zero points");
    byte[] short1 = tensor("s", FLOAT, new long[] {3}, le(0.5f, 2));
    refused(file(model(LINEAR, short1, ZEROS, BIAS)), "3 values of 's'", "2 values");
    refused(file(model(LINEAR, floats("s", 1, Float.NaN, 1), ZEROS, BIAS)), "the scale NaN");
    refused(file(model(LINEAR, ZEROS, BIAS)), "a weight", "scale");
  }

  @Test
  void weightsOfOtherParts_areRefusedByName() {
    byte[] extra = floats("dense", 1, 2);
    refused(file(model(LINEAR, SCALES, ZEROS, BIAS, extra)), "'dense' beside them");
  }

  @Test
  void bytesThatDoNotFitTheirShape_areRefusedByName() {
    byte[] small = bytes("w_quantized", INT8, new long[] {4, 3}, 1, 2, 3, 4, 5, 6);
    refused(file(modelOf(small, SCALES, ZEROS, BIAS)), "12 bytes of 'w_quantized'", "6 bytes");
    byte[] negative = bytes("w_quantized", INT8, new long[] {-2, -3}, 1, 2, 3, 4, 5, 6);
    assertThatThrownBy(() -> Checkpoint.open(file(modelOf(negative, SCALES, ZEROS, BIAS))))
        .isInstanceOf(CheckpointException.class);
    byte[] huge = bytes("w_quantized", INT8, new long[] {1L << 62, 3}, 1);
    refused(file(modelOf(huge, SCALES, ZEROS, BIAS)), "values in 'w_quantized'", "fit 63 bits");
    byte[] wide = tensor("w_quantized", 6, new long[] {2, 3}, new byte[24]);
    refused(file(modelOf(wide, SCALES, ZEROS, BIAS)), "bytes in 'w_quantized'", "data type 6");
  }

  /** TensorProto.external_data: the bytes are elsewhere. */
  @Test
  void dataInAnotherFile_isRefusedByName() {
    byte[] external = tensor("w_quantized", INT8, new long[] {2, 3}, null);
    refused(file(modelOf(external, SCALES, ZEROS, BIAS)), "'w_quantized' in this file", "none");
  }

  @Test
  void outputsOtherThanTokenStates_areRefused() {
    byte[] two =
        graph(join(LINEAR, initializers(WEIGHT, SCALES, ZEROS, BIAS), output(3), output(2)));
    refused(file(two), "one output of rank 3", "[3, 2]");
    byte[] none = graph(join(LINEAR, initializers(WEIGHT, SCALES, ZEROS, BIAS)));
    refused(file(none), "one output of rank 3", "[]");
  }

  @Test
  void nodesWithoutInputsOrOutputs_areRefused() {
    refused(file(model(node("MatMulInteger", "", "y"))), "a node MatMulInteger");
    refused(file(model(node("MatMulInteger", "x w_quantized", ""))), "a node MatMulInteger");
    refused(file(model(node("DequantizeLinear", "", "y"))), "a node DequantizeLinear");
    refused(file(model(node("DequantizeLinear", "x", "y"))), "a table of embeddings");
  }

  @Test
  void layersOfAnotherForm_areRefused() {
    byte[] product = node("MatMulInteger", "x w_quantized x_z z", "p");
    refused(file(model(product, SCALES, ZEROS, BIAS)), "one Cast behind MatMulInteger", "[]");
    byte[] computed = node("MatMulInteger", "x k x_z z", "p");
    refused(file(model(computed, SCALES, ZEROS, BIAS)), "a matrix of weights", "k");
    byte[] twice = join(LINEAR, node("Relu", "p", "r"));
    refused(file(model(twice, SCALES, ZEROS, BIAS)), "one Cast", "[Cast, Relu]");
  }

  @Test
  void damagedNumbers_areRefused() {
    // A field's key, and a length, that go on for more than 64 bits.
    refused(file(new byte[] {-1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}), "more than 64 bits");
    refused(file(new byte[] {0x3a, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1}), "more than 64 bits");
    refused(file(new byte[] {0x3a, -1}), "ends behind its message");
    // A length beyond the end, one below zero, a field 0, a group.
    refused(file(new byte[] {0x3a, 5, 0}), "a field of 5 bytes where 1 are left");
    refused(file(new byte[] {0x3a, -1, -1, -1, -1, -1, -1, -1, -1, -1, 1}), "a field of -1 bytes");
    refused(file(new byte[] {2, 0}), "a field's key 2");
    refused(file(new byte[] {0x3b}), "wire type 3");
    // Packed floats that end within one.
    byte[] scale = join(text(8, "s"), varint(2, FLOAT), varint(1, 1), field(4, new byte[6]));
    refused(file(model(LINEAR, scale, ZEROS, BIAS)), "floats of 6 bytes");
  }

  /** As {@code quantize_dynamic} leaves them where a tool wrote values one by one. */
  @Test
  void scalesThatAreNotRaw_areRead() {
    byte[] packed = join(text(8, "s"), varint(2, FLOAT), varint(1, 3), field(4, le(0.5f, 2, 4)));
    byte[] zeros = join(text(8, "z"), varint(2, INT8), varint(1, 1), varint(5, 1));
    try (Checkpoint checkpoint = Checkpoint.open(file(model(LINEAR, packed, zeros, BIAS)))) {
      assertThat(checkpoint.require("a.weight").toFloats()).containsExactly(0, 1.5f, 2, 8, 8, 20);
    }
  }

  private void refused(Path file, String... words) {
    assertThatThrownBy(() -> Checkpoint.open(file).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContainingAll(words)
        .hasMessageContaining(file.toString());
  }

  private Path file(byte[] bytes) {
    return WeightFiles.write(folder.resolve("model.onnx"), bytes);
  }

  // y = cast(x·w)·(x_scale·s) + a.bias, onnx.proto's messages by their field numbers.

  private static final byte[] LINEAR =
      join(
          node("MatMulInteger", "x w_quantized x_z z", "p"),
          node("Cast", "p", "c"),
          node("Mul", "x_scale s", "m"),
          node("Mul", "c m", "t"),
          node("Add", "a.bias t", "y"));
  private static final byte[] WEIGHT =
      bytes("w_quantized", INT8, new long[] {2, 3}, 1, 2, 3, 4, 5, 6);
  private static final byte[] SCALES = floats("s", 0.5f, 2, 4);
  private static final byte[] ZEROS = bytes("z", INT8, new long[] {3}, 1, 2, 3);
  private static final byte[] BIAS = floats("a.bias", 1, 2, 3);

  private static byte[] model(byte[] nodes, byte[]... initializers) {
    return graph(join(nodes, initializers(WEIGHT), initializers(initializers), output(3)));
  }

  private static byte[] modelOf(byte[]... initializers) {
    return graph(join(LINEAR, initializers(initializers), output(3)));
  }

  private static byte[] graph(byte[] graph) {
    return field(7, graph);
  }

  private static byte[] initializers(byte[]... tensors) {
    return join(Arrays.stream(tensors).map(tensor -> field(5, tensor)).toArray(byte[][]::new));
  }

  private static byte[] output(int rank) {
    byte[] shape = join(Collections.nCopies(rank, field(1, new byte[0])).toArray(new byte[0][]));
    return field(
        12, join(text(1, "y"), field(2, field(1, join(varint(1, FLOAT), field(2, shape))))));
  }

  private static byte[] node(String operator, String inputs, String outputs) {
    ByteArrayOutputStream node = new ByteArrayOutputStream();
    Arrays.stream(inputs.split(" ", -1))
        .filter(name -> !name.isEmpty())
        .forEach(name -> node.writeBytes(text(1, name)));
    if (!outputs.isEmpty()) {
      node.writeBytes(text(2, outputs));
    }
    node.writeBytes(text(4, operator));
    return field(1, node.toByteArray());
  }

  private static byte[] tensor(String name, int type, long[] dimensions, byte @Nullable [] raw) {
    ByteArrayOutputStream tensor = new ByteArrayOutputStream();
    for (long dimension : dimensions) {
      tensor.writeBytes(varint(1, dimension));
    }
    tensor.writeBytes(varint(2, type));
    tensor.writeBytes(text(8, name));
    tensor.writeBytes(raw == null ? varint(14, 1) : field(9, raw));
    return tensor.toByteArray();
  }

  private static byte[] bytes(String name, int type, long[] dimensions, int... values) {
    byte[] raw = new byte[values.length];
    for (int i = 0; i < raw.length; i++) {
      raw[i] = (byte) values[i];
    }
    return tensor(name, type, dimensions, raw);
  }

  private static byte[] floats(String name, float... values) {
    return tensor(name, FLOAT, new long[] {values.length}, le(values));
  }

  private static byte[] le(float... values) {
    var buffer = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    buffer.asFloatBuffer().put(values);
    return buffer.array();
  }
}
