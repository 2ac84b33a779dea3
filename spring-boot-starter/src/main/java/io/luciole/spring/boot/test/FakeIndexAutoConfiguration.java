package io.luciole.spring.boot.test;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.spring.boot.LucioleAutoConfiguration;
import io.luciole.spring.boot.LucioleIndexAutoConfiguration;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;

/**
 * The index of {@link AutoConfigureFakeLuciole} for an application that has none of its own, in
 * place of the one in {@code luciole.index.folder}.
 */
@AutoConfiguration(
    after = LucioleAutoConfiguration.class,
    before = LucioleIndexAutoConfiguration.class)
class FakeIndexAutoConfiguration {
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnSingleCandidate(EmbeddingEngine.class)
  HybridIndexer lucioleFakeIndexer(ConfigurableListableBeanFactory beans) {
    return FakeReplacement.indexer(beans);
  }
}
