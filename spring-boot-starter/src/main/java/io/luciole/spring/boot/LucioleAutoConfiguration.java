package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.Key;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexKeys;
import io.luciole.lucene.WriteOptions;
import io.luciole.spi.BackendProvider;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.ConfigurableEnvironment;

/**
 * Opens an engine, and an index with its indexer and searcher if {@code luciole.index.folder} is
 * set, as the settings {@code luciole.*} of Spring's environment say; docs/settings.md lists them.
 * Each bean gives way to one of the application's own of the same type. A bean that is a {@link
 * BackendProvider} is the engine's backend. {@code luciole.properties} is not read.
 *
 * <p>The end: Spring stops the web server first (with {@code server.shutdown=graceful}, Spring
 * Boot's default from 3.4, after the requests under way), then its executors; then what was put is
 * committed; then searcher, indexer and engine are closed, in this order, the engine after the
 * texts that it has.
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

  /**
   * Says how the index is written; a bean of the application's own sets what {@code
   * luciole.index.*} cannot, such as fields of its own.
   *
   * @param config the settings
   * @param engine embeds the documents
   * @return the options of {@link IndexKeys#options}
   */
  @Bean
  @ConditionalOnMissingBean
  public WriteOptions lucioleWriteOptions(LucioleConfig config, EmbeddingEngine engine) {
    return IndexKeys.options(config, engine);
  }

  /**
   * Opens the index for writing, or makes one.
   *
   * @param config names its folder
   * @param engine embeds the documents
   * @param options how to write
   * @return the indexer; Spring closes it, which commits
   * @throws io.luciole.lucene.IndexException if the folder holds something else, or vectors of
   *     another model
   */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnProperty("luciole.index.folder")
  public HybridIndexer lucioleIndexer(
      LucioleConfig config, EmbeddingEngine engine, WriteOptions options) {
    Path folder =
        config
            .get(IndexKeys.FOLDER)
            .orElseThrow(() ->
                new IllegalStateException(
                    "expected "
                        + IndexKeys.FOLDER
                        + " in the application's own LucioleConfig, where Spring's environment has"
                        + " it: set it there, too, or define a HybridIndexer"));
    return HybridIndexer.open(folder, engine, options);
  }

  /**
   * Opens a searcher over what the indexer writes, near real time.
   *
   * @param indexer writes the index
   * @param engine embeds queries
   * @return the searcher; Spring closes it. {@link HybridSearcher#refresh} makes it see what was
   *     put
   */
  @Bean
  @ConditionalOnMissingBean
  @ConditionalOnBean(HybridIndexer.class)
  public HybridSearcher lucioleSearcher(HybridIndexer indexer, EmbeddingEngine engine) {
    return HybridSearcher.open(indexer, engine);
  }

  @Bean
  @ConditionalOnBean(HybridIndexer.class)
  IndexLifecycle lucioleIndexLifecycle(HybridIndexer indexer) {
    return new IndexLifecycle(indexer);
  }
}
