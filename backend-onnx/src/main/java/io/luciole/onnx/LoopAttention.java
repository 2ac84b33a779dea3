package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;

/** Text after text. */
final class LoopAttention implements Attention {
  private final GraphBuilder graph;
  private final EncoderConfig config;
  private final String starts;
  private final String count;
  private int loops;

  LoopAttention(GraphBuilder graph, EncoderConfig config) {
    this.graph = graph;
    this.config = config;
    this.starts = graph.input(EncoderGraph.STARTS, DataType.INT64, -1);
    String size = graph.op("Size").in(starts).out();
    this.count = graph.op("Sub").in(size, graph.op("Squeeze").in(graph.ints(1)).out()).out();
  }

  @Override
  public boolean takesPooledQueries() {
    return true;
  }

  @Override
  public String attend(Projection projection, String queried, String x, Layer layer) {
    String q = projection.linear(queried, layer.query());
    // The keys' bias adds the same to all scores of a query, which softmax takes away again.
    String k = projection.multiply(x, layer.key());
    String v = projection.linear(x, layer.value());

    String zero = graph.ints(0);
    String one = graph.ints(1);
    String id = "_" + loops++;
    GraphBuilder body = graph.body();
    String i = body.input("text" + id, DataType.INT64);
    String going = body.input("going" + id, DataType.BOOL);
    String before = body.sequenceInput("contexts" + id, DataType.FLOAT);
    String text = body.op("Unsqueeze").in(i, zero).out();
    String next = body.op("Add").in(text, one).out();
    String start = body.op("Gather").in(starts, text).out();
    String end = body.op("Gather").in(starts, next).out();
    boolean onePerText = !queried.equals(x);
    String context =
        body.microsoft("MultiHeadAttention")
            .in(onePerText ? rows(body, q, text, next) : rows(body, q, start, end))
            .in(rows(body, k, start, end), rows(body, v, start, end))
            .with("num_heads", config.heads())
            .out();
    body.output("on" + id, going, DataType.BOOL);
    body.sequenceOutput(body.op("SequenceInsert").in(before, context).out(), DataType.FLOAT);

    String none = graph.op("SequenceEmpty").with("dtype", DataType.FLOAT.getNumber()).out();
    String all = graph.op("Loop").in(count, graph.yes(), none).with("body", body).out();
    String joined = graph.op("ConcatFromSequence").in(all).with("axis", 1).out();
    return graph.op("Reshape").in(joined, graph.ints(-1, config.hidden())).out();
  }

  /** Rows {@code from .. to-1}, as a batch of one. */
  private static String rows(GraphBuilder body, String matrix, String from, String to) {
    String zero = body.ints(0);
    String slice = body.op("Slice").in(matrix, from, to, zero).out();
    return body.op("Unsqueeze").in(slice, zero).out();
  }

  @Override
  public String nonPadding(String states) {
    return states;
  }
}
