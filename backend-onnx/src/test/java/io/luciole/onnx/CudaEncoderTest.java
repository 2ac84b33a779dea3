package io.luciole.onnx;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.Output;
import io.luciole.model.EncoderConfig;
import io.luciole.model.EncoderWeights;
import io.luciole.model.ModelSource;
import io.luciole.model.Pooling;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The operator's interface with ONNX Runtime, in a build of the library whose operator runs on the
 * CPU, checks what it is handed and writes what it was handed. What it computes needs a device:
 * {@link CudaKernelsTest} and {@code io.luciole.bench.Agreement}.
 */
class CudaEncoderTest {
  private static final int HIDDEN = 64;
  private static final int TOKENS = 3;
  private static final int TEXTS = 2;

  private static final EncoderConfig CONFIG =
      new EncoderConfig(HIDDEN, 1, 1, 128, 1e-5f, EncoderConfig.Activation.GELU, 100, 64, 2, 1);

  /** Two texts, one with padding's id, 1, inside. */
  private static final TokenBatch PADDED =
      TokenBatch.of(List.of(new int[] {5, 7}, new int[] {8, 1, 9, 2}));

  private BackendConfig options = BackendConfig.on(Device.CPU);

  @BeforeEach
  void useLibraryWithoutDevice() throws Exception {
    URL library = CudaEncoderTest.class.getResource("/native/without-device/libluciole_cuda.so");
    assumeThat(library).as("not built: -Dcuda.skip, or not Linux x86-64").isNotNull();
    options =
        options.option(
            OnnxOptions.CUDA_LIBRARY, Path.of(requireNonNull(library).toURI()).toString());
  }

  @Test
  void operator_getsWhatItExpects() {
    try (OrtModel model = model(true)) {
      ByteBuffer states = buffer(TOKENS * HIDDEN * 2);
      ByteBuffer vectors = buffer((TEXTS * HIDDEN + TOKENS) * 4);
      run(model, states, vectors, CudaTiles.SMALL);
      for (int i = 0; i < TOKENS * HIDDEN; i++) {
        assertThat(states.getShort(2 * i)).isEqualTo((short) (10 + i / HIDDEN));
      }
      for (int i = 0; i < TEXTS * HIDDEN; i++) {
        assertThat(vectors.getFloat(4 * i)).isEqualTo(i < HIDDEN ? 0 : 2);
      }
      assertThat(vectors.getFloat(4 * TEXTS * HIDDEN)).isEqualTo(202);
      assertThat(vectors.getFloat(4 * (TEXTS * HIDDEN + 1))).isEqualTo(302);
      assertThat(vectors.getFloat(4 * (TEXTS * HIDDEN + 2))).isEqualTo(203);
    }
  }

  @Test
  void operator_needNotPool() {
    try (OrtModel model = model(false)) {
      ByteBuffer vectors = buffer(TOKENS * 4);
      run(model, buffer(TOKENS * HIDDEN * 2), vectors, CudaTiles.LARGE);
      assertThat(vectors.getFloat(0)).isEqualTo(202);
      assertThat(vectors.getFloat(8)).isEqualTo(203);
    }
  }

  @Test
  void operator_failingFailsTheRun() {
    try (OrtModel model = model(false)) {
      assertThatThrownBy(() -> run(model, buffer(TOKENS * HIDDEN * 2), buffer(TOKENS * 4), 65))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("luciole::Encoder");
    }
  }

  @Test
  void operator_withInputsOfNoLayers_saysWhoRefusesThem() {
    try (OrtModel model = model(false, 5 + 12 + 1)) {
      assertThatThrownBy(
              () -> run(model, buffer(TOKENS * HIDDEN * 2), buffer(TOKENS * 4), CudaTiles.SMALL))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("luciole::Encoder: 22 inputs are not those of 1 to 128 layers");
    }
  }

  /** The graph of a checkpoint around the operator, and how batches are laid out for it. */
  @Test
  void graph_ofACheckpoint_handsOverBatches() {
    try (EncoderWeights weights =
        EncoderWeights.open(ModelSource.path(TestModels.MINI_M3).resolve())) {
      int hidden = weights.config().hidden();
      ByteBuffer vectors = buffer((TEXTS * hidden + PADDED.tokens()) * 4);
      run(
          weights,
          EnumSet.of(Output.DENSE, Output.SPARSE),
          Pooling.LAST,
          new TensorBinding("vectors", OnnxJavaType.FLOAT, vectors, vectors.capacity() / 4));
      assertThat(vectors.getFloat(0)).as("row of the first text's last token").isEqualTo(1);
      assertThat(vectors.getFloat(4 * hidden)).as("and of the second's").isEqualTo(5);
      float[] weighed = new float[PADDED.tokens()];
      vectors.asFloatBuffer().get(TEXTS * hidden, weighed);
      assertThat(weighed)
          .as("positions by 100, and where the text ends; padding inside has a position of its own")
          .containsExactly(202, 302, 206, 106, 306, 406);
    }
  }

  @Test
  void graph_poolingTheMean_hasTheStates() {
    try (EncoderWeights weights =
        EncoderWeights.open(ModelSource.path(TestModels.MINI_M3).resolve())) {
      int hidden = weights.config().hidden();
      ByteBuffer dense = buffer(TEXTS * hidden * 4);
      run(
          weights,
          EnumSet.of(Output.DENSE),
          Pooling.MEAN,
          new TensorBinding("dense", OnnxJavaType.FLOAT, dense, TEXTS, hidden));
      float bit = Float.float16ToFloat((short) 1);
      assertThat(dense.getFloat(0) / bit).isEqualTo(6); // (5 + 7) / 2
      assertThat(dense.getFloat(4 * hidden) / bit).isEqualTo(5); // (8 + 1 + 9 + 2) / 4
    }
  }

