package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendOutOfMemoryException;
import io.luciole.spi.BackendOutput;
import io.luciole.spi.Backends;
import io.luciole.spi.Device;
import io.luciole.spi.Precision;
import io.luciole.spi.TokenBatch;
import io.luciole.testkit.AssertingBackend;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A traced BERT compared with Transformers; see resources/tiny-bert/make_fixture.py. */
class TorchScriptTest {
  private static final Path FIXTURE = Path.of("src/test/resources/tiny-bert");

  @TempDir private Path folder;
  private final List<JsonNode> expected = new ArrayList<>();
  private final List<int[]> texts = new ArrayList<>();

  @BeforeEach
  void read() throws IOException {
    for (JsonNode text : new ObjectMapper().readTree(FIXTURE.resolve("expected.json").toFile())) {
      int[] ids = new int[text.get("ids").size()];
      Arrays.setAll(ids, i -> text.get("ids").get(i).asInt());
      expected.add(text);
      texts.add(ids);
    }
    Files.writeString(folder.resolve("tokenizer.json"), "{}");
    copy("config.json");
  }

  private void copy(String... names) throws IOException {
    for (String name : names) {
      Files.copy(FIXTURE.resolve(name), folder.resolve(name));
    }
  }

  private void zoo(String... more) throws IOException {
    copy("tiny-bert.pt");
    List<String> lines =
        new ArrayList<>(
            List.of(
                "engine=PyTorch",
                "option.modelName=tiny-bert",
                "option.mapLocation=true",
                "translatorFactory=ai.djl.huggingface.translator.TextEmbeddingTranslatorFactory",
                "includeTokenTypes=true",
                "padding=true"));
    lines.addAll(List.of(more));
    Files.write(folder.resolve("serving.properties"), lines);
  }

  private ModelFiles files() {
    return ModelSource.path(folder).resolve();
  }

  private AssertingBackend open(BackendConfig config) {
    return AssertingBackend.around(new DjlBackendProvider().open(files(), config));
  }

  private static void assertClose(
      String what, JsonNode expected, BackendOutput found, Output output, int from) {
    for (int d = 0; d < expected.size(); d++) {
      assertThat(found.get(output).get(from + d))
          .as("component %s of %s", d, what)
          .isCloseTo((float) expected.get(d).asDouble(), within(2e-5f));
    }
  }

  @ParameterizedTest
  @CsvSource({"pooling=cls, cls", "normalize=false, mean", "pooling=lasttoken, last"})
  void modelZooFolder_givesItsVectors(String line, String pooling) throws IOException {
    zoo(line);

    try (AssertingBackend backend = open(BackendConfig.on(Device.CPU));
        BackendOutput output = backend.run(TokenBatch.of(texts), Set.of(Output.DENSE))) {
      assertThat(backend.info().outputs()).containsExactly(Output.DENSE);
      assertThat(backend.info().maxTokens()).isEqualTo(40);
      assertThat(backend.info().pads()).isTrue();
      for (int i = 0; i < texts.size(); i++) {
        assertClose("text " + i, expected.get(i).get(pooling), output, Output.DENSE, i * 32);
      }
    }
  }

  @Test
  void fileWithHeadsBesideIt_givesAllOutputs() throws IOException {
    copy("tiny-bert.pt", "sparse_linear.pt", "colbert_linear.pt");
    TokenBatch batch = TokenBatch.of(texts);

    try (AssertingBackend backend = open(BackendConfig.on(Device.CPU));
        BackendOutput output = backend.run(batch, EnumSet.allOf(Output.class))) {
      assertThat(backend.info().colbertDimension()).isEqualTo(24);
      for (int i = 0; i < texts.size(); i++) {
        assertClose("text " + i, expected.get(i).get("cls"), output, Output.DENSE, i * 32);
        assertClose(
            "weights of " + i,
            expected.get(i).get("weights"),
            output,
            Output.SPARSE,
            batch.offset(i));
        assertClose(
            "last vector of " + i,
            expected.get(i).get("vector"),
            output,
            Output.COLBERT,
            (batch.offset(i + 1) - 1) * 24);
      }
    }
  }

