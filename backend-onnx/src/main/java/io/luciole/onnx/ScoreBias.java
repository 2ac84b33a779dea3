package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.EncoderWeights.Layer;

/**
 * What is added to the scores of attention: by the distance of key and query, or for keys outside
 * the window of a layer. It is computed where it is used, from the places of queries and keys.
 */
final class ScoreBias {
  /** Makes a key's weight 0, and is a number in 16 bits too. */
  private static final float OUT = -30_000;

  private final EncoderConfig config;
  private final EncoderWeights weights;
  private final Projection projection;

  ScoreBias(EncoderConfig config, EncoderWeights weights, Projection projection) {
    this.config = config;
    this.weights = weights;
    this.projection = projection;
  }

  /** Whether a layer's scores have one. */
  boolean isThere(Layer layer) {
    return layer.attention().window() > 0 || config.architecture().relativeBuckets() > 0;
  }

  /**
   * The bias of a layer, {@code [1, heads or 1, queries, keys]}.
   *
   * @param graph the graph or body that uses it
   * @param queries where the queries begin and end, two scalars
   * @param keys the same for the keys
   */
  String of(GraphBuilder graph, Layer layer, Span queries, Span keys) {
    String zero = graph.ints(0);
    String one = graph.ints(1);
    String distance =
        graph
            .op("Sub")
            .in(graph.op("Unsqueeze").in(range(graph, keys), zero).out())
            .in(graph.op("Unsqueeze").in(range(graph, queries), one).out())
            .out();
    if (config.architecture().relativeBuckets() > 0) {
      return graph.op("Unsqueeze").in(relative(graph, distance), zero).out();
    }
    String far =
        graph
            .op("Greater")
            .in(graph.op("Abs").in(distance).out())
            .in(graph.integer(layer.attention().window()))
            .out();
    String bias =
        graph
            .op("Where")
            .in(far, projection.number("score_out", OUT), projection.number("score_in", 0))
            .out();
    return graph.op("Unsqueeze").in(bias, graph.ints(0, 1)).out();
  }

  /** Tokens from the one scalar to before the other. */
  record Span(String from, String to) {}

  private static String range(GraphBuilder graph, Span span) {
    return graph.op("Range").in(span.from(), span.to(), graph.integer(1)).out();
  }

  private String relative(GraphBuilder graph, String distance) {
    int farthest = EncoderWeights.FARTHEST;
    String table = "relative_bias";
    if (!graph.hasWeight(table)) {
      float[] values = weights.relativeBias().orElseThrow();
      projection.put(table, values, config.heads(), 2L * farthest + 1);
    }
    String near =
        graph.op("Clip").in(distance, graph.integer(-farthest), graph.integer(farthest)).out();
    String index = graph.op("Add").in(near, graph.integer(farthest)).out();
    return graph.op("Gather").in(table, index).with("axis", 1).out();
  }
}
