package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import java.util.Map;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Condition;
import org.springframework.context.annotation.ConditionContext;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotatedTypeMetadata;

/**
 * The health indicator {@code luciole}: up while every engine can work on some device and no index
 * has failed, down otherwise, with each device and what is wrong with it. {@code
 * management.health.luciole.enabled=false} switches it off, and so does {@code
 * management.health.defaults.enabled=false} unless the former is true. Spring Boot 4 moved the
 * types of indicators to another package, so there is one for each.
 */
@AutoConfiguration(after = LucioleIndexAutoConfiguration.class)
@ConditionalOnBean(EmbeddingEngine.class)
@Conditional(LucioleHealthAutoConfiguration.Enabled.class)
public class LucioleHealthAutoConfiguration {
  /** Called by Spring. */
  public LucioleHealthAutoConfiguration() {}

  /** As Spring Boot's own condition, which is in another package in each Spring Boot. */
  static final class Enabled implements Condition {
    @Override
    public boolean matches(ConditionContext context, AnnotatedTypeMetadata metadata) {
      Environment environment = context.getEnvironment();
      boolean usual =
          environment.getProperty("management.health.defaults.enabled", Boolean.class, true);
      return environment.getProperty("management.health.luciole.enabled", Boolean.class, usual);
    }
  }

  /** For Spring Boot 3. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = "org.springframework.boot.actuate.health.HealthIndicator")
  static class ForBoot3 {
    @Bean
    @ConditionalOnMissingBean(name = "lucioleHealthIndicator")
    org.springframework.boot.actuate.health.HealthIndicator lucioleHealthIndicator(
        ListableBeanFactory beans,
        ObjectProvider<EmbeddingEngine> candidates,
        ObjectProvider<HybridIndexer> indexers) {
      Map<String, EmbeddingEngine> engines = EngineBeans.byName(beans, candidates);
      return () -> {
        EngineReport report = EngineReport.of(engines, indexers.stream());
        var health = new org.springframework.boot.actuate.health.Health.Builder();
        return (report.up() ? health.up() : health.down()).withDetails(report.details()).build();
      };
    }
  }

  /** For Spring Boot 4. */
  @Configuration(proxyBeanMethods = false)
  @ConditionalOnClass(name = "org.springframework.boot.health.contributor.HealthIndicator")
  static class ForBoot4 {
    @Bean
    @ConditionalOnMissingBean(name = "lucioleHealthIndicator")
    org.springframework.boot.health.contributor.HealthIndicator lucioleHealthIndicator(
        ListableBeanFactory beans,
        ObjectProvider<EmbeddingEngine> candidates,
        ObjectProvider<HybridIndexer> indexers) {
      Map<String, EmbeddingEngine> engines = EngineBeans.byName(beans, candidates);
      return () -> {
        EngineReport report = EngineReport.of(engines, indexers.stream());
        var health = new org.springframework.boot.health.contributor.Health.Builder();
        return (report.up() ? health.up() : health.down()).withDetails(report.details()).build();
      };
    }
  }
}
