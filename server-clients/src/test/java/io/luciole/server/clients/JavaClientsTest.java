package io.luciole.server.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.errors.NotFoundException;
import com.openai.models.embeddings.CreateEmbeddingResponse;
import com.openai.models.embeddings.EmbeddingCreateParams;
import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.cohere.CohereEmbeddingModel;
import dev.langchain4j.model.cohere.CohereScoringModel;
import dev.langchain4j.model.openai.OpenAiEmbeddingModel;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.springframework.ai.document.MetadataMode;
import org.springframework.ai.openai.OpenAiEmbeddingOptions;
import org.springframework.ai.openai.api.OpenAiApi;

/** Unmodified Java clients get the same vectors from the server as from the library. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JavaClientsTest {
  private static final List<String> TEXTS =
      List.of("Fireflies glow at night.", "Un héron gris, 大阪, 🐝.", "?");

  private EmbeddingEngine engine;
  private LucioleServer server;

  @BeforeAll
  void open() {
    engine = EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model("starter").open();
    server = LucioleServer.start(ServerConfig.defaults().at("127.0.0.1", 0), engine);
  }

  @AfterAll
  void close() {
    server.close();
    engine.close();
  }

  private List<float[]> expected() {
    return engine.embedAll(TEXTS, EmbedOptions.passage()).stream()
        .map(io.luciole.Embedding::dense)
        .toList();
  }

  /** In a batch of other texts: sums in another order, magnified where bytes round. */
  private static void assertAlike(float[] found, float[] expected) {
    assertThat(found).hasSameSizeAs(expected);
    double cosine = 0;
    for (int i = 0; i < found.length; i++) {
      cosine += (double) found[i] * expected[i];
    }
    assertThat(cosine).isCloseTo(1, within(1e-4));
  }

  private static float[] floats(List<Float> values) {
    float[] floats = new float[values.size()];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values.get(i);
    }
    return floats;
  }

  @Test
  void openAi_getsTheLibrarysVectors() {
    OpenAIClient client =
        OpenAIOkHttpClient.builder().baseUrl(server.uri() + "v1").apiKey("none").build();
    for (EmbeddingCreateParams.EncodingFormat format :
        List.of(
            EmbeddingCreateParams.EncodingFormat.FLOAT,
            EmbeddingCreateParams.EncodingFormat.BASE64)) {
      CreateEmbeddingResponse answer =
          client
              .embeddings()
              .create(
                  EmbeddingCreateParams.builder()
                      .model("starter")
                      .inputOfArrayOfStrings(TEXTS)
                      .encodingFormat(format)
                      .build());
      assertThat(answer.model()).isEqualTo("starter");
      assertThat(answer.usage().totalTokens()).isPositive();
      for (int i = 0; i < TEXTS.size(); i++) {
        assertAlike(floats(answer.data().get(i).embedding()), expected().get(i));
      }
    }
    CreateEmbeddingResponse usual =
        client
            .embeddings()
            .create(
                EmbeddingCreateParams.builder()
                    .model("starter")
                    .input(TEXTS.get(0))
                    .dimensions(100)
                    .build());
    assertThat(usual.data().get(0).embedding()).hasSize(100);
    assertThat(client.models().list().data().get(0).id()).isEqualTo("starter");
    assertThatThrownBy(() ->
            client
                .embeddings()
                .create(EmbeddingCreateParams.builder().model("other").input("a").build()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("starter");
    client.close();
  }

  @Test
  void langChain4j_getsTheLibrarysVectors() {
    OpenAiEmbeddingModel model =
        OpenAiEmbeddingModel.builder()
            .baseUrl(server.uri() + "v1")
            .apiKey("none")
            .modelName("starter")
            .build();
    List<Embedding> embeddings =
        model
            .embedAll(List.of(TextSegment.from(TEXTS.get(0)), TextSegment.from(TEXTS.get(1))))
            .content();
    for (int i = 0; i < embeddings.size(); i++) {
      assertAlike(embeddings.get(i).vector(), expected().get(i));
    }
    assertThat(model.dimension()).isEqualTo(384);
  }

  private static void assertAllAlike(List<float[]> found, List<float[]> expected) {
    for (int i = 0; i < found.size(); i++) {
      assertAlike(found.get(i), expected.get(i));
    }
  }

  @Test
  void langChain4jsCohere_getsTheLibrarysVectorsAndScores() {
    List<TextSegment> segments =
        List.of(TextSegment.from(TEXTS.get(0)), TextSegment.from(TEXTS.get(1)));
    CohereEmbeddingModel model =
        CohereEmbeddingModel.builder()
            .baseUrl(server.uri() + "v1/")
            .apiKey("none")
            .modelName("starter")
            .inputType("search_document")
            .build();
    assertAllAlike(
        model.embedAll(segments).content().stream().map(Embedding::vector).toList(), expected());
    CohereScoringModel scoring =
        CohereScoringModel.builder()
            .baseUrl(server.uri() + "v1/")
            .apiKey("none")
            .modelName("starter")
            .build();
    List<Double> scores = scoring.scoreAll(segments, TEXTS.get(0)).content();
    assertThat(scores.get(0)).isGreaterThan(scores.get(1));
  }

  @Test
  void springAi_getsTheLibrarysVectors_orTheNamesThatThereAre() {
    OpenAiApi api = OpenAiApi.builder().baseUrl(server.uri().toString()).apiKey("none").build();
    var model =
        new org.springframework.ai.openai.OpenAiEmbeddingModel(
            api, MetadataMode.EMBED, OpenAiEmbeddingOptions.builder().model("starter").build());
    assertAllAlike(model.embed(TEXTS), expected());
    assertThatThrownBy(() -> new org.springframework.ai.openai.OpenAiEmbeddingModel(api).embed("a"))
        .hasMessageContainingAll("text-embedding-ada-002", "starter", "luciole.server.any-model");
  }
}
