package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.spi.BackendProvider;
import java.util.List;
import java.util.Optional;
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
 * <p>The readiness state refuses traffic while the engine has no usable device.
 */
@AutoConfiguration
public class LucioleAutoConfiguration {
  /** Called by Spring. */
  public LucioleAutoConfiguration() {}

  /**
   * Reads the settings.
   *
   * @param environment Spring's environment
   * @param backend the engine's backend, if it is a bean
   * @return the settings
   * @throws io.luciole.ConfigException if settings are unknown or have invalid values
   */
  @Bean
  @ConditionalOnMissingBean
  public LucioleConfig lucioleConfig(
      ConfigurableEnvironment environment, ObjectProvider<BackendProvider> backend) {
    List<Key<?>> more =
        Optional.ofNullable(backend.getIfAvailable())
            .map(BackendProvider::options)
            .orElse(List.of());
    return EnvironmentSettings.read(environment, more);
  }

  /**
   * Opens the engine, which takes seconds.
   *
   * @param config the settings
   * @param backend the engine's backend, if it is a bean
   * @param customizers change how it is opened
   * @param context is told whether the engine can work
   * @return the engine; Spring closes it
   * @throws io.luciole.LucioleException if it cannot be opened
   */
  @Bean
  @ConditionalOnMissingBean
  public EmbeddingEngine lucioleEngine(
      LucioleConfig config,
      ObjectProvider<BackendProvider> backend,
      ObjectProvider<EngineCustomizer> customizers,
      ApplicationContext context) {
    EngineBuilder builder = EmbeddingEngine.builder(config).listener(new EngineReadiness(context));
    backend.ifAvailable(builder::backend);
    customizers.orderedStream().forEach(each -> each.customize(builder));
    return builder.open();
  }
}
