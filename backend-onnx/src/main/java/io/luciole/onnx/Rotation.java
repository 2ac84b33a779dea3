package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.RotaryTable;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import org.jspecify.annotations.Nullable;

/**
 * Rotates queries and keys by the places of their tokens. Each token is a sequence of its own to
 * the operator, since tokens of several texts lie end to end.
 */
final class Rotation {
  private final GraphBuilder graph;
  private final Projection projection;
  private final EncoderConfig config;
  private @Nullable String places;

  Rotation(GraphBuilder graph, Projection projection, EncoderConfig config) {
    this.graph = graph;
    this.projection = projection;
    this.config = config;
  }

  /** Rows {@code [N, H]} of all tokens, rotated. */
  String of(String rows, double base) {
    if (places == null) {
      String wide =
          graph.op("Cast").in(EncoderGraph.POSITIONS).with("to", DataType.INT64.getNumber()).out();
      places = graph.op("Unsqueeze").in(wide, graph.ints(1)).out();
    }
    String cos = "rotary_cos_" + base;
    String sin = "rotary_sin_" + base;
    if (!graph.hasWeight(cos)) {
      RotaryTable table = RotaryTable.of(base, config.headSize(), config.maxTokens());
      long[] shape = {config.maxTokens(), config.headSize() / 2};
      projection.put(cos, table.cos(), shape);
      projection.put(sin, table.sin(), shape);
    }
    String rotated =
        graph
            .microsoft("RotaryEmbedding")
            .in(graph.op("Unsqueeze").in(rows, graph.ints(1)).out(), places, cos, sin)
            .out();
    return graph.op("Squeeze").in(rotated, graph.ints(1)).out();
  }
}
