package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.ByteString;
import io.luciole.Output;
import io.luciole.model.ModelDescription;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.Pooling;
import io.luciole.onnx.proto.Onnx.AttributeProto;
import io.luciole.onnx.proto.Onnx.GraphProto;
import io.luciole.onnx.proto.Onnx.ModelProto;
import io.luciole.onnx.proto.Onnx.NodeProto;
import io.luciole.onnx.proto.Onnx.OperatorSetIdProto;
import io.luciole.onnx.proto.Onnx.TensorProto;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.onnx.proto.Onnx.TensorShapeProto;
import io.luciole.onnx.proto.Onnx.TypeProto;
import io.luciole.onnx.proto.Onnx.ValueInfoProto;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.TokenBatch;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ExportDependenceTest {
  @TempDir private Path folder;

  private Path write(GraphProto graph) throws IOException {
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setVersion(18))
            .setGraph(graph)
            .build();
    return Files.write(folder.resolve("model.onnx"), model.toByteArray());
  }

  private static NodeProto node(String operator, String output, String... inputs) {
    return NodeProto.newBuilder()
        .setOpType(operator)
        .addOutput(output)
        .addAllInput(Arrays.asList(inputs))
        .build();
  }

  @ParameterizedTest
  @CsvSource({"fp32, NONE", "u8, BATCH", "s8-channel, BATCH", "s8-reduced, BATCH"})
  void exports_areToldApart(String name, ExportDependence expected) {
    assertThat(ExportDependence.of(Path.of("../core/src/test/resources/onnx", name + ".onnx")))
        .isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({
    "MatMul, NONE",
    "QuantizeLinear, NONE",
    "MatMulInteger, PROCESSOR",
    "QLinearMatMul, PROCESSOR",
    "DynamicQuantizeLinear, BATCH"
  })
  void operators_areToldApart(String operator, ExportDependence expected) throws IOException {
    NodeProto inner = node(operator, "y", "x");
    GraphProto plain = GraphProto.newBuilder().addNode(inner).build();
    assertThat(ExportDependence.of(write(plain))).isEqualTo(expected);

    // In a branch, and before a weaker one.
    AttributeProto branch = AttributeProto.newBuilder().setName("then").setG(plain).build();
    GraphProto nested =
        GraphProto.newBuilder()
            .addNode(node("If", "a", "c").toBuilder().addAttribute(branch))
            .addNode(node("Relu", "b", "a"))
            .build();
    assertThat(ExportDependence.of(write(nested))).isEqualTo(expected);
  }

  @Test
  void strongest_wins_inAnyOrder() throws IOException {
    NodeProto bytes = node("MatMulInteger", "y", "q", "w");
    NodeProto dynamic = node("DynamicQuantizeLinear", "q", "x");
    for (List<NodeProto> nodes : List.of(List.of(bytes, dynamic), List.of(dynamic, bytes))) {
      assertThat(ExportDependence.of(write(GraphProto.newBuilder().addAllNode(nodes).build())))
          .isEqualTo(ExportDependence.BATCH);
    }
  }

  @Test
  void fileThatIsNoModel_isRefused() throws IOException {
    Path file = Files.write(folder.resolve("model.onnx"), new byte[] {0x3a, 100, 1});

    assertThatThrownBy(() -> ExportDependence.of(file))
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("model.onnx", "Fetch it again");
  }

  /** Token states that are rows of a table of bytes times a matrix of bytes. */
  @Test
  void exportThatMultipliesBytes_runsWithAWarning() throws IOException {
    GraphProto graph =
        GraphProto.newBuilder()
            .setName("bytes")
            .addInput(value("input_ids", DataType.INT64, 2))
            .addInput(value("attention_mask", DataType.INT64, 2))
            .addInitializer(bytes("table", DataType.UINT8, new long[] {2, 2}, 1, 2, 3, 4))
            .addInitializer(bytes("w", DataType.INT8, new long[] {2, 2}, 1, -1, 1, 1))
            .addNode(node("Gather", "q", "table", "input_ids"))
            .addNode(node("MatMulInteger", "p", "q", "w"))
            .addNode(
                node("Cast", "last_hidden_state", "p").toBuilder()
                    .addAttribute(
                        AttributeProto.newBuilder()
                            .setName("to")
                            .setType(AttributeProto.AttributeType.INT)
                            .setI(DataType.FLOAT.getNumber())))
            .addOutput(value("last_hidden_state", DataType.FLOAT, 3))
            .build();
    Path onnx = write(graph);
    ModelDescription description =
        new ModelDescription(OptionalInt.of(2), 8, Pooling.CLS, true, Map.of(), Set.of());
    ModelFiles files =
        new ModelFiles("m", folder, onnx, null, null, onnx, null, null, null, description);
    PrintStream usual = System.err;
    ByteArrayOutputStream logged = new ByteArrayOutputStream();
    System.setErr(new PrintStream(logged, true, StandardCharsets.UTF_8));
    try (Backend backend = new OnnxBackendProvider().open(files, BackendConfig.on(Device.CPU));
        BackendOutput output =
            backend.run(TokenBatch.of(List.of(new int[] {1, 0})), Set.of(Output.DENSE))) {
      // (3, 4)·w = (7, 1).
      assertThat(output.get(Output.DENSE).get(0) / output.get(Output.DENSE).get(1)).isEqualTo(7);
    } finally {
      System.setErr(usual);
    }
    assertThat(logged.toString(StandardCharsets.UTF_8))
        .contains(onnx.toString(), "multiplies bytes", "depend on the processor");
  }

  private static ValueInfoProto value(String name, DataType type, int rank) {
    TensorShapeProto.Builder shape = TensorShapeProto.newBuilder();
    for (int i = 0; i < rank; i++) {
      TensorShapeProto.Dimension.Builder dimension = TensorShapeProto.Dimension.newBuilder();
      shape.addDim(i == 2 ? dimension.setDimValue(2) : dimension.setDimParam("d" + i));
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setTensorType(
                    TypeProto.Tensor.newBuilder().setElemType(type.getNumber()).setShape(shape)))
        .build();
  }

  private static TensorProto bytes(String name, DataType type, long[] shape, int... values) {
    byte[] raw = new byte[values.length];
    for (int i = 0; i < raw.length; i++) {
      raw[i] = (byte) values[i];
    }
    TensorProto.Builder tensor = TensorProto.newBuilder().setName(name);
    tensor.setDataType(type.getNumber()).setRawData(ByteString.copyFrom(raw));
    Arrays.stream(shape).forEach(tensor::addDims);
    return tensor.build();
  }
}
