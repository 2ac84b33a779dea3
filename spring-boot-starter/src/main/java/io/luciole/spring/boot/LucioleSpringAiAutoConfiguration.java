package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.spring.ai.LucioleEmbeddingModel;
import io.luciole.spring.ai.LucioleTokenCountEstimator;
import io.luciole.spring.ai.LucioleVectorStore;
import io.micrometer.observation.ObservationRegistry;
import org.springframework.ai.embedding.observation.EmbeddingModelObservationConvention;
import org.springframework.ai.tokenizer.TokenCountEstimator;
import org.springframework.ai.vectorstore.observation.VectorStoreObservationConvention;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AllNestedConditions;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;

/**
 * With {@code luciole-spring-ai} on the class path, an {@code EmbeddingModel} over the engine, a
 * {@code VectorStore} over the index if there is one, and a {@code TokenCountEstimator}, observed
 * in the application's {@code ObservationRegistry}. As with Spring AI's own models, {@code
 * spring.ai.model.embedding} and {@code spring.ai.vectorstore.type} choose where several are on the
 * class path: the value is {@code luciole}.
 */
@AutoConfiguration(after = LucioleIndexAutoConfiguration.class)
@ConditionalOnClass(LucioleEmbeddingModel.class)
@ConditionalOnSingleCandidate(EmbeddingEngine.class)
public class LucioleSpringAiAutoConfiguration {
  /** Called by Spring. */
  public LucioleSpringAiAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnProperty(
      name = "spring.ai.model.embedding",
      havingValue = "luciole",
      matchIfMissing = true)
  LucioleEmbeddingModel lucioleEmbeddingModel(
      EmbeddingEngine engine,
      ObjectProvider<ObservationRegistry> observations,
      ObjectProvider<EmbeddingModelObservationConvention> convention) {
    return new LucioleEmbeddingModel(
        engine,
        observations.getIfUnique(() -> ObservationRegistry.NOOP),
        convention.getIfAvailable());
  }

  @Bean
  @ConditionalOnMissingBean
  @Conditional(OneIndex.class)
  @ConditionalOnProperty(
      name = "spring.ai.vectorstore.type",
      havingValue = "luciole",
      matchIfMissing = true)
  LucioleVectorStore lucioleVectorStore(
      EmbeddingEngine engine,
      HybridIndexer indexer,
      HybridSearcher searcher,
      ObjectProvider<ObservationRegistry> observations,
      ObjectProvider<VectorStoreObservationConvention> convention) {
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
