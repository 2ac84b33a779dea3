package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;

/**
 * All texts unpadded, in {@code com.microsoft.PackedMultiHeadAttention}: one projection whose rows
 * are ordered head by head as query, key, value, and {@code [T, heads, 3, headSize]} of it. The
 * operator has no CPU kernel.
 */
final class PackedAttention implements Attention {
  private final GraphBuilder graph;
  private final EncoderConfig config;
  private final String tokenOffset;
  private final String cumulative;

  PackedAttention(GraphBuilder graph, EncoderConfig config) {
    this.graph = graph;
    this.config = config;
    this.tokenOffset = graph.input(EncoderGraph.TOKEN_OFFSET, DataType.INT32, -1, -1);
    this.cumulative = graph.input(EncoderGraph.CUMULATIVE, DataType.INT32, -1);
  }

  @Override
  public boolean takesPooledQueries() {
    return false;
  }

  @Override
  public String attend(Projection projection, String queried, String x, Layer layer) {
    String name = layer.query().weight().name();
    String weight =
        projection.interleaved(
            name + "+key+value",
            config.headSize(),
            layer.query().weight(),
            layer.key().weight(),
            layer.value().weight());
    String bias =
        projection.interleaved(
            name + "+key+value.bias",
            config.hidden(),
            layer.query().bias(),
            layer.key().bias(),
            layer.value().bias());
    String packed =
        graph
            .op("Reshape")
            .in(projection.multiply(x, weight))
            .in(graph.ints(-1, config.heads(), 3, config.headSize()))
            .out();
    return graph
        .microsoft("PackedMultiHeadAttention")
        .in(packed, "", "", bias, tokenOffset, cumulative)
        .with("num_heads", config.heads())
        .out();
  }

  @Override
  public String nonPadding(String states) {
    return states;
  }
}
