package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.model.ModelFiles;
import io.luciole.spi.Backend;
import io.luciole.spi.BackendConfig;
import io.luciole.spi.BackendProvider;
import io.luciole.spi.Precision;
import io.luciole.spring.boot.test.AutoConfigureFakeLuciole;
import io.luciole.testkit.FakeBackend;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.springframework.ai.document.Document;
import org.springframework.ai.vectorstore.VectorStore;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;

/** What {@link AutoConfigureFakeLuciole} does with beans and settings of an application's own. */
class FakeReplacementTest {
  private final ApplicationContextRunner runner =
      new ApplicationContextRunner().withUserConfiguration(Slice.class);

  /** A test of a slice. */
  @Configuration(proxyBeanMethods = false)
  @AutoConfigureFakeLuciole
  static class Slice {}

  /** A test of a whole application. */
  @Configuration(proxyBeanMethods = false)
  @EnableAutoConfiguration
  @AutoConfigureFakeLuciole
  static class Whole {}

  /** Opens what a machine without the model does not have. */
  @Configuration
  static class Real {
    @Bean
    @Primary
    EmbeddingEngine english() {
      return EmbeddingEngine.builder().model("/no/such/english/model").open();
    }

    @Bean
    @Qualifier("other")
    EmbeddingEngine german() {
      return EmbeddingEngine.builder().model("/no/such/german/model").open();
    }

    @Bean
    HybridIndexer articles() {
      throw new IllegalStateException("the real index of articles was opened");
    }

    @Bean
    HybridIndexer comments() {
      throw new IllegalStateException("the real index of comments was opened");
    }

    @Bean
    HybridSearcher articlesSearcher(HybridIndexer articles) {
      return HybridSearcher.open(articles, english());
    }

    @Bean
    String users(@Qualifier("other") EmbeddingEngine other, EmbeddingEngine primary) {
      return other.backend().backend() + " " + primary.backend().backend();
    }
  }

  /** A backend that only the machine of production has. */
  private static final class RealBackend implements BackendProvider {
    @Override
    public String name() {
      return "real";
    }

    @Override
    public Probe probe() {
      throw new IllegalStateException("the real backend was asked for its devices");
    }

    @Override
    public Backend open(ModelFiles model, BackendConfig config) {
      throw new IllegalStateException("the real backend was opened");
    }
  }

  /** What a bean of the application's own would do in a test. */
  private static <T> Supplier<T> real(String what) {
    return () -> {
      throw new IllegalStateException("the real " + what + " was opened");
    };
  }

  @Test
  void settingsOfARealModel_areOverridden() {
    runner
        .withPropertyValues(
            "luciole.model=BAAI/bge-m3",
            "luciole.backend=onnx",
            "luciole.onnx.runs=2",
            "luciole.device=cuda:0",
            "luciole.precision=fp8",
            "luciole.pooling=mean",
            "luciole.normalize=true",
            "luciole.dimensions=512",
            "luciole.query-prompt-name=query",
            "luciole.passage-prompt-name=passage",
            "luciole.max-length=20000",
            "luciole.index.chunk-tokens=16000")
        .run(context -> {
          assertThat(context).hasNotFailed();
          EmbeddingEngine engine = context.getBean(EmbeddingEngine.class);
          assertThat(engine.backend().backend()).isEqualTo("fake");
          assertThat(engine.backend().dimension()).isEqualTo(FakeBackend.DIMENSION);
          assertThat(engine.embed("w1").join().tokenCount()).isEqualTo(3);
        });
  }

  @Test
  void customizersOfTheApplication_doNotBringARealModel() {
    runner
        .withBean(
            EngineCustomizer.class,
            () ->
                builder ->
                    builder
                        .model("/no/such/model")
                        .backend(new RealBackend())
                        .precision(Precision.FP16)
                        .dimensions(512))
        .run(context ->
            assertThat(context.getBean(EmbeddingEngine.class).backend().backend())
                .isEqualTo("fake"));
  }

  @Test
  void engineOfTheApplication_isReplaced() {
    runner
        .withBean("own", EmbeddingEngine.class, real("engine"))
        .run(context -> {
          assertThat(context).getBeanNames(EmbeddingEngine.class).containsExactly("own");
          VectorStore store = context.getBean(VectorStore.class);
          store.add(List.of(new Document("a", "fireflies glow", Map.of())));
          assertThat(store.similaritySearch("fireflies")).hasSize(1);
        });
  }

  @Test
  void indexerAndSearcherOfTheApplication_areReplaced() {
    runner
        .withBean("own", HybridIndexer.class, real("index"))
        .withBean("search", HybridSearcher.class, real("index"))
        .run(context -> {
          assertThat(context).getBeanNames(HybridIndexer.class).containsExactly("own");
          assertThat(context).getBeanNames(HybridSearcher.class).containsExactly("search");
          assertThat(context).hasSingleBean(VectorStore.class);
          context.getBean(HybridIndexer.class).put(SourceDocument.of("one", "", "w1")).join();
          HybridSearcher searcher = context.getBean(HybridSearcher.class);
          searcher.refresh();
          assertThat(searcher.contains("one")).isTrue();
        });
  }

  @Test
  void indexerOfTheApplication_isReplaced_andHasAllThatGoesWithIt() {
    new ApplicationContextRunner()
        .withUserConfiguration(Whole.class)
        .withBean("own", HybridIndexer.class, real("index"))
        .withBean(WriteOptions.class, () -> WriteOptions.defaults().commitAfter(7))
        .run(context -> {
          assertThat(context).getBeanNames(HybridIndexer.class).containsExactly("own");
          assertThat(context).hasSingleBean(HybridSearcher.class);
          assertThat(context).hasSingleBean(VectorStore.class);
        });
  }

  @Test
  void severalEnginesAndIndexes_areReplacedEach_underTheirNamesAndQualifiers() {
    runner
        .withUserConfiguration(Real.class)
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context.getBeansOfType(EmbeddingEngine.class))
              .containsOnlyKeys("english", "german");
          assertThat(context.getBean("users")).isEqualTo("fake fake");
          assertThat(context.getBean("english")).isNotSameAs(context.getBean("german"));
          HybridIndexer articles = context.getBean("articles", HybridIndexer.class);
          HybridIndexer comments = context.getBean("comments", HybridIndexer.class);
          articles.put(SourceDocument.of("one", "", "w1")).join();
          assertThat(articles.hasUncommittedChanges()).isTrue();
          assertThat(comments.hasUncommittedChanges()).isFalse();
          HybridSearcher searcher = context.getBean(HybridSearcher.class);
          searcher.refresh();
          assertThat(searcher.contains("one")).isTrue();
        });
  }

  @Test
  void severalEnginesWithoutAnIndex_areReplaced() {
    runner
        .withBean("one", EmbeddingEngine.class, real("engine"))
        .withBean("two", EmbeddingEngine.class, real("engine"))
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context).doesNotHaveBean(HybridIndexer.class);
        });
  }

  @Test
  void backendOfTheApplication_isNotAsked_unlessItIsAFake() {
    runner
        .withBean("real", BackendProvider.class, RealBackend::new)
        .run(context ->
            assertThat(context.getBean(EmbeddingEngine.class).backend().backend())
                .isEqualTo("fake"));
    FakeBackend own = new FakeBackend();
    runner
        .withBean("own", FakeBackend.class, () -> own)
        .run(context -> {
          assertThat(context).getBean(FakeBackend.class).isSameAs(own);
          context.getBean(EmbeddingEngine.class).embed("w1").join();
          assertThat(own.texts()).isPositive();
        });
  }
}
