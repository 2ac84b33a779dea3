package io.luciole.onnx;

import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.EncoderWeights.Layer;
import io.luciole.model.EncoderWeights.Linear;
import io.luciole.model.EncoderWeights.Norm;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.BackendException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The operator of this project's library {@code libluciole_cuda.so} (src/main/cuda), {@code
 * luciole::Layers}, all layers of an encoder in one operator: cuBLASLt's matrix products with bias,
 * GELU and residual in their epilogues, and an attention that reads their output in place; small
 * batches as CUDA graphs. ONNX Runtime's own operators pass over memory four times more a layer,
 * and start a kernel at a time.
 *
 * <pre>
 * states   float16 [T, H]   of the embeddings
 * tiles    int32   [n, 4]   see {@link CudaTiles}
 * spans    int32   [T, 2]   where a token's text starts, and where it ends
 * queries  int64   [1]      how many tokens a tile may have, 64 or 128; on the CPU
 * weights  float16          of every layer in turn: query, key and value [3H, H], [3H]; output
 *                           [H, H], [H]; norm [H], [H]; intermediate [F, H], [F]; output [H, F],
 *                           [H]; norm [H], [H]
 * </pre>
 *
 * <p>GELU is cuBLASLt's, by tanh: within 5e-4 of the exact one, which batches of up to 32 tokens
 * have on Hopper.
 */
final class CudaLayers {
  private static final String RESOURCE = "/native/linux-x86_64/libluciole_cuda.so";

  /** The system property that names the library instead of the one in the jar. */
  static final String PROPERTY = "luciole.cuda.library";

  /** The system property that, false, takes cuBLASLt's first proposal instead of trying them. */
  static final String TUNE = "luciole.cuda.tune";

  /** The system property that, false, starts the kernels of small batches one at a time. */
  static final String GRAPHS = "luciole.cuda.graphs";

  private static final int HEAD = 64;

  /** The kernel of layer normalisation holds so many components. */
  private static final int STEP = 256;

  private static final int WIDEST = 4 * STEP;

  private static @Nullable String extracted; // guarded by the class

  private CudaLayers() {}

  /** What keeps the operators from being used for an encoder, or null if nothing does. */
  static @Nullable String obstacle(EncoderConfig config) {
    String platform = System.getProperty("os.name") + "-" + System.getProperty("os.arch");
    if (System.getProperty(PROPERTY) == null) {
      if (!platform.toLowerCase(Locale.ROOT).equals("linux-amd64")) {
        return "they are for Linux x86-64, this is " + platform;
      }
      if (CudaLayers.class.getResource(RESOURCE) == null) {
        return "this build of luciole-backend-onnx has no "
            + RESOURCE
            + "; a build on Linux with a C compiler has it";
      }
    }
    if (config.headSize() != HEAD
        || config.hidden() % STEP != 0
        || config.hidden() > WIDEST
        || config.feedForward() % 8 != 0) {
      return "they are for heads of "
          + HEAD
          + " components and states of a multiple of "
          + STEP
          + " up to "
          + WIDEST
          + ", and this model has "
          + config.headSize()
          + " and "
          + config.hidden();
    }
    return null;
  }

  /**
   * The library's file; at the first call it is written to the folder for temporary files, from
   * which it is deleted when the JVM ends.
   *
   * @throws BackendException if it cannot be written
   */
  static synchronized String library() {
    String named = System.getProperty(PROPERTY);
    if (named != null) {
      return named;
    }
    if (extracted == null) {
      try (InputStream in = CudaLayers.class.getResourceAsStream(RESOURCE)) {
        if (in == null) {
          throw new BackendException(
              "This build of luciole-backend-onnx has no "
                  + RESOURCE
                  + "; build it on Linux with a C compiler, or set -Dluciole.onnx.form=packed.");
        }
        Path file = Files.createTempFile("luciole_cuda", ".so");
        file.toFile().deleteOnExit();
        Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
        extracted = file.toString();
      } catch (IOException | UncheckedIOException e) {
        throw new BackendException(
            "Cannot write luciole's CUDA library to the folder for temporary files, "
                + System.getProperty("java.io.tmpdir")
                + ": "
                + e
                + ". Free some space, or name another folder with -Djava.io.tmpdir.",
            e);
      }
    }
    return extracted;
  }

  /** Adds the layers; the states behind the last. */
  static String add(
      GraphBuilder graph,
      Projection projection,
      String states,
      EncoderConfig config,
      EncoderWeights weights) {
    String tiles = graph.input(EncoderGraph.TILES, DataType.INT32, -1, CudaTiles.WIDTH);
    String spans = graph.input(EncoderGraph.SPANS, DataType.INT32, -1, 2);
    String queries = graph.input(EncoderGraph.QUERIES, DataType.INT64, 1);
    List<String> all = new ArrayList<>();
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
    GraphBuilder.Op layers = operator(graph, "Layers", config);
    return layers.in(states, tiles, spans, queries).in(all.toArray(String[]::new)).out();
  }

  /** An operator of the library with the attributes that all of them have. */
  static GraphBuilder.Op operator(GraphBuilder graph, String type, EncoderConfig config) {
    return graph
        .luciole(type)
        .with("heads", config.heads())
        .with("inner", config.feedForward())
        .with("tune", Boolean.parseBoolean(System.getProperty(TUNE, "true")) ? 1 : 0)
        .with("graphs", Boolean.parseBoolean(System.getProperty(GRAPHS, "true")) ? 1 : 0)
        .with(
            "activation",
            switch (config.activation()) {
              case GELU -> 0;
              case GELU_TANH -> 1;
              case RELU -> 2;
            })
        .with("epsilon", config.epsilon());
  }

  private static void tail(Projection projection, Layer layer, List<String> to) {
    linear(projection, layer.attentionOutput(), to);
    norm(projection, layer.attentionNorm(), to);
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
