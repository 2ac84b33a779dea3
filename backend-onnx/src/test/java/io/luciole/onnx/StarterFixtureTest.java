package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.EmbedOptions;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** The starter model against Python's onnxruntime and tokenizers (make_expected.py). */
class StarterFixtureTest {
  private static final Path FIXTURE = Path.of("../core/src/test/resources/starter/expected.jsonl");

  @Test
  void vectors_equalPythonsWhateverElseIsInTheBatch() throws IOException {
    List<JsonNode> expected = new ArrayList<>();
    for (String line : Files.readAllLines(FIXTURE)) {
      expected.add(new ObjectMapper().readTree(line));
    }
    assertThat(expected).hasSize(20);
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder(LucioleConfig.of(Map.of("luciole.model", "starter"))).open()) {
      List<CompletableFuture<Embedding>> found = new ArrayList<>();
      for (JsonNode text : expected) {
        boolean query = text.get("role").asText().equals("query");
        found.add(
            engine.embed(
                text.get("text").asText(), query ? EmbedOptions.query() : EmbedOptions.passage()));
      }
      for (int i = 0; i < found.size(); i++) {
        Embedding embedding = found.get(i).join();
        String id = expected.get(i).get("id").asText();
        assertThat(embedding.tokenCount())
            .as(id)
            .isEqualTo(expected.get(i).get("token_count").asInt());
        assertThat(cosine(embedding.dense(), expected.get(i).get("dense")))
            .as(id)
            .isGreaterThan(0.99999);
      }
    }
  }

  private static double cosine(float[] found, JsonNode expected) {
    assertThat(found).hasSize(expected.size());
    double dot = 0;
    double norms = 0;
    for (int i = 0; i < found.length; i++) {
      dot += found[i] * expected.get(i).asDouble();
      norms += expected.get(i).asDouble() * expected.get(i).asDouble();
    }
    return dot / Math.sqrt(norms);
  }
}
