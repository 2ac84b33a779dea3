package io.luciole.model.checkpoint;

import static java.util.Objects.requireNonNull;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Finds the files in which an ONNX model keeps tensors outside its own file. Exporters give such
 * files any name, and any tensor may be in one: an initializer, a constant of a node, one in a
 * branch or a loop, one in a function.
 *
 * <p>Field numbers are those of onnx.proto, ONNX 1.19.
 */
public final class OnnxExternalData {
  /** TensorProto.DataLocation. */
  private static final int EXTERNAL = 1;

  private OnnxExternalData() {}

  /**
   * Reads which files an ONNX model names. Only headers are read, not the tensors in the model's
   * own file. Whether the named files exist is not checked.
   *
   * @param onnx the model's file
   * @return the files, each once and in the order of their paths; empty if all tensors are in the
   *     model's own file
   * @throws CheckpointException if the file cannot be read or is no ONNX model
   */
  public static List<Path> files(Path onnx) {
    TreeSet<Path> files = new TreeSet<>();
    try (WeightFile file = WeightFile.open(requireNonNull(onnx, "onnx"))) {
      ProtoReader model = new ProtoReader(file.map(0, file.size(), "the model"), 0);
      // A stack of its own, since a file may nest graphs deeper than a thread's stack is.
      Deque<Part> parts = new ArrayDeque<>();
      parts.push(new Part(Message.MODEL, model));
      while (!parts.isEmpty()) {
        Part part = parts.pop();
        if (part.message == Message.TENSOR) {
          String location = location(part.fields);
          if (location != null) {
            files.add(onnx.resolveSibling(path(location)));
          }
          continue;
        }
        while (part.fields.next()) {
          Message within = part.message.within(part.fields.field());
          if (within != null) {
            parts.push(new Part(within, part.fields.message()));
          }
        }
      }
    } catch (IllegalArgumentException e) {
      throw CheckpointException.of(
          "an ONNX model", String.valueOf(e.getMessage()), onnx, CheckpointException.DAMAGED, e);
    }
    return List.copyOf(files);
  }

  /** Where a tensor's bytes are; null if they are in the model's own file. */
  private static @Nullable String location(ProtoReader tensor) {
    String location = null;
    long place = 0;
    while (tensor.next()) {
      if (tensor.field() == 13) {
        ProtoReader entry = tensor.message();
        String key = "";
        String value = "";
        while (entry.next()) {
          switch (entry.field()) {
            case 1 -> key = entry.text();
            case 2 -> value = entry.text();
            default -> {}
          }
        }
        location = key.equals("location") ? value : location;
      } else if (tensor.field() == 14) {
        place = tensor.integer();
      }
    }
    return place == EXTERNAL ? location : null;
  }

  private static Path path(String location) {
    try {
      return Path.of(location).normalize();
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "a tensor in the file " + CheckpointException.quote(location), e);
    }
  }

  private record Part(Message message, ProtoReader fields) {}

  /** The messages with tensors somewhere in them. */
  private enum Message {
    MODEL,
    FUNCTION,
    GRAPH,
    NODE,
    ATTRIBUTE,
    SPARSE_TENSOR,
    TENSOR;

    /** The message in a field, or null if there is none with tensors. */
    @Nullable Message within(int field) {
      return switch (this) {
        case MODEL ->
            switch (field) {
              case 7 -> GRAPH;
              case 25 -> FUNCTION;
              default -> null;
            };
        case FUNCTION ->
            switch (field) {
              case 7 -> NODE;
              case 11 -> ATTRIBUTE;
              default -> null;
            };
        case GRAPH ->
            switch (field) {
              case 1 -> NODE;
              case 5 -> TENSOR;
              case 15 -> SPARSE_TENSOR;
              default -> null;
            };
        case NODE -> field == 5 ? ATTRIBUTE : null;
        case ATTRIBUTE ->
            switch (field) {
              case 5, 10 -> TENSOR;
              case 6, 11 -> GRAPH;
              case 22, 23 -> SPARSE_TENSOR;
              default -> null;
            };
        case SPARSE_TENSOR -> field == 1 || field == 2 ? TENSOR : null;
        case TENSOR -> null;
      };
    }
  }
}