  private void run(
      EncoderWeights weights, Set<Output> outputs, Pooling pooling, TensorBinding... out) {
    EncoderGraph graph =
        new EncoderGraph(
            weights.config(),
            weights,
            outputs,
            pooling,
            AttentionLayout.FUSED,
            Precision.FP16,
            Set.of(),
            1,
            options);
    BufferPool pool = new BufferPool();
    List<TensorBinding> in = new ArrayList<>();
    try (OrtModel model =
        OrtRuntime.load()
            .compile(
                graph.build(),
                graph.initializers(),
                Device.CPU,
                1,
                AttentionLayout.FUSED,
                CudaEncoder.library(options))) {
      EncoderInputs inputs =
          new EncoderInputs(PADDED, AttentionLayout.FUSED, weights.config(), pooling, pool, in);
      model.inputNames().forEach(inputs::add);
      model.run(in, List.of(out), PADDED);
    }
  }

  @Test
  void library_thatIsMissingIsSaid() {
    options = options.option(OnnxOptions.CUDA_LIBRARY, "/no/such/library.so");
    assertThatThrownBy(this::model)
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("/no/such/library.so");
  }

  @Test
  void library_ofTheJarIsRefusedWithoutCuda() {
    options = BackendConfig.on(Device.CPU);
    assertThat(CudaEncoder.obstacle(CONFIG, options)).contains("64");
    assertThatThrownBy(this::model)
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("Encoder");
  }

  @Test
  void obstacle_namesTheSizesThatHaveKernels() {
    assertThat(CudaEncoder.obstacle(sized(1024, 16, 4096), options)).isNull();
    assertThat(CudaEncoder.obstacle(sized(384, 12, 1536), options)).as("bge-small's").isNull();
    assertThat(CudaEncoder.obstacle(sized(768, 16, 3072), options))
        .isEqualTo(
            "they are for heads of 32 or 64 components, states of 256 or 384 or 512 or 768 or 1024,"
                + " and a feed-forward layer of a multiple of 8, and this model has 48, 768 and"
                + " 3072");
    assertThat(CudaEncoder.obstacle(sized(640, 10, 2560), options)).contains("640");
    assertThat(CudaEncoder.obstacle(sized(384, 12, 1001), options)).contains("1001");
  }

  private static EncoderConfig sized(int hidden, int heads, int inner) {
    return new EncoderConfig(
        hidden, heads, 1, inner, 1e-5f, EncoderConfig.Activation.GELU, 100, 64, 2, 1);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static void run(OrtModel model, ByteBuffer states, ByteBuffer vectors, int queries) {
    boolean pools = model.inputNames().contains(EncoderGraph.ROWS);
    ByteBuffer tokens = buffer(TOKENS * 16);
    for (int value : new int[] {10, 2, 0, 2, 11, 3, 0, 2, 12, 2, 2, 3}) {
      tokens.putInt(value);
    }
    ByteBuffer tiles = buffer(CudaTiles.WIDTH * 4).putInt(4, TOKENS).putInt(12, TOKENS);
    List<TensorBinding> in = new ArrayList<>();
    in.add(new TensorBinding(EncoderGraph.TOKENS, OnnxJavaType.INT32, tokens.rewind(), TOKENS, 4));
    in.add(new TensorBinding(EncoderGraph.TILES, OnnxJavaType.INT32, tiles, 1, CudaTiles.WIDTH));
    in.add(
        new TensorBinding(
            EncoderGraph.QUERIES, OnnxJavaType.INT64, buffer(8).putLong(0, queries), 1));
    if (pools) {
      ByteBuffer rows = buffer(16).putLong(8, 2);
      in.add(new TensorBinding(EncoderGraph.ROWS, OnnxJavaType.INT64, rows, TEXTS));
    }
    model.run(
        in,
        List.of(
            new TensorBinding("states", OnnxJavaType.FLOAT16, states, TOKENS, HIDDEN),
            new TensorBinding(
                EncoderGraph.VECTORS,
                OnnxJavaType.FLOAT,
                vectors,
                (pools ? TEXTS * HIDDEN : 0) + TOKENS)),
        "a test");
  }

  private OrtModel model() {
    return model(true);
  }

  private OrtModel model(boolean pools) {
    return model(pools, 5 + 12 + 2);
  }

  private OrtModel model(boolean pools, int weightCount) {
    GraphBuilder graph = new GraphBuilder();
    List<String> weights = new ArrayList<>();
    for (int i = 0; i < weightCount; i++) {
      weights.add(graph.weight("weight" + i, DataType.FLOAT16, buffer(HIDDEN * 2), HIDDEN));
    }
    CudaEncoder.Values values = CudaEncoder.add(graph, CONFIG, options, weights, pools, true);
    graph.output("states", values.states(), DataType.FLOAT16, -1, HIDDEN);
    graph.output(EncoderGraph.VECTORS, values.vectors(), DataType.FLOAT, -1);
    return OrtRuntime.load()
        .compile(
            graph.build(),
            new Initializers(),
            Device.CPU,
            1,
            AttentionLayout.LOOP,
            CudaEncoder.library(options));
  }
}
