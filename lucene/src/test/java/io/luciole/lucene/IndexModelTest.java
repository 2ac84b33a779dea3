package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IndexModelTest {
  private static final LucioleConfig NOTHING_SET = LucioleConfig.of(Map.of());

  @TempDir Path folder;

  private Path index(Path model) {
    Path index = folder.resolve("index");
    try (EmbeddingEngine engine = FakeModel.withAll().open(model);
        HybridIndexer indexer = HybridIndexer.open(index, engine)) {
      indexer.put(SourceDocument.of("a", "", "Fireflies glow.")).join();
      indexer.commit();
    }
    return index;
  }

  /** The model as a folder; its name is what the index remembers. */
  private Path modelNamed(String name) throws IOException {
    Path copy = Files.createDirectory(folder.resolve(name));
    try (var files = Files.list(FakeModel.MINI_M3)) {
      for (Path file : files.toList()) {
        Files.copy(file, copy.resolve(file.getFileName()));
      }
    }
    return copy;
  }

  @Test
  void choose_noIndex_isTheConfiguredModel() throws IOException {
    assertThat(IndexModel.choose(folder.resolve("none"), NOTHING_SET, "")).isEmpty();
    assertThat(IndexModel.choose(Files.createDirectory(folder.resolve("e")), NOTHING_SET, ""))
        .isEmpty();
  }

  @Test
  void choose_modelIsHere_isTheIndexsOwn_whateverIsConfigured() throws IOException {
    Path index = index(modelNamed("starter"));
    LucioleConfig other = LucioleConfig.of(Map.of("luciole.model", "BAAI/bge-m3"));
    assertThat(IndexModel.choose(index, NOTHING_SET, "")).hasValue("starter");
    assertThat(IndexModel.choose(index, other, "")).hasValue("starter");
  }

  @Test
  void choose_modelIsNotHere_isTheConfiguredOne_orSaysWhatToDo() throws IOException {
    Path index = index(modelNamed("gone"));
    assertThatThrownBy(() -> IndexModel.choose(index, NOTHING_SET, "say where it is"))
        .isInstanceOf(IndexException.class)
        .hasMessage(
            "The index "
                + index
                + " was made with the model gone, which cannot be found by that name; say where it"
                + " is");
    LucioleConfig other = LucioleConfig.of(Map.of("luciole.model", "starter"));
    assertThat(IndexModel.choose(index, other, "")).isEmpty();
  }
}
