package io.luciole.model.checkpoint;

import io.luciole.model.checkpoint.ProtoReader.Place;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Reads the weights of an ONNX export back under the names that its checkpoint gave them: an export
 * by {@code torch.onnx} that ONNX Runtime's {@code quantize_dynamic} has quantised, as most 8-bit
 * files on the hub are.
 *
 * <pre>
 * vectors, embeddings   their initializers keep the checkpoint's names
 * quantised tables      NAME_quantized, by way of Gather, in DequantizeLinear: scale and zero point
 * linear layers         MatMulInteger(x, W, …) → Cast → Mul(·, s_x · s_W) → Add(·, NAME.bias); W is
 *                       [in, out] there, and NAME.weight [out, in] here, with a scale each out or one
 * </pre>
 *
 * <p>Whatever is not understood is refused, a weight that belongs to none of these included: a file
 * that computes more than the layers found here must not be taken for one that computes them alone.
 *
 * <p>Field numbers are those of onnx.proto, ONNX 1.19.
 */
final class OnnxReader {
  private static final String QUANTIZED = "_quantized";
  private static final String REMEDY = "such a file is run as it is, by the backend onnx";

  private final WeightFile file;
  private final Map<String, Initializer> initializers = new LinkedHashMap<>();
  private final List<Node> nodes = new ArrayList<>();
  private final Map<String, Node> producers = new HashMap<>();
  private final Map<String, List<Node>> consumers = new HashMap<>();
  private final Set<String> used = new LinkedHashSet<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /** The outputs' ranks, as the file declares them; 0 where it does not. */
  private final List<Integer> outputRanks = new ArrayList<>();

  /** A node's operator, its inputs and outputs. */
  private record Node(String operator, List<String> inputs, List<String> outputs) {
    String input(int index) {
      return at(inputs, index);
    }

    String output() {
      return at(outputs, 0);
    }

    private String at(List<String> values, int index) {
      if (index >= values.size()) {
        throw new IllegalArgumentException(
            "a node " + operator + " of " + values.size() + " values");
      }
      return values.get(index);
    }
  }

  /**
   * A weight.
   *
   * @param place where its raw bytes are in the file, and how many; or null
   * @param small its values, where they are few and not raw
   */
  private record Initializer(
      String name,
      int type,
      List<Long> shape,
      @Nullable Place place,
      List<? extends Number> small) {
    /**
     * Its number of values; an exception that the JIT compiler makes of an overflow has no words.
     */
    long elements() {
      long count = 1;
      for (long dimension : shape) {
        if (Math.multiplyHigh(count, dimension) != (count * dimension) >> 63) {
          throw new IllegalArgumentException(
              "more values in "
                  + CheckpointException.quote(name)
                  + " of the shape "
                  + shape
                  + " than fit 63 bits");
        }
        count *= dimension;
      }
      return count;
    }

    long[] dimensions() {
      return shape.stream().mapToLong(dimension -> dimension).toArray();
    }
  }

  private OnnxReader(WeightFile file) {
    this.file = file;
  }

  /**
   * Reads the tensors of a file.
   *
   * @throws CheckpointException if it is damaged, or holds anything but an encoder's weights
   */
  static List<Tensor> read(WeightFile file) {
    OnnxReader reader = new OnnxReader(file);
    try {
      reader.readModel();
      reader.findTables();
      reader.findLinearLayers();
      reader.findVectors();
      reader.refuseLeftovers();
      return reader.tensors;
    } catch (IllegalArgumentException e) {
      throw CheckpointException.of(
          "an ONNX model", String.valueOf(e.getMessage()), file.path(), "fetch it again", e);
    }
  }

  private void readModel() {
    ProtoReader model = new ProtoReader(file.map(0, file.size(), "the model"), 0);
    while (model.next()) {
      if (model.field() == 7) {
        readGraph(model.message());
      }
    }
    for (Node node : nodes) {
      node.outputs.forEach(output -> producers.put(output, node));
      node.inputs.forEach(
          input -> consumers.computeIfAbsent(input, i -> new ArrayList<>()).add(node));
    }
    if (!outputRanks.equals(List.of(3))) {
      throw refused("one output of rank 3, token states", "outputs of the ranks " + outputRanks);
    }
  }

  private void readGraph(ProtoReader graph) {
    while (graph.next()) {
      switch (graph.field()) {
        case 1 -> nodes.add(readNode(graph.message()));
        case 5 -> {
          Initializer initializer = readInitializer(graph.message());
          initializers.put(initializer.name, initializer);
        }
        case 12 -> outputRanks.add(rank(graph.message()));
        default -> {}
      }
    }
  }

