package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import io.luciole.model.ModelSource;
import io.luciole.model.WeightFormat;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model whose weights are in a format that one backend alone reads. */
class OwnFormatTest {
  private static final WeightFormat VECTORS = new WeightFormat("*.vec", "a table of vectors");

  @TempDir Path folder;

  /** Reads tables of vectors, and keeps the files that it was given. */
  private record Tables(FakeBackend fake, List<Path> opened) implements BackendProvider {
    @Override
    public String name() {
      return "tables";
    }

    @Override
    public List<WeightFormat> weightFormats() {
      return List.of(VECTORS);
    }

    @Override
    public Probe probe() {
      return fake.probe();
    }

    @Override
    public Backend open(ModelFiles files, BackendConfig config) {
      opened.addAll(files.ownWeights());
      return fake.open(files, config);
    }
  }

  @BeforeEach
  void writeModel() throws Exception {
    FakeModel.write(folder, 512);
    Files.move(folder.resolve("model.onnx"), folder.resolve("table.vec"));
  }

  private EmbeddingEngine open(BackendProvider provider) {
    return EmbeddingEngine.builder(LucioleConfig.of(Map.of()))
        .model(ModelSource.path(folder))
        .backend(provider)
        .open();
  }

  @Test
  void theBackendThatDeclaresTheFormat_getsTheFiles() throws Exception {
    List<Path> opened = new ArrayList<>();
    try (EmbeddingEngine engine = open(new Tables(new FakeBackend(), opened))) {
      assertThat(engine.embed("w1").join().tokenCount()).isEqualTo(3);
      ModelFiles files = ModelSource.path(folder).resolve(List.of(VECTORS));
      String before = files.fingerprint(4, "").toString();
      Files.writeString(folder.resolve("table.vec"), "another model");
      assertThat(files.fingerprint(4, "").toString())
          .as("the weights are part of the fingerprint")
          .isNotEqualTo(before);
    }
    assertThat(opened).containsExactly(folder.resolve("table.vec"));
  }

  @Test
  void withoutSuchFiles_theFormatsThereAreAreListed() throws Exception {
    assertThatThrownBy(() -> open(new FakeBackend()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("Expected model.safetensors,")
        .hasMessageContaining("found none");
    Files.delete(folder.resolve("table.vec"));
    assertThatThrownBy(() -> open(new Tables(new FakeBackend(), new ArrayList<>())))
        .hasMessageContaining("or *.vec (a table of vectors) in the model's folder");
  }
}
