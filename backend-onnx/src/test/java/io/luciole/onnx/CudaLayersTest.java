package io.luciole.onnx;

import static java.util.Objects.requireNonNull;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.onnxruntime.OnnxJavaType;
import io.luciole.model.EncoderConfig;
import io.luciole.onnx.proto.Onnx.TensorProto.DataType;
import io.luciole.spi.BackendException;
import io.luciole.spi.Device;
import java.net.URL;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The operator's interface with ONNX Runtime, in a build of the library whose operator runs on the
 * CPU, checks what it is handed and gives the states back. What it computes needs a device: {@code
 * io.luciole.bench.Agreement}.
 */
class CudaLayersTest {
  private static final int HIDDEN = 64;
  private static final int TOKENS = 3;

  private static final EncoderConfig CONFIG =
      new EncoderConfig(HIDDEN, 1, 1, 128, 1e-5f, EncoderConfig.Activation.GELU, 100, 64, 2, 1);

  private @Nullable String before;

  @BeforeEach
  void useLibraryWithoutDevice() throws Exception {
    URL library = CudaLayersTest.class.getResource("/native/without-device/libluciole_cuda.so");
    assumeThat(library).as("no C compiler was there").isNotNull();
    before = System.getProperty(CudaLayers.PROPERTY);
    System.setProperty(CudaLayers.PROPERTY, Path.of(requireNonNull(library).toURI()).toString());
  }

  @AfterEach
  void restore() {
    if (before == null) {
      System.clearProperty(CudaLayers.PROPERTY);
    } else {
      System.setProperty(CudaLayers.PROPERTY, before);
    }
  }

  @Test
  void operator_getsWhatItExpects() {
    try (OrtModel model = model()) {
      ByteBuffer states = buffer(TOKENS * HIDDEN * 2);
      for (int i = 0; i < TOKENS * HIDDEN; i++) {
        states.putShort(2 * i, (short) i);
      }
      ByteBuffer out = run(model, states, CudaTiles.SMALL);
      for (int i = 0; i < TOKENS * HIDDEN; i++) {
        assertThat(out.getShort(2 * i)).isEqualTo((short) i);
      }
    }
  }

  @Test
  void operator_failingFailsTheRun() {
    try (OrtModel model = model()) {
      assertThatThrownBy(() -> run(model, buffer(TOKENS * HIDDEN * 2), 65))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("luciole::Layers");
    }
  }

  @Test
  void library_thatIsMissingIsSaid() {
    System.setProperty(CudaLayers.PROPERTY, "/no/such/library.so");
    assertThatThrownBy(CudaLayersTest::model)
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("/no/such/library.so");
  }

  @Test
  void library_ofTheJarIsRefusedWithoutCuda() {
    System.clearProperty(CudaLayers.PROPERTY);
    assertThat(CudaLayers.obstacle(CONFIG)).contains("64");
    assertThatThrownBy(CudaLayersTest::model)
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("Layers");
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder());
  }

  private static ByteBuffer run(OrtModel model, ByteBuffer states, int queries) {
    ByteBuffer tiles = buffer(CudaTiles.WIDTH * 4).putInt(4, TOKENS).putInt(12, TOKENS);
    ByteBuffer out = buffer(TOKENS * HIDDEN * 2);
    model.run(
        List.of(
            new Slot("states", OnnxJavaType.FLOAT16, states, TOKENS, HIDDEN),
            new Slot(EncoderGraph.TILES, OnnxJavaType.INT32, tiles, 1, CudaTiles.WIDTH),
            new Slot(EncoderGraph.SPANS, OnnxJavaType.INT32, buffer(TOKENS * 8), TOKENS, 2),
            new Slot(EncoderGraph.QUERIES, OnnxJavaType.INT64, buffer(8).putLong(0, queries), 1)),
        List.of(new Slot("out", OnnxJavaType.FLOAT16, out, TOKENS, HIDDEN)),
        "a test");
    return out;
  }

  private static OrtModel model() {
    GraphBuilder graph = new GraphBuilder();
    String states = graph.input("states", DataType.FLOAT16, -1, HIDDEN);
    String tiles = graph.input(EncoderGraph.TILES, DataType.INT32, -1, CudaTiles.WIDTH);
    String spans = graph.input(EncoderGraph.SPANS, DataType.INT32, -1, 2);
    String queries = graph.input(EncoderGraph.QUERIES, DataType.INT64, 1);
    List<String> weights = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      weights.add(graph.weight("weight" + i, DataType.FLOAT16, buffer(8), 4));
    }
    String y =
        CudaLayers.operator(graph, "Layers", CONFIG)
            .in(states, tiles, spans, queries)
            .in(weights.toArray(String[]::new))
            .out();
    graph.output("out", y, DataType.FLOAT16, -1, HIDDEN);
    return OrtRuntime.load()
        .compile(graph.build(), new Initializers(), Device.CPU, 1, Form.LOOP, true);
  }
}
