package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import com.google.protobuf.CodedInputStream;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.onnx.proto.Onnx.GraphProto;
import io.luciole.onnx.proto.Onnx.ModelProto;
import io.luciole.onnx.proto.Onnx.NodeProto;
import io.luciole.onnx.proto.Onnx.TensorProto;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** How many token ids an exported encoder has rows for. */
final class Vocabulary {
  /** Operators that hand a value on, as far as its first dimension goes. */
  private static final Set<String> SAME_ROWS =
      Set.of("Cast", "Identity", "DequantizeLinear", "Reshape");

  /** Nothing tells: an id too large fails in ONNX Runtime and not before. */
  private static final int UNKNOWN = Integer.MAX_VALUE;

  private final List<NodeProto> nodes = new ArrayList<>();
  private final Map<String, Long> rows = new HashMap<>();

  private Vocabulary() {}

  /** From {@code config.json}, or else from the table that the graph looks ids up in. */
  static int of(ModelFiles files) {
    Optional<Integer> declared = files.configNumber("vocab_size");
    if (declared.isPresent()) {
      return declared.get();
    }
    Path onnx = requireNonNull(files.onnx());
    try (InputStream in = new BufferedInputStream(Files.newInputStream(onnx), 1 << 16)) {
      Vocabulary vocabulary = new Vocabulary();
      vocabulary.readModel(CodedInputStream.newInstance(in, 1 << 16));
      return vocabulary.find();
    } catch (IOException e) {
      throw new ModelException("Cannot read " + onnx + ": " + e.getMessage(), e);
    }
  }

  /** Reads nodes and the sizes of weights, and skips the weights themselves. */
  private void readModel(CodedInputStream in) throws IOException {
    in.setSizeLimit(Integer.MAX_VALUE);
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      if (tag >>> 3 == ModelProto.GRAPH_FIELD_NUMBER) {
        int outer = in.pushLimit(in.readRawVarint32());
        for (int field = in.readTag(); field != 0; field = in.readTag()) {
          switch (field >>> 3) {
            case GraphProto.NODE_FIELD_NUMBER -> nodes.add(NodeProto.parseFrom(in.readByteArray()));
            case GraphProto.INITIALIZER_FIELD_NUMBER -> readInitializer(in);
            default -> in.skipField(field);
          }
        }
        in.popLimit(outer);
      } else {
        in.skipField(tag);
      }
    }
  }

  private void readInitializer(CodedInputStream in) throws IOException {
    int outer = in.pushLimit(in.readRawVarint32());
    String name = "";
    long first = -1;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int field = tag >>> 3;
      if (field == TensorProto.NAME_FIELD_NUMBER) {
        name = in.readString();
      } else if (field == TensorProto.DIMS_FIELD_NUMBER && (tag & 7) == 0) {
        long dimension = in.readInt64();
        first = first < 0 ? dimension : first;
      } else {
        in.skipField(tag);
      }
    }
    in.popLimit(outer);
    rows.put(name, first);
  }

  private int find() {
    Map<String, String> from = new HashMap<>();
    Set<String> ids = new HashSet<>(Set.of("input_ids"));
    for (NodeProto node : nodes) {
      if (SAME_ROWS.contains(node.getOpType()) && node.getInputCount() > 0) {
        from.put(node.getOutput(0), node.getInput(0));
        if (ids.contains(node.getInput(0))) {
          ids.add(node.getOutput(0));
        }
      }
    }
    for (NodeProto node : nodes) {
      if (node.getOpType().equals("Gather") && ids.contains(node.getInput(1))) {
        String table = node.getInput(0);
        while (from.containsKey(table)) {
          table = requireNonNull(from.get(table));
        }
        long found = rows.getOrDefault(table, -1L);
        if (found > 0) {
          return (int) Math.min(found, Integer.MAX_VALUE);
        }
      }
    }
    return UNKNOWN;
  }
}
