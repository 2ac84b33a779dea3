package io.luciole.onnx;

import io.luciole.Output;
import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.model.Pooling;
import io.luciole.model.checkpoint.DType;
import io.luciole.model.checkpoint.Quantization;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.Precision;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Compiles an encoder to an ONNX graph (Devlin et al. 2019, with BGE-M3's heads: Chen et al. 2024;
 * {@link EncoderWeights} has the arithmetic of all architectures).
 *
 * <pre>
 * in   token_ids  int32 [N]      tokens end to end; in the padded layout with padding, N = B·S
 *      positions  int32 [N]      row of the position table
 *      rows       int64 [B]      which row of the states is a text's vector (pooling cls, last)
 *      texts      int64 [T, 1]   which text a token belongs to    (pooling mean, instead of rows)
 *      lengths    float [B, 1]   its number of tokens               (likewise)
 * LOOP, LAYERS  starts int64 [B+1]   where each text starts, and N
 *         windows int64 [n, 4]   first and end of queries, first and end of the keys that they see
 *                                (where a layer's tokens see a window)
 * PACKED  token_offset int32 [B, S], cumulative_sequence_length int32 [B+1]: see the operator
 * PADDED  non_padding int64 [T]  which of the N tokens are no padding (for sparse and colbert)
 *         mask    int32 [B]      each text's number of tokens
 *         grid    int64 [3]      B, S, H
 * FUSED   tokens  int32 [N, 4] instead of token_ids and positions, tiles int32 [n, 4], queries int64
 *                 [1]: see {@link CudaEncoder}
 *
 * out  dense      float [B, H]   not normalised; float [T, H], all states, without pooling
 *      sparse     float [T, 1]   relu(W·h + b)
 *      colbert    float [T, D']  W·h + b; float16 where the graph computes in it
 * FUSED   vectors float [n]      dense, if pooled by cls or last, and behind it sparse
 * </pre>
 *
 * <p>ONNX Runtime runs the whole graph whatever is fetched, so the graph has the heads that it was
 * made for and no others. Where only pooled rows are read, the last layer is computed for those.
 */
final class EncoderGraph {
  static final String TOKEN_IDS = "token_ids";
  static final String POSITIONS = "positions";
  static final String ROWS = "rows";
  static final String TEXTS = "texts";
  static final String LENGTHS = "lengths";
  static final String STARTS = "starts";
  static final String WINDOWS = "windows";
  static final String TOKEN_OFFSET = "token_offset";
  static final String CUMULATIVE = "cumulative_sequence_length";
  static final String NON_PADDING = "non_padding";
  static final String MASK = "mask";
  static final String GRID = "grid";
  static final String TOKENS = "tokens";
  static final String TILES = "tiles";
  static final String QUERIES = "queries";
  static final String VECTORS = "vectors";

  private final EncoderConfig config;
  private final BackendConfig options;
  private final EncoderWeights weights;
  private final Set<Output> outputs;
  private final Pooling pooling;
  private final DataType type;
  private final Precision precision;
  private final Set<Integer> outliers;
  private final AttentionLayout layout;
  private final int threads;
  private final GraphBuilder graph = new GraphBuilder();
  private final Initializers initializers = new Initializers();
  private final Projection projection;

  /** Null where an operator has all layers. */
  private final @Nullable Attention attention;

  private @Nullable String nonPaddingStates;

  /** Heads are small, and their outputs are what users see: never quantised. */
  private final Projection heads;

  EncoderGraph(
      EncoderConfig config,
      EncoderWeights weights,
      Set<Output> outputs,
      Pooling pooling,
      AttentionLayout layout,
      Precision precision,
      Set<Integer> outliers,
      int threads,
      BackendConfig options) {
    this.config = config;
    this.options = options;
    this.weights = weights;
    this.outputs = outputs;
    this.pooling = pooling;
    this.type = isHalf(precision) ? DataType.FLOAT16 : DataType.FLOAT;
    this.precision = precision;
    this.outliers = outliers;
    this.layout = layout;
    this.threads = threads;
    boolean onCpu = layout == AttentionLayout.LOOP || layout == AttentionLayout.LAYERS;
    this.heads = new Projection(graph, initializers, type, onCpu);
    this.projection =
        precision == Precision.INT8 ? new Int8Projection(graph, initializers, outliers) : heads;
    this.attention =
        layout == AttentionLayout.FUSED || layout == AttentionLayout.LAYERS
            ? null
            : Attention.of(
                layout,
                graph,
                config,
                new Rotation(graph, heads, config),
                new ScoreBias(config, weights, heads));
  }

  /** Whether what lies between the operators, and token vectors, have 16 bits. */
  static boolean isHalf(Precision precision) {
    return precision == Precision.FP16 || precision == Precision.FP8;
  }

  Initializers initializers() {
    return initializers;
  }

  /** Whether a text's vector is the state of one of its tokens. */
  private static boolean takesRow(Pooling pooling) {
    return pooling == Pooling.CLS || pooling == Pooling.LAST;
  }

  /** Whether the last layer need be computed for the rows that are pooled only. */
  private boolean poolsEarly() {
    return layout != AttentionLayout.FUSED
        && outputs.equals(Set.of(Output.DENSE))
        && takesRow(pooling);
  }

  /**
   * What the fused layout gives together, as {@link #VECTORS}, of the outputs of a graph; in this
   * order.
   */
  static List<Output> together(Set<Output> outputs, Pooling pooling) {
    return Stream.of(Output.DENSE, Output.SPARSE)
        .filter(outputs::contains)
        .filter(output -> output != Output.DENSE || takesRow(pooling))
        .toList();
  }

  /** The graph, as ONNX Runtime reads it. */
  ByteBuffer build() {
    if (layout == AttentionLayout.FUSED) {
      fused();
    } else {
      layers();
    }
    return graph.build();
  }

  private void fused() {
    List<Output> together = together(outputs, pooling);
    boolean dense = outputs.contains(Output.DENSE) && !together.contains(Output.DENSE);
    CudaEncoder.Values values =
        CudaEncoder.add(
            graph,
            projection,
            config,
            options,
            weights,
            firstRow(weights.tokenTypes()),
            together.contains(Output.DENSE),
            together.contains(Output.SPARSE),
            dense || outputs.contains(Output.COLBERT));
    if (!together.isEmpty()) {
      graph.output(VECTORS, values.vectors(), DataType.FLOAT, -1);
    }
    if (dense) {
      graph.output("dense", dense(values.states()), DataType.FLOAT, -1, config.hidden());
    }
    if (outputs.contains(Output.COLBERT)) {
      colbert(values.states());
    }
  }

  private void layers() {
    String ids = graph.input(TOKEN_IDS, DataType.INT32, -1);
    String positions = graph.input(POSITIONS, DataType.INT32, -1);
    if (takesRow(pooling) && outputs.contains(Output.DENSE)) {
      graph.input(ROWS, DataType.INT64, -1);
    }
    String states = embeddings(ids, positions);
    if (attention == null) {
      String rows = poolsEarly() ? ROWS : "";
      states =
          CpuLayers.add(
              graph, initializers, config, weights, outliers, precision, threads, states, rows);
    } else {
      for (int i = 0; i < config.layers(); i++) {
        boolean pooled = poolsEarly() && i + 1 == config.layers();
        states = layer(attention, states, weights.layer(i), pooled);
      }
    }
    Norm last = weights.finalNorm().orElse(null);
    if (last != null) {
      states = projection.norm(states, last, config.epsilon());
    }
    if (outputs.contains(Output.DENSE)) {
      graph.output("dense", dense(states), DataType.FLOAT, -1, config.hidden());
    }
    if (outputs.contains(Output.SPARSE)) {
      sparse(nonPadding(states));
    }
    if (outputs.contains(Output.COLBERT)) {
      colbert(nonPadding(states));
    }
  }

  private String embeddings(String ids, String positions) {
    String words = rows(weights.words(), ids);
    Norm norm = weights.embeddingNorm();
    Tensor table = weights.positions().orElse(null);
    String states;
    if (table != null) {
      String type0 = firstRow(weights.tokenTypes());
      states = heads.skipNorm(words, rows(table, positions), norm, config.epsilon(), type0);
    } else {
      String typed =
          config.tokenTypes() == 0
              ? words
              : graph.op("Add").in(words, firstRow(weights.tokenTypes())).out();
      states = heads.norm(typed, norm, config.epsilon());
    }
    Linear projected = weights.projection().orElse(null);
    return projected == null ? states : heads.linear(states, projected);
  }

  /** Rows of a table. One of quantised bytes stays that, mapped; the rows taken are dequantised. */
  private String rows(Tensor table, String rows) {
    Quantization quantization = table.quantization().orElse(null);
    if (quantization == null || table.dtype() != DType.U8 || type != DataType.FLOAT) {
      return gather(heads.weight(table.name(), table), rows);
    }
    String bytes =
        initializers.put(graph, table.name(), DataType.UINT8, table.data(), table.shape());
    return graph
        .op("DequantizeLinear")
        .in(gather(bytes, rows), graph.number(quantization.scale(0)))
        .in(graph.unsignedByte(quantization.zero(0)))
        .out();
  }

  /** The only token type in use, as a bias. */
  private String firstRow(Tensor types) {
    int size = config.architecture().embedding();
    return heads.put("token_type_0", Arrays.copyOf(types.toFloats(), size), size);
  }

  private String gather(String table, String rows) {
    return graph.op("Gather").in(table, rows).out();
  }

  private String layer(Attention attention, String x, Layer layer, boolean pooled) {
    boolean normFirst = config.architecture().normFirst();
    String asking = normFirst ? normalised(x, layer.attentionNorm()) : x;
    String residual = pooled ? gather(x, ROWS) : x;
    boolean early = pooled && attention.takesPooledQueries();
    String context = attention.attend(projection, early ? residual : asking, asking, layer);
    if (pooled && !early) {
      context = gather(context, ROWS);
    }
    if (normFirst) {
      String attended = added(projection.linear(context, layer.attentionOutput()), residual);
      String inner = inner(normalised(attended, layer.outputNorm()), layer);
      return added(projection.linear(inner, layer.output()), attended);
    }
    String attended =
        projection.normalised(
            context,
            layer.attentionOutput(),
            residual,
            layer.requireAttentionNorm(),
            config.epsilon());
    return projection.normalised(
        inner(attended, layer), layer.output(), attended, layer.outputNorm(), config.epsilon());
  }

  private String inner(String x, Layer layer) {
    String activated = projection.activated(x, layer.intermediate(), config.activation());
    Linear gate = layer.gate();
    return gate == null
        ? activated
        : graph.op("Mul").in(activated, projection.linear(x, gate)).out();
  }

  private String normalised(String x, @Nullable Norm norm) {
    return norm == null ? x : projection.norm(x, norm, config.epsilon());
  }

  private String added(String y, String residual) {
    return graph.op("Add").in(y, residual).out();
  }

  /** The states of the real tokens; the same value at every call. */
  private String nonPadding(String states) {
    if (nonPaddingStates == null) {
      nonPaddingStates = attention == null ? states : attention.nonPadding(states);
    }
    return nonPaddingStates;
  }

  private String dense(String states) {
    if (poolsEarly()) {
      return asFloat(states);
    }
    if (takesRow(pooling)) {
      return asFloat(gather(states, ROWS));
    }
    if (pooling == Pooling.NONE) {
      return asFloat(nonPadding(states));
    }
    String texts = graph.input(TEXTS, DataType.INT64, -1, 1);
    String lengths = graph.input(LENGTHS, DataType.FLOAT, -1, 1);
    String batch = graph.op("Shape").in(lengths).with("start", 0).with("end", 1).out();
    String shape = graph.op("Concat").in(batch, graph.ints(config.hidden())).with("axis", 0).out();
    String sums =
        graph
            .op("ScatterND")
            .in(graph.op("ConstantOfShape").in(shape).out(), texts, asFloat(nonPadding(states)))
            .with("reduction", "add")
            .out();
    return graph.op("Div").in(sums, lengths).out();
  }

  private void sparse(String states) {
    Linear head = weights.sparseHead().orElseThrow();
    String weight = graph.op("Relu").in(heads.head("sparse", states, head)).out();
    graph.output("sparse", asFloat(weight), DataType.FLOAT, -1, 1);
  }

  private void colbert(String states) {
    Linear head = weights.colbertHead().orElseThrow();
    graph.output("colbert", heads.head("colbert", states, head), type, -1, head.outputs());
  }

  private String asFloat(String value) {
    return type == DataType.FLOAT
        ? value
        : graph.op("Cast").in(value).with("to", DataType.FLOAT.getNumber()).out();
  }
}
