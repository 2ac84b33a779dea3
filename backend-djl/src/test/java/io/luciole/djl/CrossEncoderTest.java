package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.model.ModelSource;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The reranker of backend-onnx's tests on PyTorch. */
class CrossEncoderTest {
  private static final Path FIXTURE = Path.of("../backend-onnx/src/test/resources/reranker");

  @Test
  void scores_areTransformersScores(@TempDir Path folder) throws IOException {
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(FIXTURE.resolve(name), folder.resolve(name));
    }
    Files.copy(MiniM3.folder().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
    try (CrossEncoder reranker =
        CrossEncoder.open(
            EmbeddingEngine.builder().model(ModelSource.path(folder)).backend("djl"))) {
      for (String line : Files.readAllLines(FIXTURE.resolve("expected.jsonl"))) {
        JsonNode pair = new ObjectMapper().readTree(line);
        assertThat(
                reranker
                    .score(pair.path("query").asText(), pair.path("passage").asText())
                    .join()
                    .value())
            .isEqualTo((float) pair.path("score").asDouble(), within(1e-4f));
      }
    }
  }
}
