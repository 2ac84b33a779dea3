package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;

/** All texts padded to the longest, in {@code com.microsoft.MultiHeadAttention}. */
final class PaddedAttention implements Attention {
  private final GraphBuilder graph;
  private final EncoderConfig config;
  private final String mask;
  private final String grid;

  PaddedAttention(GraphBuilder graph, EncoderConfig config) {
    this.graph = graph;
    this.config = config;
    this.mask = graph.input(EncoderGraph.MASK, DataType.INT32, -1);
    this.grid = graph.input(EncoderGraph.GRID, DataType.INT64, 3);
  }

  @Override
  public boolean takesPooledQueries() {
    return false;
  }

  @Override
  public String attend(Projection projection, String queried, String x, Layer layer) {
    GraphBuilder.Op attention =
        graph
            .microsoft("MultiHeadAttention")
            .in(padded(projection, x, layer.query()))
            .in(padded(projection, x, layer.key()))
            .in(padded(projection, x, layer.value()));
    String context =
        attention.in(bias(projection, layer), mask).with("num_heads", config.heads()).out();
    return graph.op("Reshape").in(context, graph.ints(-1, config.hidden())).out();
  }

  private String bias(Projection projection, Layer layer) {
    return projection.interleaved(
        layer.query().weight().name() + "+key+value.bias",
        config.hidden(),
        layer.query().bias(),
        layer.key().bias(),
        layer.value().bias());
  }

  private String padded(Projection projection, String x, Linear linear) {
    return graph.op("Reshape").in(projection.multiply(x, linear), grid).out();
  }

  @Override
  public String nonPadding(String states) {
    String nonPadding = graph.input(EncoderGraph.NON_PADDING, DataType.INT64, -1);
    return graph.op("Gather").in(states, nonPadding).out();
  }
}
