package io.luciole.onnx;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import io.luciole.model.ModelException;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What an ONNX file's result for a text depends on besides the text, as its operators tell.
 *
 * <ul>
 *   <li>Some quantise activations as they run, with one scale for a whole tensor, padding and
 *       neighbours included: the result depends on the batch. The errors are so large, and magnify
 *       roundings so much, that it depends on the processor, too. Of bge-small in 8 bits the cosine
 *       between a text alone and the same text among 19 others is 0.98 to 0.998, between processors
 *       0.988.
 *   <li>Some multiply bytes, which on x86 without VNNI may saturate (two products of an unsigned
 *       and a signed byte are added in 16 bits): the result may depend on the processor.
 * </ul>
 *
 * <p>Reads the graph's operators and skips its weights. Field numbers are those of onnx.proto:
 *
 * <pre>
 * ModelProto.graph 7, ModelProto.functions 25, GraphProto.node 1, FunctionProto.node 7,
 * NodeProto.op_type 4, NodeProto.attribute 5, AttributeProto.g 6, AttributeProto.graphs 11
 * </pre>
 */
enum ExportDependence {
  /** On nothing but the text. */
  NONE,
  /** On the processor. */
  PROCESSOR,
  /** On the other texts of its batch, and on the processor. */
  BATCH;

  private static final Set<String> MULTIPLY_BYTES =
      Set.of(
          "MatMulInteger",
          "MatMulIntegerToFloat",
          "ConvInteger",
          "QLinearMatMul",
          "QLinearConv",
          "QGemm",
          "QAttention",
          "QOrderedMatMul");

  private static final Set<String> QUANTISE_AS_THEY_RUN =
      Set.of("DynamicQuantizeLinear", "DynamicQuantizeMatMul", "DynamicQuantizeLSTM");

  /**
   * What a file's results depend on.
   *
   * @throws ModelException if it cannot be read as ONNX
   */
  static ExportDependence of(Path onnx) {
    try (InputStream stream = new BufferedInputStream(Files.newInputStream(onnx), 1 << 16)) {
      CodedInputStream in = CodedInputStream.newInstance(stream);
      in.setSizeLimit(Integer.MAX_VALUE);
      return strongest(in, 0, Message.MODEL);
    } catch (IOException e) {
      throw new ModelException(
          "Cannot read " + onnx + " as an ONNX model: " + e.getMessage() + " Fetch it again.", e);
    }
  }

  private static ExportDependence of(String operator) {
    return QUANTISE_AS_THEY_RUN.contains(operator)
        ? BATCH
        : MULTIPLY_BYTES.contains(operator) ? PROCESSOR : NONE;
  }

  /** The messages on the way to an operator's name. */
  private enum Message {
    MODEL,
    GRAPH,
    FUNCTION,
    NODE,
    ATTRIBUTE
  }

  /** Deeper nesting than this is no model's. */
  private static final int MAX_DEPTH = 64;

  private static ExportDependence strongest(CodedInputStream in, int depth, Message message)
      throws IOException {
    if (depth > MAX_DEPTH) {
      throw new IOException("graphs nested more than " + MAX_DEPTH + " deep.");
    }
    ExportDependence strongest = NONE;
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      int field = WireFormat.getTagFieldNumber(tag);
      if (message == Message.NODE && field == 4) {
        strongest = max(strongest, of(in.readString()));
        continue;
      }
      Message inner = inner(message, field);
      if (inner == null) {
        in.skipField(tag);
        continue;
      }
      int limit = in.pushLimit(in.readRawVarint32());
      strongest = max(strongest, strongest(in, depth + 1, inner));
      in.popLimit(limit);
    }
    return strongest;
  }

  private static ExportDependence max(ExportDependence a, ExportDependence b) {
    return a.compareTo(b) > 0 ? a : b;
  }

  private static @Nullable Message inner(Message message, int field) {
    return switch (message) {
      case MODEL -> field == 7 ? Message.GRAPH : field == 25 ? Message.FUNCTION : null;
      case GRAPH -> field == 1 ? Message.NODE : null;
      case FUNCTION -> field == 7 ? Message.NODE : null;
      case NODE -> field == 5 ? Message.ATTRIBUTE : null;
      case ATTRIBUTE -> field == 6 || field == 11 ? Message.GRAPH : null;
    };
  }
}
