package io.luciole.spring.boot;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexKeys;
import io.luciole.lucene.WriteOptions;
import java.nio.file.Path;
import java.util.List;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AllNestedConditions;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;

/**
 * Opens an index with its indexer and searcher if {@code luciole.index.folder} is set and there is
 * one engine, or a primary one among several. Each bean gives way to the application's own of the
 * same type.
 *
 * <p>The end: Spring stops the web server first (with {@code server.shutdown=graceful}, Spring
 * Boot's default from 3.4, after the requests under way), then its executors; then what was put is
 * committed, by each indexer that is a bean, unless a bean {@link WriteOptions} has {@code
 * commitOnClose(false)}; then searcher, indexer and engine are closed, in this order, the engine
 * after the texts that it has.
 */
@AutoConfiguration(after = LucioleAutoConfiguration.class)
public class LucioleIndexAutoConfiguration {
  /** Called by Spring. */
  public LucioleIndexAutoConfiguration() {}

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
  @ConditionalOnSingleCandidate(EmbeddingEngine.class)
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
  @ConditionalOnSingleCandidate(EmbeddingEngine.class)
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
  @Conditional(OneEngineAndIndexer.class)
  public HybridSearcher lucioleSearcher(HybridIndexer indexer, EmbeddingEngine engine) {
    return HybridSearcher.open(indexer, engine);
  }

  @Bean
  @ConditionalOnBean(HybridIndexer.class)
  IndexLifecycle lucioleIndexLifecycle(
      ObjectProvider<HybridIndexer> indexers, ObjectProvider<WriteOptions> options) {
    List<HybridIndexer> written = indexers.orderedStream().toList();
    boolean commits = options.stream().allMatch(WriteOptions::commitOnClose);
    return new IndexLifecycle(commits ? written : List.of());
  }

  /** Where several could be meant, the application says which by a searcher of its own. */
  static final class OneEngineAndIndexer extends AllNestedConditions {
    OneEngineAndIndexer() {
      super(ConfigurationPhase.REGISTER_BEAN);
    }

    @ConditionalOnSingleCandidate(EmbeddingEngine.class)
    static class OneEngine {}

    @ConditionalOnSingleCandidate(HybridIndexer.class)
    static class OneIndexer {}
  }
}
