package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.micrometer.EngineMeters;
import io.luciole.micrometer.IndexMeters;
import io.micrometer.core.instrument.binder.MeterBinder;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/**
 * The meters {@code luciole.*} of the engine, its searches, documents and commits, in the
 * application's registry; {@link EngineMeters} and {@link IndexMeters} list them. Spring Boot's
 * {@code management.metrics.distribution.percentiles-histogram.luciole=true} gives them histograms.
 */
@AutoConfiguration(after = LucioleAutoConfiguration.class)
@ConditionalOnBean(EmbeddingEngine.class)
public class LucioleMetersAutoConfiguration {
  /** Called by Spring. */
  public LucioleMetersAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean
  EngineMeters lucioleEngineMeters(EmbeddingEngine engine) {
    return new EngineMeters(engine);
  }

  @Bean
  @ConditionalOnBean({HybridIndexer.class, HybridSearcher.class})
  @ConditionalOnMissingBean(name = "lucioleIndexMeters")
  MeterBinder lucioleIndexMeters(HybridIndexer indexer, HybridSearcher searcher) {
    return registry -> {
      IndexMeters meters = new IndexMeters(registry, false);
      indexer.addListener(meters);
      searcher.addListener(meters);
    };
  }
}
