package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDManager;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendException;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the contract does not test. */
class DjlBackendTest {
  private static final TokenBatch TEXTS =
      TokenBatch.of(List.of(new int[] {0, 100, 98, 228, 2}, new int[] {0, 2}));

  @TempDir private Path folder;

  private static Backend open(ModelSource source, BackendConfig config) {
    return new DjlBackendProvider().open(source.resolve(), config);
  }

  private static float[] dense(ModelSource source) {
    try (Backend backend = open(source, BackendConfig.on(Device.CPU));
        BackendOutput output = backend.run(TEXTS, Set.of(Output.DENSE))) {
      FloatBuffer values = output.get(Output.DENSE);
      float[] copy = new float[2 * 96];
      values.get(0, copy);
      return copy;
    }
  }

  private void copy(String... names) throws IOException {
    for (String name : names) {
      Files.copy(MiniM3.folder().resolve(name), folder.resolve(name));
    }
  }

  @Test
  void allFormatsOfACheckpoint_giveTheSame() throws IOException {
    copy("config.json", "tokenizer.json", "pytorch_model.bin", "sparse_linear.pt");

    assertThat(dense(ModelSource.path(folder)))
        .containsExactly(dense(MiniM3.source()), within(1e-6f));
  }

  /** A header that is one byte longer puts every tensor at an odd address. */
  @Test
  void tensorsAtOddAddresses_giveTheSame() throws IOException {
    copy("config.json", "tokenizer.json", "sparse_linear.pt");
    ByteBuffer file =
        ByteBuffer.wrap(Files.readAllBytes(MiniM3.folder().resolve("model.safetensors")))
            .order(ByteOrder.LITTLE_ENDIAN);
    int header = Math.toIntExact(file.getLong(0));
    ByteBuffer odd = ByteBuffer.allocate(file.capacity() + 1).order(ByteOrder.LITTLE_ENDIAN);
    odd.putLong(header + 1L).put(file.array(), 8, header).put((byte) ' ');
    odd.put(file.array(), 8 + header, file.capacity() - 8 - header);
    Files.write(folder.resolve("model.safetensors"), odd.array());

    assertThat(dense(ModelSource.path(folder)))
        .containsExactly(dense(MiniM3.source()), within(1e-6f));
  }

  @Test
  void modelWithoutHeads_givesWhatItHas() throws IOException {
    copy("config.json", "tokenizer.json", "model.safetensors", "colbert_linear.pt");

    try (Backend backend = open(ModelSource.path(folder), BackendConfig.on(Device.CPU))) {
      assertThat(backend.info().outputs()).containsExactlyInAnyOrder(Output.DENSE, Output.COLBERT);
    }
  }

  @Test
  void openForFewerOutputs_offersThose() {
    BackendConfig config = BackendConfig.on(Device.CPU).outputs(EnumSet.of(Output.SPARSE));

    try (Backend backend = open(MiniM3.source(), config);
        BackendOutput output = backend.run(TEXTS, EnumSet.of(Output.SPARSE))) {
      assertThat(backend.info().outputs()).containsExactly(Output.SPARSE);
      assertThat(output.get(Output.SPARSE).limit()).isEqualTo(TEXTS.tokens());
    }
  }

  @Test
  void onnxFileAlone_isRefusedWithWhatIsNeeded() {
    assertThatThrownBy(
            () -> {
              Files.writeString(folder.resolve("tokenizer.json"), "{}");
              Files.writeString(folder.resolve("model.onnx"), "");
              Files.writeString(folder.resolve("luciole.json"), "{\"maxTokens\": 8}");
              open(ModelSource.path(folder), BackendConfig.on(Device.CPU)).close();
            })
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("checkpoint");
  }

  /** Not in 8 bits: the checkpoint that is missing is named, and what is there. */
  @Test
  void onnxFileInFloats_isRefusedWithWhatIsNeeded() throws IOException {
    Path exports = Path.of("../core/src/test/resources/onnx");
    Files.copy(exports.resolve("fp32.onnx"), folder.resolve("model.onnx"));
    Files.copy(exports.resolve("config.json"), folder.resolve("config.json"));
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    Files.writeString(folder.resolve("luciole.json"), "{\"pooling\": \"cls\"}");

    assertThatThrownBy(() -> open(ModelSource.path(folder), BackendConfig.on(Device.CPU)).close())
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll(
            "Expected a checkpoint (model.safetensors",
            "8-bit .onnx",
            "model.onnx",
            "backend onnx");
  }

  @Test
  void weightsBeyondHalfPrecision_areRefusedInFp16() throws IOException {
    copy("config.json", "tokenizer.json", "sparse_linear.pt");
    byte[] weights = Files.readAllBytes(MiniM3.folder().resolve("model.safetensors"));
    ByteBuffer file = ByteBuffer.wrap(weights).order(ByteOrder.LITTLE_ENDIAN);
    file.putFloat(8 + Math.toIntExact(file.getLong(0)), 1e6f);
    Files.write(folder.resolve("model.safetensors"), weights);

    assertThatThrownBy(() ->
            open(ModelSource.path(folder), BackendConfig.on(Device.CPU).precision(Precision.FP16))
                .close())
        .isInstanceOf(LucioleException.class)
        .hasMessageContainingAll("half precision", "embeddings.LayerNorm.bias");
  }

  @Test
  void cuda_onACpuBuild_isRefusedWithWhatToInstall() {
    assertThatThrownBy(() -> open(MiniM3.source(), BackendConfig.on(Device.parse("cuda"))).close())
        .isInstanceOf(BackendException.class)
        .hasMessageContainingAll("cuda:0", "PYTORCH_FLAVOR=cu128");
  }

  /** The refusal is PyTorch's own: no machine has this much memory. */
  @Test
  void pyTorchsOutOfMemory_isReportedAsSuch() {
    try (PtNDManager manager = TorchRuntime.load().newManager(Device.CPU)) {
      assertThatThrownBy(() -> manager.zeros(new Shape(1L << 45)))
          .isInstanceOfSatisfying(
              EngineException.class,
              e ->
                  assertThat(TorchErrors.of("testing", e))
                      .isInstanceOf(BackendOutOfMemoryException.class)
                      .hasMessageContaining("testing"));
    }
    assertThat(TorchErrors.of("testing", new EngineException("expected a tensor\nof rank 2")))
        .isExactlyInstanceOf(BackendException.class)
        .hasMessageEndingWith("expected a tensor");
    assertThat(
            TorchErrors.of(
                "testing", new EngineException("CUDA out of memory. Tried to allocate 2.00 GiB")))
        .isInstanceOf(BackendOutOfMemoryException.class);
  }

  @Test
  void freeMemory_isKnownOnLinux_andAsksForNoMoreThanThereIs() {
    FreeMemory memory = FreeMemory.ofThisProcess();

    assertThatCode(() -> memory.require(1 << 20, "a small batch")).doesNotThrowAnyException();
    if (Files.exists(Path.of("/proc/meminfo"))) {
      assertThatThrownBy(() -> memory.require(1L << 50, "a large batch"))
          .isInstanceOf(BackendOutOfMemoryException.class)
          .hasMessageContainingAll("a large batch", "1073741824 MiB");
    }
  }

  @Test
  void engine_runsOnIt() {
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder().model(MiniM3.source()).backend("djl").open()) {
      assertThat(engine.embed("What is BGE M3?").join().dense()).hasSize(96);
      assertThat(engine.backend().version()).isEqualTo("PyTorch 2.7.1 (DJL 0.35.1)");
    }
  }
}
