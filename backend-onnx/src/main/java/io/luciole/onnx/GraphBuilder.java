package io.luciole.onnx;

import com.google.protobuf.ByteString;
import io.luciole.onnx.proto.Onnx.AttributeProto;
import io.luciole.onnx.proto.Onnx.GraphProto;
import io.luciole.onnx.proto.Onnx.ModelProto;
import io.luciole.onnx.proto.Onnx.NodeProto;
import io.luciole.onnx.proto.Onnx.OperatorSetIdProto;
import io.luciole.onnx.proto.Onnx.StringStringEntryProto;
import io.luciole.onnx.proto.Onnx.TensorProto;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.onnx.proto.Onnx.TensorShapeProto;
import io.luciole.onnx.proto.Onnx.TypeProto;
import io.luciole.onnx.proto.Onnx.ValueInfoProto;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Writes an ONNX graph operator by operator. Methods return the name of what they add, to be used
 * as input of the next:
 *
 * <pre>{@code
 * String y = graph.op("Add").in(x, graph.ints(1)).out();
 * }</pre>
 *
 * <p>A {@linkplain #body() body} is the graph of a loop; it may use values and weights of the graph
 * around it.
 */
final class GraphBuilder {
  /** The newest operator set of ONNX whose operators are needed here. */
  private static final int OPSET = 18;

  /** The version of the file format that goes with it. */
  private static final int IR_VERSION = 8;

  /** The file named for weights that are handed over in memory. */
  static final String WEIGHTS_FILE = "weights";

  private static final String MICROSOFT = "com.microsoft";

  /** The domain of {@link CudaEncoder}. */
  private static final String LUCIOLE = "luciole";

  /** The domain of {@link CpuLayers}. */
  private static final String LUCIOLE_CPU = "luciole.cpu";

  private final GraphProto.Builder graph = GraphProto.newBuilder();
  private final @Nullable GraphBuilder outer;
  private final Set<String> constants = new HashSet<>();
  private final Set<String> weights = new HashSet<>();
  private int counter;
  private final Set<String> domains = new HashSet<>(Set.of(MICROSOFT));

  GraphBuilder() {
    this(null);
  }

  private GraphBuilder(@Nullable GraphBuilder outer) {
    this.outer = outer;
    graph.setName("luciole");
  }

  /** A graph to be run by an operator of this one. */
  GraphBuilder body() {
    return new GraphBuilder(this);
  }

  private GraphBuilder outermost() {
    return outer == null ? this : outer.outermost();
  }

  private String fresh(String kind) {
    return kind + "_" + outermost().counter++;
  }

  /**
   * An input.
   *
   * @param dimensions sizes, or -1 where open; none for a scalar
   */
  String input(String name, DataType type, long... dimensions) {
    graph.addInput(tensor(name, type, dimensions));
    return name;
  }

  /** An input that is a sequence of tensors of any shape. */
  String sequenceInput(String name, DataType type) {
    graph.addInput(sequence(name, type));
    return name;
  }

  /** Makes a value an output under a name of its own. */
  void output(String name, String value, DataType type, long... dimensions) {
    graph.addNode(
        NodeProto.newBuilder().setOpType("Identity").addInput(value).addOutput(name).build());
    graph.addOutput(tensor(name, type, dimensions));
  }

  /** Makes a value of a body, a sequence, its output. */
  void sequenceOutput(String value, DataType type) {
    graph.addOutput(sequence(value, type));
  }

  private static ValueInfoProto tensor(String name, DataType type, long... dimensions) {
    TypeProto.Tensor.Builder tensor = TypeProto.Tensor.newBuilder().setElemType(type.getNumber());
    TensorShapeProto.Builder shape = tensor.getShapeBuilder();
    for (long d : dimensions) {
      if (d < 0) {
        shape.addDimBuilder();
      } else {
        shape.addDimBuilder().setDimValue(d);
      }
    }
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(TypeProto.newBuilder().setTensorType(tensor))
        .build();
  }

  private static ValueInfoProto sequence(String name, DataType type) {
    TypeProto element =
        TypeProto.newBuilder()
            .setTensorType(TypeProto.Tensor.newBuilder().setElemType(type.getNumber()))
            .build();
    return ValueInfoProto.newBuilder()
        .setName(name)
        .setType(
            TypeProto.newBuilder()
                .setSequenceType(TypeProto.Sequence.newBuilder().setElemType(element)))
        .build();
  }

  /** A weight whose values are handed to the session apart from the graph. */
  String weight(String name, DataType type, long... dimensions) {
    GraphBuilder root = outermost();
    TensorProto.Builder weight =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type.getNumber())
            .setDataLocation(TensorProto.DataLocation.EXTERNAL)
            .addExternalData(
                StringStringEntryProto.newBuilder().setKey("location").setValue(WEIGHTS_FILE));
    for (long d : dimensions) {
      weight.addDims(d);
    }
    root.graph.addInitializer(weight);
    root.weights.add(name);
    return name;
  }

  /** A weight whose values are in the graph; for small ones, which optimisers like to see. */
  String weight(String name, DataType type, ByteBuffer values, long... dimensions) {
    return constant(name, type, values, dimensions);
  }

  /** A constant of 64-bit integers, one-dimensional. */
  String ints(long... values) {
    ByteBuffer bytes = bytes(values.length * Long.BYTES);
    bytes.asLongBuffer().put(values);
    return constant("i64" + Arrays.toString(values), DataType.INT64, bytes, values.length);
  }

  /** A constant 64-bit integer, a scalar. */
  String integer(long value) {
    ByteBuffer bytes = bytes(Long.BYTES).putLong(0, value);
    return constant("i64(" + value + ")", DataType.INT64, bytes);
  }

  /** A constant float, a scalar. */
  String number(float value) {
    ByteBuffer bytes = bytes(Float.BYTES).putFloat(0, value);
    return constant("f32[" + value + "]", DataType.FLOAT, bytes);
  }

  /** A constant byte, a scalar. */
  String unsignedByte(int value) {
    return constant("u8[" + value + "]", DataType.UINT8, bytes(1).put(0, (byte) value));
  }

  /** A constant that is true, a scalar. */
  String yes() {
    return constant("true", DataType.BOOL, bytes(1).put(0, (byte) 1));
  }

  private static ByteBuffer bytes(int count) {
    return ByteBuffer.allocate(count).order(ByteOrder.LITTLE_ENDIAN);
  }

  private String constant(String name, DataType type, ByteBuffer bytes, long... dimensions) {
    GraphBuilder root = outermost();
    if (root.constants.add(name)) {
      TensorProto.Builder constant =
          TensorProto.newBuilder()
              .setName(name)
              .setDataType(type.getNumber())
              .setRawData(ByteString.copyFrom(bytes.duplicate().rewind()));
      for (long d : dimensions) {
        constant.addDims(d);
      }
      root.graph.addInitializer(constant);
    }
    return name;
  }

  /** Whether there is a weight or constant of this name. */
  boolean hasWeight(String name) {
    GraphBuilder root = outermost();
    return root.constants.contains(name) || root.weights.contains(name);
  }

  /** An operator of ONNX's own set. */
  Op op(String type) {
    return new Op(type, "");
  }

  /** An operator of ONNX Runtime's set, {@code com.microsoft}. */
  Op microsoft(String type) {
    return new Op(type, MICROSOFT);
  }

  /** An operator of {@link CudaEncoder}. */
  Op luciole(String type) {
    outermost().domains.add(LUCIOLE);
    return new Op(type, LUCIOLE);
  }

  /** An operator of {@link CpuLayers}. */
  Op lucioleOnCpu(String type) {
    outermost().domains.add(LUCIOLE_CPU);
    return new Op(type, LUCIOLE_CPU);
  }

  /** An operator in the making; {@link #out} adds it. */
  final class Op {
    private final NodeProto.Builder node = NodeProto.newBuilder();

    private Op(String type, String domain) {
      node.setOpType(type).setDomain(domain);
    }

    /** Adds inputs; an empty name leaves out an optional one. */
    Op in(String... values) {
      node.addAllInput(List.of(values));
      return this;
    }

    Op with(String name, long value) {
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName(name)
              .setType(AttributeProto.AttributeType.INT)
              .setI(value));
      return this;
    }

    Op with(String name, float value) {
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName(name)
              .setType(AttributeProto.AttributeType.FLOAT)
              .setF(value));
      return this;
    }

    Op with(String name, String value) {
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName(name)
              .setType(AttributeProto.AttributeType.STRING)
              .setS(ByteString.copyFromUtf8(value)));
      return this;
    }

    Op with(String name, GraphBuilder body) {
      node.addAttribute(
          AttributeProto.newBuilder()
              .setName(name)
              .setType(AttributeProto.AttributeType.GRAPH)
              .setG(body.graph));
      return this;
    }

    /** Adds the operator; its one output. */
    String out() {
      return out(1)[0];
    }

    /** Adds the operator; its outputs. */
    String[] out(int count) {
      String[] outputs = new String[count];
      for (int i = 0; i < count; i++) {
        outputs[i] = fresh(node.getOpType());
        node.addOutput(outputs[i]);
      }
      node.setName(outputs[0]);
      graph.addNode(node);
      return outputs;
    }
  }

  /** The model, as ONNX Runtime reads it: a direct buffer. */
  ByteBuffer build() {
    ModelProto.Builder builder =
        ModelProto.newBuilder()
            .setIrVersion(IR_VERSION)
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(OPSET))
            .setProducerName("luciole")
            .setGraph(graph);
    for (String domain : domains) {
      builder.addOpsetImport(OperatorSetIdProto.newBuilder().setDomain(domain).setVersion(1));
    }
    byte[] model = builder.build().toByteArray();
    return ByteBuffer.allocateDirect(model.length).put(model).flip();
  }
}
