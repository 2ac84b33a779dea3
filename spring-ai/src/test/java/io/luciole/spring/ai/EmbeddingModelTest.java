package io.luciole.spring.ai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.testkit.MiniM3;
import io.luciole.testkit.ReferenceText;
import io.micrometer.observation.tck.TestObservationRegistry;
import io.micrometer.observation.tck.TestObservationRegistryAssert;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.springframework.ai.chat.messages.UserMessage;
import org.springframework.ai.content.Media;
import org.springframework.ai.content.MediaContent;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.Embedding;
import org.springframework.ai.embedding.EmbeddingOptions;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.embedding.TokenCountBatchingStrategy;
import org.springframework.core.io.ByteArrayResource;
import org.springframework.util.MimeTypeUtils;

class EmbeddingModelTest {
  private static final EmbeddingEngine STARTER = Store.engine("starter");

  private final LucioleEmbeddingModel model = new LucioleEmbeddingModel(STARTER);
  private final String text = "Fireflies glow in the dark.";

  @AfterAll
  static void close() {
    STARTER.close();
  }

  private static float[] dense(EmbeddingEngine engine, String text, EmbedOptions options) {
    return engine.embed(text, options.outputs(Output.DENSE)).join().dense();
  }

  @Test
  void vectors_areTheEngines_bit_forBit() {
    EmbeddingEngine engine = Store.MINI_M3;
    LucioleEmbeddingModel miniM3 = new LucioleEmbeddingModel(engine);
    List<String> texts = MiniM3.texts().stream().map(ReferenceText::text).toList();
    List<float[]> vectors = miniM3.embed(texts);
    assertThat(vectors).hasSameSizeAs(texts);
    for (int i = 0; i < texts.size(); i++) {
      assertThat(vectors.get(i)).isEqualTo(dense(engine, texts.get(i), EmbedOptions.passage()));
    }
    assertThat(miniM3.dimensions()).isEqualTo(vectors.get(0).length);
  }

  @Test
  void aText_isAQuery_andDocumentsArePassages() {
    float[] query = dense(STARTER, text, EmbedOptions.query());
    float[] passage = dense(STARTER, text, EmbedOptions.passage());
    assertThat(query).isNotEqualTo(passage);

    assertThat(model.embed(text)).isEqualTo(query);
    assertThat(model.embed(new Document(text))).isEqualTo(passage);
    assertThat(model.embed(List.of(text)).get(0)).isEqualTo(passage);
    assertThat(model.embedForResponse(List.of(text)).getResult().getOutput()).isEqualTo(passage);
    List<Document> documents = List.of(new Document(text), new Document(text, Map.of("a", 1)));
    assertThat(
            model.embed(
                documents, EmbeddingOptions.builder().build(), new TokenCountBatchingStrategy()))
        .containsExactly(passage, passage);
    assertThat(call(LucioleEmbeddingOptions.query()).getResult().getOutput()).isEqualTo(query);
    assertThat(call(LucioleEmbeddingOptions.passage()).getResult().getOutput()).isEqualTo(passage);
  }

  private EmbeddingResponse call(EmbeddingOptions options) {
    return model.call(new EmbeddingRequest(List.of(text), options));
  }

  @Test
  void response_tellsModelTokensAndOrder() {
    EmbeddingResponse response = model.embedForResponse(List.of("one", "two words", "three"));
    assertThat(response.getResults()).extracting(Embedding::getIndex).containsExactly(0, 1, 2);
    assertThat(response.getMetadata().getModel()).isEqualTo(STARTER.modelName());
    assertThat(response.getMetadata().getUsage().getPromptTokens()).isEqualTo(3 + 4 + 3);
    assertThat(model.embedForResponse(List.of()).getResults()).isEmpty();
  }

  @Test
  void documentsAsManyAsManyBatches_comeInOrder() {
    List<Document> documents = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      documents.add(new Document("text number " + i));
    }
    List<float[]> vectors =
        model.embed(
            documents, EmbeddingOptions.builder().build(), new TokenCountBatchingStrategy());
    for (int i = 0; i < 200; i += 50) {
      assertThat(vectors.get(i))
          .isEqualTo(dense(STARTER, "text number " + i, EmbedOptions.passage()));
    }
  }

  @Test
  void anotherModelOrDimension_isRefused() {
    assertThat(call(EmbeddingOptions.builder().model(STARTER.modelName()).dimensions(384).build()))
        .isNotNull();
    assertThatThrownBy(() -> call(EmbeddingOptions.builder().model("other").build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("other")
        .hasMessageContaining(STARTER.modelName());
    assertThatThrownBy(() -> call(EmbeddingOptions.builder().dimensions(256).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("256")
        .hasMessageContaining("384");
    Document image =
        new Document(
            new Media(MimeTypeUtils.IMAGE_PNG, new ByteArrayResource(new byte[1])), Map.of());
    assertThatThrownBy(() -> model.embed(image))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(image.getId());
  }

  @Test
  void calls_areObserved() {
    TestObservationRegistry registry = TestObservationRegistry.create();
    new LucioleEmbeddingModel(STARTER, registry, null).embed(text);
    TestObservationRegistryAssert.assertThat(registry)
        .hasObservationWithNameEqualTo("gen_ai.client.operation")
        .that()
        .hasBeenStopped()
        .hasLowCardinalityKeyValue("gen_ai.system", "luciole")
        .hasLowCardinalityKeyValue("gen_ai.operation.name", "embedding")
        .hasHighCardinalityKeyValue(
            "gen_ai.usage.total_tokens",
            String.valueOf(STARTER.tokenize(text, Role.QUERY).length()));
  }

  @Test
  void splitter_cutsByTheModelsTokens_andKeepsMetadata() {
    Document document =
        new Document("parent", "Some sentence that is repeated. ".repeat(50), Map.of("k", "v"));
    List<Document> chunks = new LucioleTextSplitter(STARTER, 64, 16).apply(List.of(document));
    LucioleTokenCountEstimator counter = new LucioleTokenCountEstimator(STARTER);
    assertThat(chunks).hasSizeGreaterThan(5);
    for (Document chunk : chunks) {
      assertThat(counter.estimate(String.valueOf(chunk.getText()))).isBetween(3, 64);
      assertThat(chunk.getMetadata())
          .containsEntry("k", "v")
          .containsEntry("parent_document_id", "parent");
    }
    assertThat(new LucioleTextSplitter(STARTER, 512).apply(List.of(new Document(text))))
        .extracting(Document::getText)
        .containsExactly(text);
  }

  @Test
  void estimator_countsBeyondTheModelsLimit() {
    LucioleTokenCountEstimator counter = new LucioleTokenCountEstimator(STARTER);
    assertThat(counter.estimate("one two three")).isEqualTo(5);
    assertThat(counter.estimate((String) null)).isZero();
    assertThat(counter.estimate("one ".repeat(2000))).isEqualTo(2002);
    assertThat(
            counter.estimate(
                List.<MediaContent>of(new UserMessage("one"), new UserMessage("one two"))))
        .isEqualTo(3 + 4);
    assertThatThrownBy(() -> new LucioleTextSplitter(STARTER, 1000))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("512");
  }
}
