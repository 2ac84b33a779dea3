package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import io.luciole.ConfigException;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Several models of a process, each by its name and its aliases. */
@Timeout(120)
class ModelsTest {
  private static final int BIG = 384;
  private static final int SMALL = FakeBackend.DIMENSION;

  @TempDir Path folder;

  private SequencedMap<String, EmbeddingEngine> two() {
    SequencedMap<String, EmbeddingEngine> engines = new LinkedHashMap<>();
    engines.put("Big", EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model("starter").open());
    engines.put("small", Server.fakeEngine(new FakeBackend(), folder));
    return engines;
  }

  private static ServerConfig.Models names(Map<String, String> aliases, boolean any) {
    return new ServerConfig.Models(new LinkedHashMap<>(), new LinkedHashMap<>(), aliases, any);
  }

  private static JsonNode embed(Server server, String path, String model) throws IOException {
    return server.post(path, "{\"input\":\"w1 w2\"" + model + "}").json();
  }

  @Test
  void requestsModel_choosesTheEngine() throws IOException {
    SequencedMap<String, EmbeddingEngine> engines = two();
    ServerConfig.Models names = names(Map.of("text-embedding-3-small", "SMALL"), false);
    try (Server server = Server.of(engines, c -> c.models(names))) {
      for (String path : List.of("/v1/embeddings", "/v1/m3/embeddings")) {
        String vector = path.contains("m3") ? "/data/0/dense" : "/data/0/embedding";
        assertThat(embed(server, path, "").at(vector).size()).isEqualTo(BIG);
        assertThat(embed(server, path, ",\"model\":\"big\"").at(vector).size()).isEqualTo(BIG);
        JsonNode small = embed(server, path, ",\"model\":\"small\"");
        float[] expected =
            engines.lastEntry().getValue().embed("w1 w2", EmbedOptions.passage()).join().dense();
        assertThat(small.at(vector).size()).isEqualTo(SMALL);
        assertThat(small.at(vector).get(0).floatValue()).isCloseTo(expected[0], within(1e-6f));
        assertThat(small.path("model").asText()).isEqualTo("small");
        assertThat(embed(server, path, ",\"model\":\"text-embedding-3-small\"").at(vector).size())
            .isEqualTo(SMALL);
      }
      JsonNode ranked =
          server
              .post(
                  "/v1/rerank",
                  "{\"model\":\"small\",\"query\":\"w1\",\"documents\":[\"w2\",\"w1\"]}")
              .json();
      assertThat(ranked.path("model").asText()).isEqualTo("small");
      assertThat(ranked.at("/results/0/index").asInt()).isEqualTo(1);
      assertThat(server.post("/embed", "{\"inputs\":\"w1\"}").json().get(0).size()).isEqualTo(BIG);
    }
  }

  @Test
  void unknownModel_isRefusedWithThoseThereAre_unlessAnyNameIsAccepted() throws IOException {
    try (Server server = Server.of(two(), c -> c)) {
      Server.Answer refused = server.post("/v1/embeddings", "{\"model\":\"gpt\",\"input\":\"w1\"}");
      assertThat(refused.status()).isEqualTo(404);
      assertThat(refused.json().at("/error/code").asText()).isEqualTo("model_not_found");
      assertThat(refused.json().at("/error/message").asText())
          .contains("\"gpt\"", "\"Big\", \"small\"");
    }
    try (Server server = Server.of(two(), c -> c.models(names(Map.of(), true)))) {
      JsonNode answer = embed(server, "/v1/embeddings", ",\"model\":\"default/not-specified\"");
      assertThat(answer.path("model").asText()).isEqualTo("Big");
    }
  }

  @Test
  void lists_metersAndReadiness_coverAllModels() throws IOException {
    SequencedMap<String, EmbeddingEngine> engines = two();
    try (Server server = Server.of(engines, c -> c)) {
      JsonNode models = server.get("/v1/models").json().path("data");
      assertThat(models.findValuesAsText("id")).containsExactly("Big", "small");
      assertThat(server.get("/v1/models/small").json().path("dimensions").asInt()).isEqualTo(SMALL);
      embed(server, "/v1/embeddings", ",\"model\":\"small\"");
      assertThat(server.get("/metrics").body())
          .contains("luciole_texts_embedded_total{model=\"small\"} 1.0")
          .contains("luciole_texts_embedded_total{model=\"Big\"} 0.0");
      JsonNode stats = server.get("/v1/stats").json();
      assertThat(stats.at("/model/name").asText()).isEqualTo("Big");
      assertThat(stats.at("/models/1/model/name").asText()).isEqualTo("small");
      assertThat(stats.at("/models/1/engine/embedded").asInt()).isEqualTo(1);
      assertThat(server.get("/health/ready").status()).isEqualTo(200);
      engines.lastEntry().getValue().close();
      Server.Answer unready = server.get("/health/ready");
      assertThat(unready.status()).isEqualTo(503);
      assertThat(unready.json().path("reason").asText()).contains("small", "CLOSED");
    }
  }

  @Test
  void namesThatClash_andAliasesOfNothing_areRefusedAtTheStart() throws IOException {
    SequencedMap<String, EmbeddingEngine> engines = two();
    try {
      assertThatThrownBy(() -> start(engines, Map.of("tiny", "mini")))
          .isInstanceOf(ConfigException.class)
          .hasMessageContainingAll("luciole.server.aliases", "\"tiny\"", "\"mini\"", "\"Big\"");
      assertThatThrownBy(() -> start(engines, Map.of("BIG", "small")))
          .isInstanceOf(ConfigException.class)
          .hasMessageContainingAll("\"BIG\"");
    } finally {
      engines.values().forEach(EmbeddingEngine::close);
    }
  }

  private static void start(
      SequencedMap<String, EmbeddingEngine> engines, Map<String, String> aliases) {
    LucioleServer.start(Server.config().models(names(aliases, false)), engines).close();
  }

  @Test
  void settings_nameModelsInTheirOrder() {
    ServerConfig config =
        ServerConfig.of(
            LucioleConfig.of(
                Map.of(
                    "luciole.server.models", "m3=BAAI/bge-m3, small = starter",
                    "luciole.server.aliases", "gte=small",
                    "luciole.server.any-model", "true")));
    assertThat(config.models().sources())
        .containsExactly(Map.entry("m3", "BAAI/bge-m3"), Map.entry("small", "starter"));
    assertThat(config.models().aliases()).containsExactly(Map.entry("gte", "small"));
    assertThat(config.models().anyName()).isTrue();
    assertThatThrownBy(
            () -> ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.models", "a=b,a=c"))))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("\"a\" twice");
    assertThatThrownBy(
            () -> ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.models", "starter"))))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("\"=\" between them");
  }
}
