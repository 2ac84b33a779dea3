package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.Precision;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The operator of this project's library {@code libluciole_cuda.so} (src/main/cuda), {@code
 * luciole::Encoder}, from token ids to vectors in one operator: cuBLASLt's matrix products with
 * bias, GELU and residual in their epilogues, and an attention that reads their output in place;
 * small batches as CUDA graphs. In fp8 the products of larger batches are of 8-bit floats, with
 * scales that follow from the weights (fp8.cu). ONNX Runtime's own operators pass over memory four
 * times more a layer, and start a kernel at a time. What a batch is stays in the host's memory,
 * from which kernels read it: no copies to wait for.
 *
 * <pre>
 * tokens   int32   [T, 4]   id, row of the position table, where its text starts, where it ends
 * tiles    int32   [n, 4]   see {@link CudaTiles}
 * queries  int64   [1]      how many tokens a tile may have, 64 or 128
 * rows     int64   [B]      which token's state is a text's vector; left out where none is pooled
 * weights  float16          embeddings: words [V, H], positions [P, H], token type [H], norm [H],
 *                           [H]; of every layer in turn: query, key and value [3H, H], [3H]; output
 *                           [H, H], [H]; norm [H], [H]; intermediate [F, H], [F]; output [H, F],
 *                           [H]; norm [H], [H]; of a sparse head where there is one [1, H], [1]
 *
 * states   float16 [T, H]   empty unless asked for
 * vectors  float   [n]      the texts' vectors [B, H], then the tokens' weights [T], of either what
 *                           there is: one copy to the host instead of two
 * </pre>
 *
 * <p>GELU is cuBLASLt's, by tanh: within 5e-4 of the exact one, which batches of up to 512 tokens
 * have on Hopper.
 */
final class CudaEncoder {
  /** Numbers of a token. */
  static final int TOKEN_WIDTH = 4;

  /** Components of a head that there are kernels of attention for. */
  private static final List<Integer> HEADS = List.of(32, 64);

  /** Components of a state that there are kernels of layer normalisation for. */
  private static final List<Integer> STATES = List.of(256, 384, 512, 768, 1024);

  private CudaEncoder() {}

  /** What keeps the operators from being used for an encoder, or null if nothing does. */
  static @Nullable String obstacle(EncoderConfig config, BackendConfig options) {
    String ofLibrary =
        options.option(OnnxOptions.CUDA_LIBRARY).isPresent()
            ? null
            : OperatorLibrary.CUDA.obstacle();
    if (ofLibrary != null) {
      return ofLibrary;
    }
    String ofLayers = OperatorLibrary.obstacleOfLayers(config);
    if (ofLayers != null) {
      return ofLayers;
    }
    if (!HEADS.contains(config.headSize())
        || !STATES.contains(config.hidden())
        || config.feedForward() % multiple(options) != 0) {
      return "they are for heads of "
          + listed(HEADS)
          + " components, states of "
          + listed(STATES)
          + ", and a feed-forward layer of a multiple of "
          + multiple(options)
          + ", and this model has "
          + config.headSize()
          + ", "
          + config.hidden()
          + " and "
          + config.feedForward();
    }
    return null;
  }

  /** Of how many components a feed-forward layer must have a multiple: 16 bytes. */
  private static int multiple(BackendConfig options) {
    return isFp8(options) ? 16 : 8;
  }

  private static boolean isFp8(BackendConfig options) {
    return options.precision().filter(Precision.FP8::equals).isPresent();
  }

  /** How many of the first layers compute in fp8. */
  private static int fp8Layers(EncoderConfig config, BackendConfig options) {
    return isFp8(options)
        ? Math.max(1, config.layers() - options.option(OnnxOptions.CUDA_FP16_LAYERS))
        : 0;
  }

  private static String listed(List<Integer> sizes) {
    return sizes.stream().map(String::valueOf).collect(Collectors.joining(" or "));
  }

  /**
   * The library's file: the one that is named, or that of this build.
   *
   * @throws BackendException if there is none, or it cannot be loaded
   */
  static String library(BackendConfig options) {
    return options
        .option(OnnxOptions.CUDA_LIBRARY)
        .map(Path::toString)
        .orElseGet(OperatorLibrary.CUDA::path);
  }

