package io.luciole.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.langchain4j.data.document.Document;
import dev.langchain4j.data.document.Metadata;
import dev.langchain4j.data.image.Image;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.ImageContent;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.TextContent;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.output.Response;
import dev.langchain4j.model.output.TokenUsage;
import io.luciole.CrossEncoder;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.PairScore;
import io.luciole.Role;
import io.luciole.Scores;
import io.luciole.model.Chunker;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeReranker;
import io.luciole.testkit.MiniM3;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The scoring model, the splitter and the counter, beside what they stand on. */
class ScoringAndSplittingTest {
  private static EmbeddingEngine engine;

  @BeforeAll
  static void open() {
    engine =
        EmbeddingEngine.builder()
            .model(MiniM3.source())
            .device("cpu")
            .outputs(Output.DENSE, Output.SPARSE, Output.COLBERT)
            .open();
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  @Test
  void scoresOfACrossEncoder_areItsProbabilities(@TempDir Path folder) {
    List<TextSegment> segments = List.of(TextSegment.from("w1 w2"), TextSegment.from("w3"));
    try (CrossEncoder reranker =
        CrossEncoder.open(
            EmbeddingEngine.builder()
                .model(FakeReranker.write(folder, 64))
                .backend(new FakeBackend()))) {
      Response<List<Double>> scored =
          LucioleScoringModel.crossEncoder(reranker).scoreAll(segments, "w1");

      List<PairScore> expected = reranker.scoreAll("w1", List.of("w1 w2", "w3"));
      assertThat(scored.content())
          .containsExactlyElementsOf(
              expected.stream().map(score -> (double) score.probability()).toList());
      assertThat(scored.tokenUsage()).isEqualTo(new TokenUsage(7 + 6));
    }
  }

  @Test
  void scores_areThoseOfTheVectors() {
    String query = "Which insects glow?";
    List<String> texts = List.of("Fireflies glow in summer.", "Bread is baked before dawn.");
    List<TextSegment> segments = texts.stream().map(TextSegment::from).toList();
    Embedding asked = engine.embed(query).join();
    Response<List<Double>> colbert = LucioleScoringModel.colbert(engine).scoreAll(segments, query);
    Response<List<Double>> all = LucioleScoringModel.allScores(engine).scoreAll(segments, query);
    int tokens = asked.tokenCount();
    for (int i = 0; i < texts.size(); i++) {
      Embedding text = engine.embed(texts.get(i)).join();
      tokens += text.tokenCount();
      assertThat(colbert.content().get(i)).isCloseTo(Scores.colbert(asked, text), within(1e-6));
      assertThat(all.content().get(i))
          .isCloseTo(Scores.weighted(asked, text, Scores.Weights.ALL), within(1e-6));
    }
    assertThat(all.tokenUsage()).isEqualTo(new TokenUsage(tokens));
    assertThat(LucioleScoringModel.colbert(engine).scoreAll(List.of(), query).content()).isEmpty();
  }

  /** FlagEmbedding's {@code compute_score}, of the reference fixture. */
  @Test
  void scores_areThoseOfTheReference() throws Exception {
    JsonNode expected =
        new ObjectMapper().readTree(MiniM3.folder().resolve("expected_scores.json").toFile());
    JsonNode w = expected.path("weights");
    Map<String, LucioleScoringModel> models =
        Map.of(
            "colbert", LucioleScoringModel.colbert(engine),
            "colbert+sparse+dense",
                LucioleScoringModel.weighted(
                    engine,
                    new Scores.Weights(
                        w.get(0).asDouble(), w.get(1).asDouble(), w.get(2).asDouble())));
    Map<String, String> texts = new HashMap<>();
    MiniM3.texts().forEach(text -> texts.put(text.id(), text.text()));
    models.forEach((name, model) -> {
      for (int i = 0; i < expected.path("pairs").size(); i++) {
        JsonNode pair = expected.path("pairs").get(i);
        double score =
            model.score(texts.get(pair.get(1).asText()), texts.get(pair.get(0).asText())).content();
        assertThat(score)
            .as("%s, pair %d", name, i)
            .isCloseTo(expected.path("scores").path(name).get(i).asDouble(), within(1e-4));
      }
    });
  }

  @Test
  void scoresThatTheModelDoesNotGive_areRefused() {
    try (EmbeddingEngine starter =
        EmbeddingEngine.builder().model("starter").device("cpu").open()) {
      assertThatThrownBy(() -> LucioleScoringModel.colbert(starter))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected a model that gives [COLBERT]")
          .hasMessageContaining("gives [DENSE]");
    }
  }

  @Test
  void segments_areTheChunksOfTheTokenizer() {
    String text = "Fireflies glow in summer nights. ".repeat(40).strip();
    Document document = Document.from(text, Metadata.from("file_name", "insects.txt"));
    List<TextSegment> segments = LucioleDocumentSplitter.of(engine, 64, 16).split(document);
    List<Chunker.Chunk> chunks = engine.chunker(64, 16).chunks(text);
    assertThat(chunks).hasSizeGreaterThan(3);
    assertThat(segments)
        .extracting(TextSegment::text)
        .isEqualTo(chunks.stream().map(chunk -> chunk.of(text)).toList());
    for (int i = 0; i < segments.size(); i++) {
      assertThat(engine.tokenize(segments.get(i).text(), Role.PASSAGE).length())
          .isLessThanOrEqualTo(64);
      assertThat(segments.get(i).metadata().toMap())
          .isEqualTo(Map.of("file_name", "insects.txt", "index", Integer.toString(i)));
    }
    assertThat(document.metadata().toMap()).containsOnlyKeys("file_name");
  }

  @Test
  void documentThatFits_isOneSegment() {
    LucioleDocumentSplitter splitter = LucioleDocumentSplitter.of(engine, 64, 0);
    assertThat(splitter.split(Document.from("Fireflies glow.")))
        .extracting(TextSegment::text)
        .containsExactly("Fireflies glow.");
    assertThatThrownBy(() -> LucioleDocumentSplitter.of(engine, 1, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected chunks of");
  }

  @Test
  void tokens_areCountedWithoutSpecialOnes_beyondTheLimit() {
    LucioleTokenCountEstimator counter = LucioleTokenCountEstimator.of(engine);
    int around = engine.tokenize("", Role.PASSAGE).length();
    String text = "Fireflies glow.";
    int tokens = engine.tokenize(text, Role.PASSAGE).length() - around;
    assertThat(counter.estimateTokenCountInText(text)).isEqualTo(tokens);
    assertThat(counter.estimateTokenCountInText("")).isZero();
    int limit = engine.description().maxTokens();
    assertThat(counter.estimateTokenCountInText((text + ' ').repeat(limit)))
        .isGreaterThanOrEqualTo(limit * (tokens - 1));
  }

  @Test
  void tokensOfMessages_areThoseOfTheirTexts() {
    LucioleTokenCountEstimator counter = LucioleTokenCountEstimator.of(engine);
    int tokens = counter.estimateTokenCountInText("Fireflies glow.");
    List<ChatMessage> messages =
        List.of(
            SystemMessage.from("Fireflies glow."),
            UserMessage.from(
                TextContent.from("Fireflies glow."), TextContent.from("Fireflies glow.")),
            AiMessage.from("Fireflies glow."));
    assertThat(counter.estimateTokenCountInMessages(messages)).isEqualTo(4 * tokens);
    UserMessage image =
        UserMessage.from(ImageContent.from(Image.builder().url("file:cat.png").build()));
    assertThatThrownBy(() -> counter.estimateTokenCountInMessage(image))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("found IMAGE");
  }
}
