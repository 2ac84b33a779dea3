package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.spi.BackendProvider;
import java.util.ArrayList;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.ConfigurableEnvironment;

/**
 * Opens an engine as the settings {@code luciole.*} of Spring's environment say; docs/settings.md
 * lists them. Each bean gives way to the application's own of the same type, of which there may be
 * several. A bean that is a {@link BackendProvider} is the engine's backend. {@code
 * luciole.properties} is not read.
 *
 * <p>The readiness state refuses traffic while any engine that is a bean has no usable device, also
 * one of the application's own.
 */
@AutoConfiguration
public class LucioleAutoConfiguration {
  /** Called by Spring. */
  public LucioleAutoConfiguration() {}

  /**
   * Reads the settings.
   *
   * @param environment Spring's environment
   * @param backends have settings of their own
   * @return the settings
   * @throws io.luciole.ConfigException if settings are unknown or have invalid values
   */
  @Bean
  @ConditionalOnMissingBean
  public LucioleConfig lucioleConfig(
      ConfigurableEnvironment environment, ObjectProvider<BackendProvider> backends) {
    List<Key<?>> more = new ArrayList<>();
    backends.stream().forEach(backend -> more.addAll(backend.options()));
    return EnvironmentSettings.read(environment, more);
  }

  /**
   * Opens the engine, which takes seconds.
   *
   * @param config the settings
   * @param backend the engine's backend, if it is a bean
   * @param customizers change how it is opened
   * @return the engine; Spring closes it
   * @throws io.luciole.LucioleException if it cannot be opened
   */
  @Bean
  @ConditionalOnMissingBean
  public EmbeddingEngine lucioleEngine(
      LucioleConfig config,
      ObjectProvider<BackendProvider> backend,
      ObjectProvider<EngineCustomizer> customizers) {
    EngineBuilder builder = EmbeddingEngine.builder(config);
    backend.ifAvailable(builder::backend);
    customizers.orderedStream().forEach(each -> each.customize(builder));
    return builder.open();
  }

  @Bean
  static EngineReadiness lucioleReadiness(ApplicationContext context) {
    return new EngineReadiness(context);
  }
}