  /** ValueInfoProto.type 2, TypeProto.tensor_type 1, Tensor.shape 2, TensorShapeProto.dim 1. */
  private static int rank(ProtoReader value) {
    int dimensions = 0;
    for (ProtoReader shape : value.messages(2, 1, 2)) {
      while (shape.next()) {
        dimensions += shape.field() == 1 ? 1 : 0;
      }
    }
    return dimensions;
  }

  private static Node readNode(ProtoReader node) {
    List<String> inputs = new ArrayList<>();
    List<String> outputs = new ArrayList<>();
    String operator = "";
    while (node.next()) {
      switch (node.field()) {
        case 1 -> inputs.add(node.text());
        case 2 -> outputs.add(node.text());
        case 4 -> operator = node.text();
        default -> {}
      }
    }
    return new Node(operator, inputs, outputs);
  }

  private static Initializer readInitializer(ProtoReader tensor) {
    String name = "";
    int type = 0;
    List<Long> dimensions = new ArrayList<>();
    Place place = null;
    List<Number> small = new ArrayList<>();
    while (tensor.next()) {
      switch (tensor.field()) {
        case 1 -> dimensions.addAll(tensor.integers());
        case 2 -> type = (int) tensor.integer();
        case 4 -> small.addAll(tensor.floats());
        case 5 -> small.addAll(tensor.integers());
        case 8 -> name = tensor.text();
        case 9 -> place = tensor.place();
        default -> {}
      }
    }
    return new Initializer(name, type, dimensions, place, small);
  }

  /** Tables of embeddings: DequantizeLinear of a table, or of rows gathered from it. */
  private void findTables() {
    for (Node node : nodes) {
      if (!node.operator.equals("DequantizeLinear")) {
        continue;
      }
      Initializer table = initializers.get(node.input(0));
      Node before = producers.get(node.input(0));
      if (table == null && before != null && before.operator.equals("Gather")) {
        table = initializers.get(before.input(0));
      }
      if (table == null || !table.name.endsWith(QUANTIZED)) {
        throw refused("a table of embeddings in each DequantizeLinear", node.inputs.toString());
      }
      String name = table.name.substring(0, table.name.length() - QUANTIZED.length());
      Quantization quantization = quantization(node.input(1), zero(node, 2));
      if (quantization.count() > 1) {
        throw refused("one scale of " + table.name, quantization.count() + "");
      }
      tensors.add(bytes(name, table).quantized(quantization));
      used.add(table.name);
    }
  }

  private void findLinearLayers() {
    for (Node product : nodes) {
      if (!product.operator.equals("MatMulInteger")) {
        continue;
      }
      Initializer weight = initializers.get(product.input(1));
      if (weight == null || weight.shape.size() != 2) {
        throw refused("a matrix of weights in each MatMulInteger", product.inputs.toString());
      }
      Node scaled = only(only(product, "Cast"), "Mul");
      Node bias = only(scaled, "Add");
      String name = initializerOf(bias, "bias");
      String base = name.substring(0, name.length() - ".bias".length());
      Node scales = producers.get(other(scaled, only(product, "Cast").output()));
      if (!name.endsWith(".bias") || scales == null || !scales.operator.equals("Mul")) {
        throw refused("x·W·scale + bias in each linear layer", product.outputs.toString());
      }
      Quantization quantization = quantization(initializerOf(scales, "scale"), zero(product, 3));
      if (quantization.count() > 1 && quantization.count() != weight.shape.get(1)) {
        throw refused(weight.shape.get(1) + " scales of " + weight.name, quantization.count() + "");
      }
      tensors.add(transposed(base + ".weight", weight).quantized(quantization));
      used.add(weight.name);
    }
  }

  /** Biases and normalisations, which stay floats and keep their names. */
  private void findVectors() {
    for (Initializer vector : initializers.values()) {
      if (vector.type == 1 && !used.contains(vector.name) && isNamed(vector.name)) {
        tensors.add(
            Tensor.contiguous(vector.name, DType.F32, vector.dimensions(), file, at(vector)));
        used.add(vector.name);
      }
    }
  }

  private static boolean isNamed(String name) {
    return name.endsWith(".bias") || name.endsWith(".weight");
  }

  private void refuseLeftovers() {
    for (Initializer initializer : initializers.values()) {
      boolean integers = initializer.type == 6 || initializer.type == 7;
      if (!integers && initializer.elements() > 1 && !used.contains(initializer.name)) {
        throw refused(
            "the weights of tables, linear layers and normalisations",
            CheckpointException.quote(initializer.name) + " beside them");
      }
    }
  }

