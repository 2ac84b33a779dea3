package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.Output;
import io.luciole.lucene.HybridSchema;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.WriteOptions;
import io.luciole.spring.ai.LucioleEmbeddingModel;
import io.luciole.spring.ai.LucioleVectorStore;
import io.luciole.testkit.FakeBackend;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.document.Document;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.EmbeddingRequest;
import org.springframework.ai.embedding.EmbeddingResponse;
import org.springframework.ai.vectorstore.SimpleVectorStore;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

/** When there are a model and a store for Spring AI, beside what an application has of its own. */
class SpringAiBeansTest {
  @TempDir private Path folder;

  private final FakeBackend backend = new FakeBackend();

  /** A model of the application's own, of another kind than ours. */
  private static final class OtherModel implements EmbeddingModel {
    @Override
    public EmbeddingResponse call(EmbeddingRequest request) {
      return new EmbeddingResponse(List.of());
    }

    @Override
    public float[] embed(Document document) {
      return new float[] {1};
    }
  }

  private ApplicationContextRunner withIndex() {
    return Contexts.runner(folder, backend)
        .withPropertyValues("luciole.index.folder=" + folder.resolve("index"));
  }

  private ApplicationContextRunner withOtherModelAndStore() {
    OtherModel model = new OtherModel();
    return withIndex()
        .withBean("otherModel", EmbeddingModel.class, () -> model)
        .withBean("otherStore", VectorStore.class, () -> SimpleVectorStore.builder(model).build());
  }

  @Test
  void modelAndStoreOfTheApplication_comeFirst() {
    withOtherModelAndStore()
        .run(context -> {
          assertThat(context).getBean(EmbeddingModel.class).isInstanceOf(OtherModel.class);
          assertThat(context).getBean(VectorStore.class).isInstanceOf(SimpleVectorStore.class);
          assertThat(context).hasSingleBean(HybridSearcher.class);
        });
  }

  @Test
  void modelAndStoreThatTheSettingsName_areThereBesideTheApplications() {
    withOtherModelAndStore()
        .withPropertyValues(
            "spring.ai.model.embedding=luciole", "spring.ai.vectorstore.type=luciole")
        .run(context -> {
          assertThat(context.getBeansOfType(EmbeddingModel.class)).hasSize(2);
          assertThat(context.getBeansOfType(VectorStore.class)).hasSize(2);
          assertThat(context).hasSingleBean(LucioleEmbeddingModel.class);
          assertThat(context).hasSingleBean(LucioleVectorStore.class);
        });
  }

  @Test
  void othersThatTheSettingsName_areAlone() {
    withIndex()
        .withPropertyValues("spring.ai.model.embedding=openai", "spring.ai.vectorstore.type=other")
        .run(context -> {
          assertThat(context).hasSingleBean(HybridSearcher.class);
          assertThat(context).doesNotHaveBean(EmbeddingModel.class);
          assertThat(context).doesNotHaveBean(VectorStore.class);
        });
  }

  @Test
  void indexWithoutDenseVectors_isRefusedWithTheSettingThatLeavesTheStoreOut() {
    ApplicationContextRunner sparse =
        withIndex()
            .withBean(
                WriteOptions.class,
                () ->
                    WriteOptions.defaults()
                        .schema(HybridSchema.builder(8, false).dense(false).sparse(true).build()));
    sparse.run(context ->
        assertThat(context)
            .getFailure()
            .rootCause()
            .hasMessageContaining("expected an index with dense vectors")
            .hasMessageContaining("SPARSE")
            .hasMessageContaining("spring.ai.vectorstore.type=none"));
    sparse
        .withPropertyValues("spring.ai.vectorstore.type=none")
        .run(context -> {
          assertThat(context).hasSingleBean(HybridSearcher.class);
          assertThat(context).doesNotHaveBean(VectorStore.class);
        });
  }

  @Test
  void modelWithoutDenseVectors_isRefusedWithTheSettingThatLeavesItOut() {
    backend.outputs(EnumSet.of(Output.SPARSE));
    ApplicationContextRunner sparse = Contexts.runner(folder, backend);
    sparse.run(context ->
        assertThat(context)
            .getFailure()
            .rootCause()
            .hasMessageContaining("expected a model with dense vectors")
            .hasMessageContaining("SPARSE")
            .hasMessageContaining("spring.ai.model.embedding=none"));
    sparse
        .withPropertyValues("spring.ai.model.embedding=none")
        .run(context -> assertThat(context).hasNotFailed());
  }
}
