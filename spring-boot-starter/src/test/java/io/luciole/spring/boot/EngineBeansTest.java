package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.SourceDocument;
import io.luciole.testkit.FakeBackend;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.lucene.index.DirectoryReader;
import org.apache.lucene.store.Directory;
import org.apache.lucene.store.FSDirectory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.mockito.Mockito;
import org.springframework.ai.embedding.EmbeddingModel;
import org.springframework.ai.tokenizer.TokenCountEstimator;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** Which beans count as engines and indexes, and what becomes of those that are mocks. */
class EngineBeansTest {
  @TempDir private Path folder;

  private final FakeBackend backend = new FakeBackend();

  /** Beans of an application's own that are called as the parameters of ours are. */
  @Configuration(proxyBeanMethods = false)
  static class Collections {
    @Bean
    Map<String, EmbeddingEngine> engines() {
      return Map.of();
    }

    @Bean
    List<HybridIndexer> indexers() {
      return List.of();
    }
  }

  /** The health indicator's answer: its type is in another package in each Spring Boot. */
  private static String health(AssertableApplicationContext context) throws Exception {
    Object indicator = context.getBean("lucioleHealthIndicator");
    Method health = indicator.getClass().getMethod("health");
    health.setAccessible(true);
    return String.valueOf(health.invoke(indicator));
  }

  private static MeterRegistry meters(AssertableApplicationContext context) {
    MeterRegistry registry = new SimpleMeterRegistry();
    context.getBeansOfType(MeterBinder.class).values().forEach(each -> each.bindTo(registry));
    return registry;
  }

  @Test
  void collectionsOfTheApplication_doNotTakeThePlaceOfTheEnginesAndIndexes() throws Exception {
    Path index = folder.resolve("index");
    Contexts.runner(folder, backend)
        .withUserConfiguration(Collections.class)
        .withPropertyValues("luciole.index.folder=" + index)
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(health(context)).startsWith("UP").contains("state=HEALTHY");
          assertThat(meters(context).find("luciole.texts.embedded").functionCounter()).isNotNull();
          HybridIndexer indexer = context.getBean(HybridIndexer.class);
          indexer.put(SourceDocument.of("one", "", "w1")).join();
          context.stop();
          try (Directory directory = FSDirectory.open(index);
              DirectoryReader committed = DirectoryReader.open(directory)) {
            assertThat(committed.numDocs()).isEqualTo(1);
          }
        });
  }

  /**
   * Applications mock what they call in their own tests. The engine is final, so that no fake of
   * ours can stand for a mock.
   */
  @Test
  void engineThatIsAMock_doesNotStopTheStart() throws Exception {
    EmbeddingEngine mock = Mockito.mock(EmbeddingEngine.class);
    Contexts.runner(folder, backend)
        .withBean("mock", EmbeddingEngine.class, () -> mock)
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context).hasSingleBean(EmbeddingModel.class);
          assertThat(context).hasSingleBean(TokenCountEstimator.class);
          assertThat(health(context)).startsWith("UP");
          assertThat(meters(context).getMeters()).isEmpty();
        });
  }
}