  /** Too long a text is truncated, and an output without its file is not offered. */
  @Test
  void outputs_areThoseOfTheFilesThatAreThere() throws IOException {
    copy("tiny-bert.pt", "sparse_linear.pt");

    BackendConfig sparse =
        BackendConfig.on(Device.CPU).threads(1).outputs(EnumSet.of(Output.SPARSE));
    try (AssertingBackend backend = open(sparse)) {
      assertThat(backend.info().outputs()).containsExactly(Output.SPARSE);
    }
    assertThatThrownBy(() ->
            open(BackendConfig.on(Device.CPU).threads(1).outputs(EnumSet.of(Output.COLBERT)))
                .close())
        .isInstanceOf(LucioleException.class)
        .hasMessageContainingAll("COLBERT", "colbert_linear.pt");
  }

  @Test
  void memory_isGivenBack() throws IOException {
    zoo();

    try (DjlBackend backend =
        (DjlBackend) new DjlBackendProvider().open(files(), BackendConfig.on(Device.CPU))) {
      int held = backend.tensors();
      for (int i = 0; i < 50; i++) {
        backend.run(TokenBatch.of(texts.subList(0, 1 + i % 4)), Set.of(Output.DENSE)).close();
      }
      assertThat(backend.tensors()).isEqualTo(held);
    }
  }

  @Test
  void tooLittleMemory_isSaidBeforeARun() throws IOException {
    zoo();
    TokenBatch many = TokenBatch.of(Collections.nCopies(500, texts.get(3)));

    try (Backend backend =
        DjlBackendProvider.open(files(), BackendConfig.on(Device.CPU), FreeMemory.of(1 << 20))) {
      assertThatThrownBy(() -> backend.run(many, Set.of(Output.DENSE)))
          .isInstanceOf(BackendOutOfMemoryException.class);
      backend.run(TokenBatch.of(texts), Set.of(Output.DENSE)).close();
    }
  }

  @Test
  void anotherPrecision_isRefused() throws IOException {
    zoo();

    assertThatThrownBy(() -> open(BackendConfig.on(Device.CPU).precision(Precision.FP16)).close())
        .isInstanceOf(LucioleException.class)
        .hasMessageContainingAll("fp16", "tiny-bert.pt");
  }

  /** Not a model: a state dict, and this backend's own program, which has other inputs. */
  @Test
  void otherFiles_areRefusedWithWhatIsNeeded() throws IOException {
    zoo();
    Files.delete(folder.resolve("tiny-bert.pt"));
    Files.copy(FIXTURE.resolve("sparse_linear.pt"), folder.resolve("tiny-bert.pt"));
    assertThatThrownBy(() -> open(BackendConfig.on(Device.CPU)).close())
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("Expected a TorchScript file", "tiny-bert.pt");

    Files.delete(folder.resolve("tiny-bert.pt"));
    try (InputStream in =
        Objects.requireNonNull(TorchScriptTest.class.getResourceAsStream("encoder.pt"))) {
      Files.copy(in, folder.resolve("tiny-bert.pt"));
    }
    assertThatThrownBy(() -> open(BackendConfig.on(Device.CPU)).close())
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("Expected a TorchScript file that takes input_ids", "found");
  }

  @Test
  void onnx_refusesItAndNamesThisBackend() throws IOException {
    zoo();

    assertThatThrownBy(() ->
            Backends.find()
                .select(Optional.of("onnx"), Optional.empty())
                .open(files(), BackendConfig.on(Device.CPU))
                .close())
        .isInstanceOf(ModelException.class)
        .hasMessageContainingAll("tiny-bert.pt", "backend djl");
  }
}
