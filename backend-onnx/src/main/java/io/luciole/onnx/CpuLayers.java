package io.luciole.onnx;

import static java.util.Objects.requireNonNull;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.checkpoint.Tensor;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.Precision;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The operators of this project's library {@code libluciole_cpu.so} (src/main/cpu), {@code
 * luciole.cpu::Layers} and {@code FloatLayers}: all layers of an encoder over unpadded texts, on
 * x86-64 processors with AVX-512 and VNNI. Linear layers multiply bytes as in {@link
 * Int8Projection}, bf16 or floats; attention multiplies floats with floats, otherwise bf16, and
 * adds up floats. What lies between two products is computed where their rows are in the cache,
 * which ONNX Runtime's operators, each over the whole batch, cannot.
 *
 * <pre>
 * states   float  [T, H]   of the embeddings, normalised
 * starts   int64  [B+1]    where each text starts, and T
 * rows     int64  [B]      where only those rows' states are asked for; left out otherwise
 * of Layers, in int8 and bf16
 * header   uint8           int32 O, and the O outlier channels as int32
 * layers   uint8           of each layer in turn: {@link CpuWeights}
 * of FloatLayers, which packs them at its first run, so that they may lie in a mapped file
 * weights  float           of each layer in turn: {@link #floats}
 *
 * out      float  [T, H], or [B, H] with rows
 * </pre>
 *
 * <p>A text's states depend on the text alone, to the last bit.
 */
final class CpuLayers {
  /** The vector width in components of a state and of a head. */
  private static final int LANES = 16;

  private static final int LARGEST_HEAD = 64;

  /** The precisions that they compute in, with the size of a weight. */
  private static final Map<Precision, Integer> SIZES =
      Map.of(Precision.INT8, 1, Precision.BF16, 2, Precision.FP32, 4);

  private CpuLayers() {}

  /** What keeps the operator from being used for an encoder, or null if nothing does. */
  static @Nullable String obstacle(EncoderConfig config, Precision precision, Processor processor) {
    if (!SIZES.containsKey(precision)) {
      return "they compute in fp32, bf16 and int8, not in " + precision.id();
    }
    String ofLibrary = OperatorLibrary.CPU.obstacle();
    if (ofLibrary != null) {
      return ofLibrary;
    }
    if (!processor.multipliesBytes()) {
      return "they are for processors with AVX-512 and VNNI, and this one ("
          + processor.model()
          + ") has not both";
    }
    String ofLayers = OperatorLibrary.obstacleOfLayers(config);
    if (ofLayers != null) {
      return ofLayers;
    }
    if (config.hidden() % LANES != 0
        || config.feedForward() % LANES != 0
        || config.headSize() % LANES != 0
        || config.headSize() > LARGEST_HEAD) {
      return "they are for states and heads of a multiple of "
          + LANES
          + " components, heads of up to "
          + LARGEST_HEAD
          + ", and this model has "
          + config.hidden()
          + ", "
          + config.feedForward()
          + " and "
          + config.headSize();
    }
    return null;
  }

  /**
   * Adds the operator.
   *
   * @param states of the embeddings
   * @param rows the input that names the rows to be computed, or none for all
   * @param precision fp32, bf16 or int8
   * @param threads those of the session
   * @return the states after all layers
   */
  static String add(
      GraphBuilder graph,
      Initializers initializers,
      EncoderConfig config,
      EncoderWeights weights,
      Set<Integer> outliers,
      Precision precision,
      int threads,
      String states,
      String rows) {
    int size = requireNonNull(SIZES.get(precision));
    List<String> inputs = new ArrayList<>();
    inputs.add(states);
    inputs.add(graph.input(EncoderGraph.STARTS, DataType.INT64, -1));
    inputs.add(rows);
    if (precision == Precision.FP32) {
      for (int i = 0; i < config.layers(); i++) {
        floats(graph, initializers, "layer_" + i, weights.layer(i), inputs);
      }
    } else {
      int[] channels =
          size == 1 ? outliers.stream().mapToInt(o -> o).sorted().toArray() : new int[0];
      inputs.add(header(graph, channels));
      CpuWeights packer = new CpuWeights(config, size == 1, channels);
      for (int i = 0; i < config.layers(); i++) {
        ByteBuffer packed = packer.of(weights.layer(i));
        inputs.add(
            initializers.put(graph, "layer_" + i, DataType.UINT8, packed, packed.remaining()));
      }
    }
    return graph
        .lucioleOnCpu(precision == Precision.FP32 ? "FloatLayers" : "Layers")
        .with("heads", config.heads())
        .with("hidden", config.hidden())
        .with("inner", config.feedForward())
        .with("threads", threads)
        .with("size", size)
        .with(
            "activation",
            switch (config.activation()) {
              case GELU -> 0;
              case GELU_TANH -> 1;
              case RELU -> 2;
              case SILU -> throw new IllegalArgumentException("no kernel for SiLU");
            })
        .with("epsilon", config.epsilon())
        .with("shift", Int8Projection.shift(config.activation()))
        .in(inputs.toArray(String[]::new))
        .out();
  }

  /**
   * Adds a layer's weights in the order in which FloatLayers takes them. The keys' bias is left
   * out: it adds the same to all scores of a query, which softmax takes away again.
   */
  private static void floats(
      GraphBuilder graph,
      Initializers initializers,
      String name,
      EncoderWeights.Layer layer,
      List<String> inputs) {
    EncoderWeights.Norm norm = layer.requireAttentionNorm();
    List<Tensor> tensors =
        List.of(
            layer.query().weight(),
            layer.query().bias(),
            layer.key().weight(),
            layer.value().weight(),
            layer.value().bias(),
            layer.attentionOutput().weight(),
            layer.attentionOutput().bias(),
            norm.scale(),
            norm.shift(),
            layer.intermediate().weight(),
            layer.intermediate().bias(),
            layer.output().weight(),
            layer.output().bias(),
            layer.outputNorm().scale(),
            layer.outputNorm().shift());
    for (int i = 0; i < tensors.size(); i++) {
      inputs.add(initializers.floats(graph, name + "_" + i, tensors.get(i)));
    }
  }

  private static String header(GraphBuilder graph, int[] channels) {
    ByteBuffer header = Initializers.allocate(4L * (1 + channels.length));
    header.putInt(channels.length);
    for (int channel : channels) {
      header.putInt(channel);
    }
    int size = header.capacity();
    return graph.weight("layers_header", DataType.UINT8, header.flip(), size);
  }
}
