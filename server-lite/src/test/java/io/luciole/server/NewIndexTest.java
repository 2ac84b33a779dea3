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
import java.io.IOException;
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
  void newIndex_hasTheTypesOfMetadataThatAreConfigured() throws IOException {
    LucioleConfig typed =
        LucioleConfig.of(Map.of("luciole.server.metadata", "day=date, author.born=LONG"));
    ServerConfig config = ServerConfig.of(typed).at("127.0.0.1", 0).index(folder.resolve("index"));
    try (Server server = Server.fake(new FakeBackend(), folder, c -> config)) {
      String document = "{\"text\":\"w1\",\"day\":\"2026-11-22\",\"author\":{\"born\":1815}}";
      assertThat(server.put("/v1/documents/a?commit=true", document).status()).isEqualTo(200);
      assertThat(server.put("/v1/documents/b", "{\"text\":\"w1\",\"day\":\"soon\"}").status())
          .isEqualTo(400);
      // Not a failure of the server's, which an alert is for.
      assertThat(server.get("/metrics").body())
          .contains("luciole_index_document_seconds_count{index=\"default\",outcome=\"refused\"} 1")
          .doesNotContain("_failed\"");
      assertThat(server.get("/v1/stats").json().at("/index/metadata").toString())
          .isEqualTo("{\"author.born\":\"long\",\"day\":\"date\"}");
      String filter =
          "{\"author\":{\"born\":{\"lt\":1900}},\"day\":{\"gte\":\"2026-11-22 00:00:00\"}}";
      assertThat(server.post("/v1/search", "{\"query\":\"w1\",\"filter\":" + filter + "}").body())
          .contains("\"id\":\"a\"");
    }
    for (String wrong : new String[] {"day", "day=time", "=long"}) {
      assertThatThrownBy(() -> LucioleConfig.of(Map.of("luciole.server.metadata", wrong)))
          .isInstanceOf(ConfigException.class)
          .hasMessageContaining("luciole.server.metadata");
    }
  }

  @Test
  void formThatIsNone_orThatTheModelDoesNotGive_isRefused() {
    assertThatThrownBy(() -> config("terms"))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("luciole.server.sparse-form")
        .hasMessageContaining("impacts, blocks or features");
    assertThatThrownBy(() -> Server.starter(c -> config("features")).close())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("gives dense, not sparse");
  }

  @Test
  void metadataOfANameThatDocumentsHaveAnyway_isRefused() {
    ServerConfig config =
        ServerConfig.of(Server.settings("luciole.server.metadata", "title=keyword"))
            .at("127.0.0.1", 0)
            .index(folder.resolve("titled"));
    assertThatThrownBy(() -> Server.starter(c -> config).close())
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("metadata.title")
        .hasMessageContaining("beside its metadata");
  }
}
