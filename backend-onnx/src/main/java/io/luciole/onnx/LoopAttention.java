package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import org.jspecify.annotations.Nullable;

/**
 * Text after text; where a layer's tokens see a window only, {@link #BLOCK} tokens of a text after
 * another, each with the keys that they see, so that the scores grow with the text's length and not
 * its square.
 */
final class LoopAttention implements Attention {
  /** Queries of a turn in a layer with a window. */
  static final int BLOCK = 256;

  private final GraphBuilder graph;
  private final EncoderConfig config;
  private final Rotation rotation;
  private final ScoreBias bias;
  private final String starts;
  private final String count;
  private @Nullable String windows;
  private int loops;

  LoopAttention(GraphBuilder graph, EncoderConfig config, Rotation rotation, ScoreBias bias) {
    this.graph = graph;
    this.config = config;
    this.rotation = rotation;
    this.bias = bias;
    this.starts = graph.input(EncoderGraph.STARTS, DataType.INT64, -1);
    String size = graph.op("Size").in(starts).out();
    this.count = graph.op("Sub").in(size, graph.integer(1)).out();
  }

  @Override
  public boolean takesPooledQueries() {
    return config.architecture().hasLayersOfBert();
  }

  @Override
  public String attend(Projection projection, String queried, String x, Layer layer) {
    double base = layer.attention().rotaryBase();
    boolean rotary = layer.attention().isRotary();
    String q = projection.linear(queried, layer.query());
    // Unless it is rotated, the keys' bias adds the same to all scores of a query, which softmax
    // takes away again.
    String k = rotary ? projection.linear(x, layer.key()) : projection.multiply(x, layer.key());
    String v = projection.linear(x, layer.value());
    if (rotary) {
      q = rotation.of(q, base);
      k = rotation.of(k, base);
    }
    boolean onePerText = !queried.equals(x);
    boolean windowed = layer.attention().window() > 0;

    String id = "_" + loops++;
    GraphBuilder body = graph.body();
    String i = body.input("turn" + id, DataType.INT64);
    String going = body.input("going" + id, DataType.BOOL);
    String before = body.sequenceInput("contexts" + id, DataType.FLOAT);
    Rows queries = windowed ? window(body, i, 0) : onePerText ? row(body, i) : text(body, i);
    Rows keys = windowed ? window(body, i, 2) : text(body, i);
    GraphBuilder.Op attention =
        body.microsoft("MultiHeadAttention")
            .in(queries.of(body, q), keys.of(body, k), keys.of(body, v));
    if (bias.isThere(layer)) {
      attention.in("", "", bias.of(body, layer, queries.span(body), keys.span(body)));
    }
    String context = attention.with("num_heads", config.heads()).out();
    body.output("on" + id, going, DataType.BOOL);
    body.sequenceOutput(body.op("SequenceInsert").in(before, context).out(), DataType.FLOAT);

    String none = graph.op("SequenceEmpty").with("dtype", DataType.FLOAT.getNumber()).out();
    String turns = windowed ? turns() : count;
    String all = graph.op("Loop").in(turns, graph.yes(), none).with("body", body).out();
    String joined = graph.op("ConcatFromSequence").in(all).with("axis", 1).out();
    return graph.op("Reshape").in(joined, graph.ints(-1, config.hidden())).out();
  }

  private String windows() {
    if (windows == null) {
      windows = graph.input(EncoderGraph.WINDOWS, DataType.INT64, -1, 4);
    }
    return windows;
  }

  private String turns() {
    String first = graph.op("Shape").in(windows()).with("start", 0).with("end", 1).out();
    return graph.op("Squeeze").in(first).out();
  }

  /** Rows from the one to before the other, each {@code [1]}. */
  private record Rows(String from, String to) {
    /** These rows of a matrix, as a batch of one. */
    String of(GraphBuilder body, String matrix) {
      String zero = body.ints(0);
      String slice = body.op("Slice").in(matrix, from, to, zero).out();
      return body.op("Unsqueeze").in(slice, zero).out();
    }

    ScoreBias.Span span(GraphBuilder body) {
      return new ScoreBias.Span(body.op("Squeeze").in(from).out(), body.op("Squeeze").in(to).out());
    }
  }

  private static Rows row(GraphBuilder body, String i) {
    String row = body.op("Unsqueeze").in(i, body.ints(0)).out();
    return new Rows(row, body.op("Add").in(row, body.ints(1)).out());
  }

  private Rows text(GraphBuilder body, String i) {
    Rows row = row(body, i);
    return new Rows(
        body.op("Gather").in(starts, row.from()).out(),
        body.op("Gather").in(starts, row.to()).out());
  }

  private Rows window(GraphBuilder body, String i, int column) {
    String turn = body.op("Gather").in(windows(), i).out();
    return new Rows(
        body.op("Gather").in(turn, body.ints(column)).out(),
        body.op("Gather").in(turn, body.ints(column + 1L)).out());
  }

  @Override
  public String nonPadding(String states) {
    return states;
  }
}
