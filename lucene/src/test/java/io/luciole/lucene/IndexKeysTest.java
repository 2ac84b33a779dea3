package io.luciole.lucene;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class IndexKeysTest {
  private static WriteOptions options(Map<String, String> settings) {
    try (EmbeddingEngine engine = FakeModel.withAll().open()) {
      return IndexKeys.options(LucioleConfig.of(settings), engine);
    }
  }

  @Test
  void withoutSettings_theIndexIsTakenAsItIs() {
    assertThat(options(Map.of()).schema()).isEmpty();
    assertThat(options(Map.of()).commitEvery())
        .isEqualTo(WriteOptions.defaults().commitEvery())
        .isEqualTo(
            IndexKeys.COMMIT_EVERY.parse(IndexKeys.COMMIT_EVERY.defaultText()).orElseThrow());
  }

  @Test
  void settings_nameSchemaAndCommits() {
    WriteOptions options =
        options(
            Map.of(
                "luciole.index.metadata", "year=long, lang=keyword",
                "luciole.index.chunk-tokens", "64",
                "luciole.index.chunk-overlap", "8",
                "luciole.index.commit-every", "10s"));
    HybridSchema schema = options.schema().orElseThrow();
    assertThat(schema.metadata())
        .isEqualTo(Map.of("year", MetadataType.LONG, "lang", MetadataType.KEYWORD));
    assertThat(schema.chunks()).contains(new HybridSchema.Chunks(64, 8));
    assertThat(options.commitEvery()).isEqualTo(Duration.ofSeconds(10));
  }

  @Test
  void folder_isAPath() {
    assertThat(LucioleConfig.of(Map.of("luciole.index.folder", "a/b")).get(IndexKeys.FOLDER))
        .contains(Path.of("a/b"));
  }

  @Test
  void whatMakesNoSense_isRefused() {
    assertThatThrownBy(() -> options(Map.of("luciole.index.chunk-overlap", "8")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("luciole.index.chunk-tokens");
    assertThatThrownBy(() -> options(Map.of("luciole.index.metadata", "year")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("NAME=TYPE");
    assertThatThrownBy(() -> options(Map.of("luciole.index.commit-every", "0s")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("luciole.index.commit-every")
        .hasMessageContaining("above 0");
  }
}