  /** The only node that takes a node's first output. */
  private Node only(Node node, String operator) {
    List<Node> next = consumers.getOrDefault(node.output(), List.of());
    if (next.size() != 1 || !next.getFirst().operator.equals(operator)) {
      throw refused(
          "one " + operator + " behind " + node.operator,
          next.stream().map(Node::operator).toList().toString());
    }
    return next.getFirst();
  }

  private static String other(Node node, String input) {
    return node.input(0).equals(input) ? node.input(1) : node.input(0);
  }

  private String initializerOf(Node node, String what) {
    return node.inputs.stream()
        .filter(initializers::containsKey)
        .findFirst()
        .orElseThrow(() -> refused("a weight, " + what + ", in " + node, "none"));
  }

  private static Optional<String> zero(Node node, int input) {
    return node.inputs.size() > input ? Optional.of(node.inputs.get(input)) : Optional.empty();
  }

  private Quantization quantization(String scale, Optional<String> zero) {
    float[] scales = floats(scale);
    int[] zeros = zero.map(this::integers).orElseGet(() -> new int[scales.length]);
    if (zeros.length == 1 && scales.length > 1) {
      int only = zeros[0];
      zeros = new int[scales.length];
      Arrays.fill(zeros, only);
    }
    return new Quantization(scales, zeros);
  }

  private Initializer initializer(String name) {
    Initializer found = initializers.get(name);
    if (found == null) {
      throw refused("a weight " + CheckpointException.quote(name), "a computed value");
    }
    used.add(name);
    return found;
  }

  private float[] floats(String name) {
    Initializer found = initializer(name);
    if (found.type != 1) {
      throw refused("floats in " + CheckpointException.quote(name), "data type " + found.type);
    }
    float[] floats = new float[small(found)];
    if (found.place == null) {
      for (int i = 0; i < floats.length; i++) {
        floats[i] = found.small.get(i).floatValue();
      }
    } else {
      file.read(found.place.offset(), 4 * floats.length, name).asFloatBuffer().get(floats);
    }
    return floats;
  }

  private int[] integers(String name) {
    Initializer found = initializer(name);
    boolean signed = found.type == 3;
    if (!signed && found.type != 2) {
      throw refused("bytes in " + CheckpointException.quote(name), "data type " + found.type);
    }
    int[] integers = new int[small(found)];
    ByteBuffer raw =
        found.place == null ? null : file.read(found.place.offset(), integers.length, name);
    for (int i = 0; i < integers.length; i++) {
      int value = raw == null ? found.small.get(i).intValue() : raw.get(i);
      integers[i] = signed ? value : value & 0xff;
    }
    return integers;
  }

  /** The number of values of a vector that is read onto the heap, checked against what is there. */
  private int small(Initializer vector) {
    long count = vector.elements();
    long there =
        vector.place == null
            ? vector.small.size()
            : vector.place.length() / (vector.type == 1 ? 4 : 1);
    if (count != there || count > 1 << 20) {
      throw refused(
          count + " values of " + CheckpointException.quote(vector.name), there + " values");
    }
    return (int) count;
  }

  private Tensor bytes(String name, Initializer matrix) {
    return Tensor.contiguous(name, byteType(matrix), matrix.dimensions(), file, at(matrix));
  }

  /** {@code [in, out]} in the file as {@code [out, in]}. */
  private Tensor transposed(String name, Initializer matrix) {
    long in = matrix.shape.get(0);
    long out = matrix.shape.get(1);
    return Tensor.strided(
        name, byteType(matrix), new long[] {out, in}, new long[] {1, out}, file, at(matrix));
  }

  private DType byteType(Initializer matrix) {
    return switch (matrix.type) {
      case 2 -> DType.U8;
      case 3 -> DType.I8;
      default ->
          throw refused(
              "bytes in " + CheckpointException.quote(matrix.name), "data type " + matrix.type);
    };
  }

  /** Where a weight's raw bytes begin, checked to be as many as its shape asks for. */
  private long at(Initializer weight) {
    long bytes = weight.elements() * (weight.type == 1 ? 4 : 1);
    if (weight.place == null || weight.place.length() != bytes) {
      throw refused(
          bytes + " bytes of " + CheckpointException.quote(weight.name) + " in this file",
          weight.place == null ? "none" : weight.place.length() + " bytes");
    }
    return weight.place.offset();
  }

  private CheckpointException refused(String expected, String found) {
    return CheckpointException.of(expected, found, file.path(), REMEDY);
  }
}
