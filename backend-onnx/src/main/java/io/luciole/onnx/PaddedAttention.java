package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import java.util.HashMap;
import java.util.Map;

/** All texts padded to the longest, in {@code com.microsoft.MultiHeadAttention}. */
final class PaddedAttention implements Attention {
  private final GraphBuilder graph;
  private final EncoderConfig config;
  private final Rotation rotation;
  private final ScoreBias bias;
  private final String mask;
  private final String grid;

  /** Biases of scores by the window of their layers: all texts have the same. */
  private final Map<Integer, String> biases = new HashMap<>();

  PaddedAttention(GraphBuilder graph, EncoderConfig config, Rotation rotation, ScoreBias bias) {
    this.graph = graph;
    this.config = config;
    this.rotation = rotation;
    this.bias = bias;
    this.mask = graph.input(EncoderGraph.MASK, DataType.INT32, -1);
    this.grid = graph.input(EncoderGraph.GRID, DataType.INT64, 3);
  }

  @Override
  public boolean takesPooledQueries() {
    return false;
  }

  @Override
  public String attend(Projection projection, String queried, String x, Layer layer) {
    double base = layer.attention().rotaryBase();
    boolean rotary = layer.attention().isRotary();
    String q = rows(projection, x, layer.query(), rotary);
    String k = rows(projection, x, layer.key(), rotary);
    String v = rows(projection, x, layer.value(), rotary);
    GraphBuilder.Op attention =
        graph
            .microsoft("MultiHeadAttention")
            .in(padded(rotary ? rotation.of(q, base) : q))
            .in(padded(rotary ? rotation.of(k, base) : k))
            .in(padded(v), rotary ? "" : bias(projection, layer), mask);
    if (bias.isThere(layer)) {
      attention.in(biases.computeIfAbsent(layer.attention().window(), w -> scoreBias(layer)));
    }
    String context = attention.with("num_heads", config.heads()).out();
    return graph.op("Reshape").in(context, graph.ints(-1, config.hidden())).out();
  }

  private String scoreBias(Layer layer) {
    ScoreBias.Span all =
        new ScoreBias.Span(graph.integer(0), graph.op("Gather").in(grid, graph.integer(1)).out());
    return bias.of(graph, layer, all, all);
  }

  /** With the bias where it must be there before the rotation, or without. */
  private static String rows(Projection projection, String x, Linear linear, boolean withBias) {
    return withBias ? projection.linear(x, linear) : projection.multiply(x, linear);
  }

  private String bias(Projection projection, Layer layer) {
    return projection.interleaved(
        layer.query().weight().name() + "+key+value.bias",
        config.hidden(),
        layer.query().bias(),
        layer.key().bias(),
        layer.value().bias());
  }

  private String padded(String rows) {
    return graph.op("Reshape").in(rows, grid).out();
  }

  @Override
  public String nonPadding(String states) {
    String nonPadding = graph.input(EncoderGraph.NON_PADDING, DataType.INT64, -1);
    return graph.op("Gather").in(states, nonPadding).out();
  }
}
