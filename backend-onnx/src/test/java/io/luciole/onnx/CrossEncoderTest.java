package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.PairScore;
import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Collectors;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A reranker of BGE's kind against Transformers' scores (src/test/python/make_reranker.py). */
class CrossEncoderTest {
  private static final Path FIXTURE = Path.of("src/test/resources/reranker");

  @TempDir Path folder;

  @BeforeEach
  void model() throws IOException {
    TestModels.copy(FIXTURE, folder, "config.json", "model.safetensors");
    Files.copy(MiniM3.folder().resolve("tokenizer.json"), folder.resolve("tokenizer.json"));
  }

  private CrossEncoder open() {
    return CrossEncoder.open(
        EmbeddingEngine.builder().model(ModelSource.path(folder)).backend("onnx").device("cpu"));
  }

  private static List<JsonNode> expected() throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(FIXTURE.resolve("expected.jsonl"))) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }

  @Test
  void scores_areTransformersScores_aloneAndTogether() throws IOException {
    List<JsonNode> expected = expected();
    try (CrossEncoder reranker = open()) {
      assertThat(reranker.maxTokens()).isEqualTo(64);
      List<CompletableFuture<PairScore>> together =
          expected.stream()
              .map(e -> reranker.score(e.path("query").asText(), e.path("passage").asText()))
              .toList();
      for (int i = 0; i < expected.size(); i++) {
        JsonNode pair = expected.get(i);
        float score = (float) pair.path("score").asDouble();
        assertThat(together.get(i).join().value()).as("pair %d", i).isEqualTo(score, within(1e-4f));
        assertThat(
                reranker.scoreAll(
                    pair.path("query").asText(), List.of(pair.path("passage").asText())))
            .singleElement()
            .satisfies(alone -> assertThat(alone.value()).isEqualTo(score, within(1e-4f)));
      }
    }
  }

  @Test
  void scoreAll_keepsTheOrderOfThePassages() throws IOException {
    List<String> passages =
        expected().stream().map(e -> e.path("passage").asText()).collect(Collectors.toList());
    try (CrossEncoder reranker = open()) {
      List<PairScore> scores = reranker.scoreAll("Which insects glow?", passages);

      assertThat(scores).hasSameSizeAs(passages);
      assertThat(scores.get(0).value()).isEqualTo(-0.119063f, within(1e-4f));
      assertThat(scores.get(1).value()).isEqualTo(-0.225288f, within(1e-4f));
    }
  }

  @Test
  void probability_isTheLogisticFunction() {
    assertThat(new PairScore(0, 5, false).probability()).isEqualTo(0.5f);
    assertThat(new PairScore(2, 5, false).probability()).isEqualTo(0.880797f, within(1e-6f));
    assertThat(new PairScore(-200, 5, false).probability()).isBetween(0f, 1e-30f);
  }

  @Test
  void reranker_asAnEmbeddingModel_isRefusedWithTheClassToUse() {
    assertThatThrownBy(() -> EmbeddingEngine.builder().model(ModelSource.path(folder)).open())
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("CrossEncoder");
  }

  @Test
  void embeddingModel_asAReranker_isRefusedWithWhatItIs() {
    assertThatThrownBy(() ->
            CrossEncoder.open(EmbeddingEngine.builder().model(ModelSource.path(MiniM3.folder()))))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("XLMRobertaForSequenceClassification")
        .hasMessageContaining("config.json");
  }
}
