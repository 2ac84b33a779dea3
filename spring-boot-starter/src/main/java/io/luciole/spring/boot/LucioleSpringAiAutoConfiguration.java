package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import io.luciole.Output;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.Leg;
import io.luciole.spring.ai.LucioleEmbeddingModel;
import io.luciole.spring.ai.LucioleTokenCountEstimator;
import io.luciole.spring.ai.LucioleVectorStore;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationConvention;
import org.springframework.ai.tokenizer.TokenCountEstimator;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.ai.vectorstore.observation.VectorStoreObservationConvention;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AllNestedConditions;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;

/**
 * With {@code luciole-spring-ai} on the class path, an {@code EmbeddingModel} over the engine, a
 * {@code VectorStore} over the index if there is one, and a {@code TokenCountEstimator}, observed
 * in the application's {@code ObservationRegistry}. Each gives way to any bean of the application's
 * own that has Spring AI's type.
 *
 * <p>As with Spring AI's own, {@code spring.ai.model.embedding} and {@code
 * spring.ai.vectorstore.type} choose where several are on the class path. With {@code luciole} ours
 * is there, also beside the application's own; with another value, such as {@code none}, it is not.
 */
@AutoConfiguration(after = LucioleIndexAutoConfiguration.class)
@ConditionalOnClass(LucioleEmbeddingModel.class)
@ConditionalOnSingleCandidate(EmbeddingEngine.class)
public class LucioleSpringAiAutoConfiguration {
  private static final String MODEL = "spring.ai.model.embedding";
  private static final String STORE = "spring.ai.vectorstore.type";
  private static final String OURS = "luciole";

  /** Called by Spring. */
  public LucioleSpringAiAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  @Conditional(ModelIsMeant.class)
  LucioleEmbeddingModel lucioleEmbeddingModel(
      EmbeddingEngine engine,
      ObjectProvider<ObservationRegistry> observations,
      ObjectProvider<EmbeddingModelObservationConvention> convention) {
    if (!EngineBeans.isMock(engine) && !engine.backend().outputs().contains(Output.DENSE)) {
      throw new LucioleException(
          "expected a model with dense vectors, which Spring AI's EmbeddingModel gives; "
              + engine.modelName()
              + " gives "
              + engine.backend().outputs()
              + ": to have no EmbeddingModel, set "
              + MODEL
              + "=none");
    }
    return new LucioleEmbeddingModel(
        engine,
        observations.getIfUnique(() -> ObservationRegistry.NOOP),
        convention.getIfAvailable());
  }

  @Bean
  @ConditionalOnMissingBean
  @Conditional({OneIndex.class, StoreIsMeant.class})
  LucioleVectorStore lucioleVectorStore(
      EmbeddingEngine engine,
      HybridIndexer indexer,
      HybridSearcher searcher,
      ObjectProvider<ObservationRegistry> observations,
      ObjectProvider<VectorStoreObservationConvention> convention) {
    if (!searcher.legs().contains(Leg.DENSE)) {
      throw new LucioleException(
          "expected an index with dense vectors, which the scores of Spring AI's VectorStore come"
              + " from; it has the legs "
              + searcher.legs()
              + ": to have no VectorStore, set "
              + STORE
              + "=none");
    }
    return LucioleVectorStore.builder(engine, indexer, searcher)
        .observationRegistry(observations.getIfUnique(() -> ObservationRegistry.NOOP))
        .customObservationConvention(convention.getIfAvailable())
        .build();
  }

  @Bean
  @ConditionalOnMissingBean(TokenCountEstimator.class)
  LucioleTokenCountEstimator lucioleTokenCountEstimator(EmbeddingEngine engine) {
    return new LucioleTokenCountEstimator(engine);
  }

  /** By its name, or because there is no other. */
  static final class ModelIsMeant extends AnyNestedCondition {
    ModelIsMeant() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnProperty(name = MODEL, havingValue = OURS)
    static class Named {}

    @ConditionalOnProperty(name = MODEL, havingValue = OURS, matchIfMissing = true)
    @ConditionalOnMissingBean(EmbeddingModel.class)
    static class NoOther {}
  }

  /** By its name, or because there is no other. */
  static final class StoreIsMeant extends AnyNestedCondition {
    StoreIsMeant() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnProperty(name = STORE, havingValue = OURS)
    static class Named {}

    @ConditionalOnProperty(name = STORE, havingValue = OURS, matchIfMissing = true)
    @ConditionalOnMissingBean(VectorStore.class)
    static class NoOther {}
  }

  /** Where several could be meant, the application says which by a store of its own. */
  static final class OneIndex extends AllNestedConditions {
    OneIndex() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnSingleCandidate(HybridIndexer.class)
    static class OneIndexer {}

    @ConditionalOnSingleCandidate(HybridSearcher.class)
    static class OneSearcher {}
  }
}
