package io.luciole.spring.boot.test;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexKeys;
import io.luciole.lucene.WriteOptions;
import io.luciole.spi.BackendProvider;
import io.luciole.spring.boot.EngineCustomizer;
import io.luciole.spring.boot.LucioleAutoConfiguration;
import io.luciole.testkit.FakeBackend;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.apache.lucene.store.ByteBuffersDirectory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.BeanFactoryPostProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.beans.factory.support.AbstractBeanDefinition;
import org.springframework.context.aot.AbstractAotProcessor;
import org.springframework.core.SpringProperties;

/**
 * Makes every engine and index that is a bean a fake. Each definition keeps its name, qualifiers
 * and whether it is primary; only what makes the bean is replaced, so that the application's own
 * method is not called.
 *
 * <p>All engines run the same fake model, so that any of them can write and search any index.
 *
 * <p>Where Spring processes a test ahead of time, beans are replaced when the test runs: this is a
 * bean of what is generated, too, and a replaced bean cannot be written as code.
 */
final class FakeReplacement implements BeanFactoryPostProcessor {
  private static final Logger log = LoggerFactory.getLogger(FakeReplacement.class);

  @Override
  public void postProcessBeanFactory(ConfigurableListableBeanFactory beans) {
    if (SpringProperties.getFlag(AbstractAotProcessor.AOT_PROCESSING)) {
      return;
    }
    definitions(
        beans,
        BackendProvider.class,
        (name, definition) -> definition.setPrimary(beans.isTypeMatch(name, FakeBackend.class)));
    replace(beans, EmbeddingEngine.class, () -> engine(beans));
    replace(beans, HybridIndexer.class, () -> indexer(beans));
    if (beans.getBeanNamesForType(HybridIndexer.class, true, false).length == 1) {
      replace(
          beans,
          HybridSearcher.class,
          () -> HybridSearcher.open(beans.getBean(HybridIndexer.class), anyEngine(beans)));
    }
  }

  /** The engine as it is made automatically, of the fake model by the customizer of the fake. */
  private static EmbeddingEngine engine(ConfigurableListableBeanFactory beans) {
    return beans
        .getBean(LucioleAutoConfiguration.class)
        .lucioleEngine(
            beans.getBean(LucioleConfig.class),
            beans.getBeanProvider(BackendProvider.class),
            beans.getBeanProvider(EngineCustomizer.class));
  }

  /** A new index in memory. */
  static HybridIndexer indexer(ConfigurableListableBeanFactory beans) {
    EmbeddingEngine engine = anyEngine(beans);
    WriteOptions options =
        beans
            .getBeanProvider(WriteOptions.class)
            .getIfUnique(() -> IndexKeys.options(beans.getBean(LucioleConfig.class), engine));
    return HybridIndexer.open(new ByteBuffersDirectory(), engine, options);
  }

  private static EmbeddingEngine anyEngine(ConfigurableListableBeanFactory beans) {
    return beans.getBeanProvider(EmbeddingEngine.class).stream().findFirst().orElseThrow();
  }

  private static <T> void replace(
      ConfigurableListableBeanFactory beans, Class<T> type, Supplier<T> fake) {
    definitions(
        beans,
        type,
        (name, definition) -> {
          definition.setInstanceSupplier(fake);
          log.info("The bean {} is a fake {}.", name, type.getSimpleName());
        });
  }

  private static void definitions(
      ConfigurableListableBeanFactory beans,
      Class<?> type,
      BiConsumer<String, AbstractBeanDefinition> change) {
    for (String name : beans.getBeanNamesForType(type, true, false)) {
      if (beans.containsBeanDefinition(name)
          && beans.getBeanDefinition(name) instanceof AbstractBeanDefinition definition) {
        change.accept(name, definition);
      }
    }
  }
}
