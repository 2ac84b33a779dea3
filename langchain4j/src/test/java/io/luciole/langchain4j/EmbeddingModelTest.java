package io.luciole.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.langchain4j.data.embedding.Embedding;
import dev.langchain4j.data.segment.TextSegment;
import dev.langchain4j.model.embedding.request.EmbeddingInputType;
import dev.langchain4j.model.embedding.request.EmbeddingRequest;
import dev.langchain4j.model.output.TokenUsage;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import io.luciole.Output;
import io.luciole.Role;
import io.luciole.testkit.MiniM3;
import io.luciole.testkit.ReferenceText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Vectors through the adapter, beside the engine's. */
class EmbeddingModelTest {
  private static final String TEXT = "Which insects glow?";

  private static EmbeddingEngine starter() {
    return EmbeddingEngine.builder().model("starter").device("cpu").open();
  }

  private static EmbeddingEngine miniM3() {
    return EmbeddingEngine.builder().model(MiniM3.source()).device("cpu").open();
  }

  private static List<String> texts() {
    return MiniM3.texts().stream()
        .filter(text -> text.maxTokens() > 16)
        .map(ReferenceText::text)
        .filter(text -> !text.isBlank())
        .toList();
  }

  @Test
  void vectors_areTheEngines() {
    try (EmbeddingEngine engine = miniM3()) {
      LucioleEmbeddingModel model = LucioleEmbeddingModel.of(engine);
      for (String text : texts()) {
        assertThat(model.embed(text).content().vector())
            .isEqualTo(engine.embed(text, EmbedOptions.query()).join().dense());
      }
    }
  }

  /** Neighbours in a batch change the last bits of a vector's components at most. */
  @Test
  void vectorsOfAList_areTheEngines_inItsOrder() {
    try (EmbeddingEngine engine = miniM3()) {
      List<Embedding> found =
          LucioleEmbeddingModel.of(engine)
              .embedAll(texts().stream().map(TextSegment::from).toList())
              .content();
      List<io.luciole.Embedding> expected = engine.embedAll(texts(), EmbedOptions.passage());
      assertThat(found).hasSameSizeAs(expected);
      for (int i = 0; i < expected.size(); i++) {
        assertThat(found.get(i).vector())
            .usingComparatorWithPrecision(ReferenceText.VECTOR_TOLERANCE)
            .containsExactly(expected.get(i).dense());
      }
    }
  }

  @Test
  void strings_areQueriesAndSegmentsPassages_unlessTheRequestSaysElse() {
    try (EmbeddingEngine engine = starter()) {
      float[] query = engine.embed(TEXT, EmbedOptions.query()).join().dense();
      float[] passage = engine.embed(TEXT, EmbedOptions.passage()).join().dense();
      assertThat(query).isNotEqualTo(passage);

      LucioleEmbeddingModel model = LucioleEmbeddingModel.of(engine);
      assertThat(model.embed(TEXT).content().vector()).isEqualTo(query);
      assertThat(model.embed(TextSegment.from(TEXT)).content().vector()).isEqualTo(passage);
      assertThat(model.embedAll(List.of(TextSegment.from(TEXT))).content().get(0).vector())
          .isEqualTo(passage);
      assertThat(asked(model, EmbeddingInputType.QUERY)).isEqualTo(query);
      assertThat(asked(model, EmbeddingInputType.DOCUMENT)).isEqualTo(passage);
      assertThat(asked(model, null)).isEqualTo(passage);

      LucioleEmbeddingModel queries =
          LucioleEmbeddingModel.builder(engine).inputType(EmbeddingInputType.QUERY).build();
      assertThat(queries.embed(TextSegment.from(TEXT)).content().vector()).isEqualTo(query);
      LucioleEmbeddingModel documents =
          LucioleEmbeddingModel.builder(engine).inputType(EmbeddingInputType.DOCUMENT).build();
      assertThat(documents.embed(TEXT).content().vector()).isEqualTo(passage);
      assertThat(asked(documents, EmbeddingInputType.QUERY)).isEqualTo(query);
    }
  }

  private static float[] asked(LucioleEmbeddingModel model, @Nullable EmbeddingInputType type) {
    EmbeddingRequest request = EmbeddingRequest.builder().input(TEXT).inputType(type).build();
    return model.embed(request).embeddings().get(0).vector();
  }

  @Test
  void nameDimensionAndTokens_areTheModels() {
    try (EmbeddingEngine engine = starter()) {
      LucioleEmbeddingModel model = LucioleEmbeddingModel.of(engine);
      assertThat(model.dimension()).isEqualTo(384);
      assertThat(model.modelName()).isEqualTo(engine.modelName());
      assertThat(model.embed(TextSegment.from(TEXT)).tokenUsage())
          .isEqualTo(new TokenUsage(engine.tokenize(TEXT, Role.PASSAGE).length()));
      assertThat(model.embedAll(List.of()).content()).isEmpty();
    }
  }

  @Test
  void failure_isTheEngines() {
    EmbeddingEngine engine = starter();
    engine.close();
    LucioleEmbeddingModel model = LucioleEmbeddingModel.of(engine);
    assertThatThrownBy(() -> model.embed(TEXT)).isInstanceOf(EngineClosedException.class);
  }

  @Test
  void modelForOtherStores_remembersNothing() {
    try (EmbeddingEngine engine = miniM3()) {
      LucioleEmbeddingModel model =
          LucioleEmbeddingModel.builder(engine).sparseWeights(false).build();
      Embedding held = model.embed(TEXT).content();
      assertThat(held.dimension()).isEqualTo(model.dimension());
      assertThat(model.known().size()).isZero();
    }
  }

  @Test
  void whatIsKnownOfAnEmbedding_goesWithIt() {
    try (EmbeddingEngine engine = miniM3()) {
      LucioleEmbeddingModel model = LucioleEmbeddingModel.of(engine);
      Embedding held = model.embed(TextSegment.from(TEXT)).content();
      List<Embedding> others = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        others.add(model.embed(TextSegment.from("text " + i)).content());
      }
      assertThat(model.known().size()).isEqualTo(21);
      assertThat(model.known().rest(held, TEXT, Role.PASSAGE).sparse())
          .isEqualTo(engine.embed(TEXT).join().sparse());
      assertThat(model.known().rest(held, "another text", Role.PASSAGE).outputs()).isEmpty();
      assertThat(model.known().rest(Embedding.from(held.vector()), TEXT, Role.PASSAGE).outputs())
          .doesNotContain(Output.SPARSE);

      assertThat(others).hasSize(20);
      others.clear();
      await()
          .until(() -> {
            System.gc();
            return model.known().size() == 1;
          });
      assertThat(model.known().rest(held, TEXT, Role.PASSAGE).has(Output.SPARSE)).isTrue();
    }
  }
}
