package io.luciole.djl;

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

/** The starter model's 8-bit weights, dequantised, in PyTorch. */
class StarterDjlTest {
  @Test
  void vectors_areThoseOfTheWeightsInDoublePrecision() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line :
        Files.readAllLines(Path.of("../core/src/test/resources/starter/expected.jsonl"))) {
      lines.add(new ObjectMapper().readTree(line));
    }
    assertThat(lines).hasSize(20);
    LucioleConfig config =
        LucioleConfig.of(Map.of("luciole.model", "starter", "luciole.backend", "djl"));
    try (EmbeddingEngine engine = EmbeddingEngine.builder(config).open()) {
      assertThat(engine.backend().precision()).isEqualTo("fp32");
      List<CompletableFuture<Embedding>> found = new ArrayList<>();
      for (JsonNode line : lines) {
        boolean query = line.path("role").asText().equals("query");
        found.add(
            engine.embed(
                line.path("text").asText(), query ? EmbedOptions.query() : EmbedOptions.passage()));
      }
      for (int i = 0; i < lines.size(); i++) {
        float[] vector = found.get(i).join().dense();
        JsonNode expected = lines.get(i).path("dense");
        assertThat(vector).hasSize(expected.size());
        double cosine = 0;
        for (int d = 0; d < vector.length; d++) {
          cosine += vector[d] * expected.path(d).asDouble();
        }
        assertThat(cosine).as(lines.get(i).path("id").asText()).isGreaterThan(0.99999);
      }
    }
  }
}
