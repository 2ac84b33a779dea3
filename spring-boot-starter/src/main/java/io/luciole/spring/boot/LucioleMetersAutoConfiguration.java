package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.micrometer.EngineMeters;
import io.luciole.micrometer.IndexMeters;
import io.micrometer.core.instrument.binder.MeterBinder;
import java.util.Map;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/**
 * The meters {@code luciole.*} of the engine, its searches, documents and commits, in the
 * application's registry; {@link EngineMeters} and {@link IndexMeters} list them. Those of several
 * engines have the tag {@code engine}, the name of the bean; those of several indexes are added up.
 * Spring Boot's {@code management.metrics.distribution.percentiles-histogram.luciole=true} gives
 * them histograms.
 */
@AutoConfiguration(after = LucioleIndexAutoConfiguration.class)
@ConditionalOnBean(EmbeddingEngine.class)
public class LucioleMetersAutoConfiguration {
  /** Called by Spring. */
  public LucioleMetersAutoConfiguration() {}

  @Bean
  @ConditionalOnMissingBean(EngineMeters.class)
  MeterBinder lucioleEngineMeters(
      ListableBeanFactory beans, ObjectProvider<EmbeddingEngine> candidates) {
    Map<String, EmbeddingEngine> engines = EngineBeans.byName(beans, candidates);
    return registry ->
        engines.forEach((name, engine) -> {
          EngineMeters meters =
              engines.size() == 1
                  ? new EngineMeters(engine)
                  : new EngineMeters(engine, "engine", name);
          meters.bindTo(registry);
        });
  }

  @Bean
  @ConditionalOnMissingBean(name = "lucioleIndexMeters")
  MeterBinder lucioleIndexMeters(
      ObjectProvider<HybridIndexer> indexers, ObjectProvider<HybridSearcher> searchers) {
    return registry -> {
      if (indexers.stream().findAny().isEmpty() && searchers.stream().findAny().isEmpty()) {
        return;
      }
      IndexMeters meters = new IndexMeters(registry, false);
      indexers.forEach(indexer -> indexer.addListener(meters));
      searchers.forEach(searcher -> searcher.addListener(meters));
    };
  }
}
