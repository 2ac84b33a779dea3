package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.ConfigException;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.IndexException;
import io.luciole.lucene.SparseForm;
import io.luciole.testkit.FakeBackend;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The index that a server makes where there is none. */
class NewIndexTest {
  @TempDir Path folder;

  private ServerConfig config(String form) {
    return ServerConfig.of(
            LucioleConfig.of(
                Map.of(
                    "luciole.server.index",
                    folder.resolve("index").toString(),
                    "luciole.server.sparse-form",
                    form)))
        .at("127.0.0.1", 0);
  }

  private SparseForm form() {
    return IndexDescription.read(folder.resolve("index"))
        .schema()
        .sparse()
        .map(HybridSchema.Sparse::form)
        .orElseThrow();
  }

  @Test
  void newIndex_keepsSparseWeightsAsConfigured_andAnOldOneMustHaveThatForm() {
    try (Server server = Server.fake(new FakeBackend(), folder, c -> config("features"))) {
      assertThat(server.put("/v1/documents/d1", "{\"text\": \"glow\"}").status()).isLessThan(300);
    }
    assertThat(form()).isEqualTo(SparseForm.FEATURES);
    assertThatThrownBy(() -> Server.fake(new FakeBackend(), folder, c -> config("impacts")).close())
        .isInstanceOf(IndexException.class)
        .hasMessageContaining("has the schema");
  }

  @Test
  void formThatIsNone_orThatTheModelDoesNotGive_isRefused() {
    assertThatThrownBy(() -> config("terms"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("luciole.server.sparse-form")
        .hasMessageContaining("impacts or features");
    assertThatThrownBy(() -> Server.starter(c -> config("features")).close())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("gives no sparse weights");
  }
}