  /** What the operator gives, in the names of the graph. */
  record Values(String states, String vectors) {}

  /**
   * Adds the operator.
   *
   * @param type the token type's row of its table
   * @param pools whether the vectors are to have the texts'
   * @param weighs whether they are to have the tokens' weights
   * @param leavesStates whether the states are asked for
   */
  static Values add(
      GraphBuilder graph,
      Projection projection,
      EncoderConfig config,
      BackendConfig options,
      EncoderWeights weights,
      String type,
      boolean pools,
      boolean weighs,
      boolean leavesStates) {
    List<String> all = new ArrayList<>();
    all.add(projection.weight(weights.words().name(), weights.words()));
    Tensor positions = weights.positions().orElseThrow();
    all.add(projection.weight(positions.name(), positions));
    all.add(type);
    norm(projection, weights.embeddingNorm(), all);
    for (int i = 0; i < config.layers(); i++) {
      Layer layer = weights.layer(i);
      String name = layer.query().weight().name();
      all.add(
          projection.interleaved(
              name + "+key+value",
              config.hidden(),
              layer.query().weight(),
              layer.key().weight(),
              layer.value().weight()));
      all.add(
          projection.interleaved(
              name + "+key+value.bias",
              config.hidden(),
              layer.query().bias(),
              layer.key().bias(),
              layer.value().bias()));
      tail(projection, layer, all);
    }
    if (weighs) {
      Linear head = weights.sparseHead().orElseThrow();
      all.add(projection.weight("sparse.weight", head.weight()));
      all.add(projection.weight("sparse.bias", head.bias()));
    }
    return add(graph, config, options, all, pools, leavesStates);
  }

  /** Adds the operator with weights that are in the graph. */
  static Values add(
      GraphBuilder graph,
      EncoderConfig config,
      BackendConfig options,
      List<String> weights,
      boolean pools,
      boolean leavesStates) {
    String tokens = graph.input(EncoderGraph.TOKENS, DataType.INT32, -1, TOKEN_WIDTH);
    String tiles = graph.input(EncoderGraph.TILES, DataType.INT32, -1, CudaTiles.WIDTH);
    String queries = graph.input(EncoderGraph.QUERIES, DataType.INT64, 1);
    String rows = pools ? graph.input(EncoderGraph.ROWS, DataType.INT64, -1) : "";
    String[] out =
        graph
            .luciole("Encoder")
            .with("heads", config.heads())
            .with("inner", config.feedForward())
            .with("states", leavesStates ? 1 : 0)
            .with("tune", options.option(OnnxOptions.CUDA_TUNE) ? 1 : 0)
            .with("graphs", options.option(OnnxOptions.CUDA_GRAPHS) ? 1 : 0)
            .with("fp8_layers", fp8Layers(config, options))
            .with(
                "activation",
                switch (config.activation()) {
                  case GELU -> 0;
                  case GELU_TANH -> 1;
                  case RELU -> 2;
                  case SILU -> throw new IllegalArgumentException("no kernel for SiLU");
                })
            .with("epsilon", config.epsilon())
            .in(tokens, tiles, queries, rows)
            .in(weights.toArray(String[]::new))
            .out(2);
    return new Values(out[0], out[1]);
  }

  private static void tail(Projection projection, Layer layer, List<String> to) {
    linear(projection, layer.attentionOutput(), to);
    norm(projection, layer.requireAttentionNorm(), to);
    linear(projection, layer.intermediate(), to);
    linear(projection, layer.output(), to);
    norm(projection, layer.outputNorm(), to);
  }

  private static void linear(Projection projection, Linear linear, List<String> to) {
    to.add(projection.weight(linear.weight().name(), linear.weight()));
    to.add(projection.bias(linear));
  }

  private static void norm(Projection projection, Norm norm, List<String> to) {
    to.add(projection.weight(norm.scale().name(), norm.scale()));
    to.add(projection.weight(norm.shift().name(), norm.shift()));
  }
}
