package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.EmbeddingEngine;
import io.luciole.EngineHealth;
import io.luciole.EngineKeys;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexDescription;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.SourceDocument;
import io.luciole.lucene.WriteOptions;
import io.luciole.spi.BackendProvider;
import io.luciole.spring.ai.LucioleEmbeddingModel;
import io.luciole.spring.ai.LucioleVectorStore;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.binder.MeterBinder;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.ai.tokenizer.TokenCountEstimator;
import org.springframework.boot.test.context.FilteredClassLoader;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

class LucioleAutoConfigurationTest {
  @TempDir private Path folder;

  private ApplicationContextRunner runner() {
    return Contexts.runner(folder, new FakeBackend());
  }

  private ApplicationContextRunner withIndex() {
    return runner().withPropertyValues("luciole.index.folder=" + folder.resolve("index"));
  }

  private EmbeddingEngine engine() {
    return EmbeddingEngine.builder()
        .model(FakeModel.write(folder, 512))
        .backend(new FakeBackend())
        .open();
  }

  private HybridIndexer indexer(String name, EmbeddingEngine engine) {
    return HybridIndexer.open(folder.resolve(name), engine);
  }

  @Test
  void withoutAnIndex_thereIsAnEngine() {
    runner()
        .run(context -> {
          assertThat(context).hasSingleBean(EmbeddingEngine.class);
          assertThat(context).hasSingleBean(LucioleEmbeddingModel.class);
          assertThat(context).hasSingleBean(TokenCountEstimator.class);
          assertThat(context).doesNotHaveBean(HybridIndexer.class);
          assertThat(context).doesNotHaveBean(LucioleVectorStore.class);
        });
  }

  @Test
  void settings_areReadWithSpringsNamesAndLists() {
    runner()
        .withPropertyValues(
            "luciole.tokenBudget=123",
            "luciole.outputs[0]=dense",
            "luciole.outputs[1]=sparse",
            "luciole.max-wait=5ms",
            "luciole.index.metadata=year=long,lang=keyword")
        .withSystemProperties("luciole.application.own=1", "luciole.max-length=77")
        .run(context -> {
          LucioleConfig config = context.getBean(LucioleConfig.class);
          assertThat(config.get(EngineKeys.TOKEN_BUDGET)).contains(123);
          assertThat(config.get(EngineKeys.MAX_LENGTH)).contains(77);
          assertThat(config.setting(EngineKeys.OUTPUTS).orElseThrow().value())
              .isEqualTo("dense,sparse");
          assertThat(config.get(EngineKeys.MAX_WAIT)).hasMillis(5);
          assertThat(context.getBean(EmbeddingEngine.class).tokenBudget()).isEqualTo(123);
        });
  }

  @Test
  void settingsThatAreNone_stopTheApplication_andAreNamed() {
    runner()
        .withPropertyValues("luciole.tokn-budget=123", "luciole.max-wait=soon")
        .run(context ->
            assertThat(context)
                .getFailure()
                .rootCause()
                .hasMessageContaining("luciole.tokn-budget")
                .hasMessageContaining("luciole.token-budget")
                .hasMessageContaining("luciole.max-wait")
                .hasMessageContaining("soon"));
  }

  @Test
  void index_isMadeAsTheSettingsSay_andIsThereAtTheNextStart() {
    withIndex()
        .withPropertyValues(
            "luciole.index.metadata=year=long",
            "luciole.index.chunk-tokens=64",
            "luciole.index.chunk-overlap=8",
            "luciole.index.commit-every=1h")
        .run(context -> {
          HybridIndexer indexer = context.getBean(HybridIndexer.class);
          assertThat(indexer.schema().metadata()).isEqualTo(Map.of("year", MetadataType.LONG));
          assertThat(indexer.schema().chunks().orElseThrow().tokens()).isEqualTo(64);
          indexer.put(SourceDocument.of("one", "", "fireflies glow")).join();
        });
    withIndex()
        .run(context -> {
          assertThat(context.getBean(HybridSearcher.class).contains("one")).isTrue();
          assertThat(context).hasSingleBean(LucioleVectorStore.class);
        });
  }

  @Test
  void overlapWithoutPassages_isRefused() {
    withIndex()
        .withPropertyValues("luciole.index.chunk-overlap=8")
        .run(context ->
            assertThat(context)
                .getFailure()
                .rootCause()
                .hasMessageContaining("luciole.index.chunk-tokens"));
  }

  @Test
  void beansOfTheApplication_comeFirst() {
    LucioleConfig own = LucioleConfig.of(Map.of("luciole.token-budget", "55"));
    runner()
        .withBean(LucioleConfig.class, () -> own)
        .run(context -> {
          assertThat(context).getBean(LucioleConfig.class).isSameAs(own);
          assertThat(context.getBean(EmbeddingEngine.class).tokenBudget()).isEqualTo(55);
        });
    withIndex()
        .withBean(LucioleConfig.class, () -> own)
        .run(context ->
            assertThat(context)
                .getFailure()
                .rootCause()
                .hasMessageContaining("luciole.index.folder"));
  }

  /** Two models, each with an index: what could be meant for either is left to the application. */
  @Test
  void severalEnginesAndIndexes_areServedTogether() {
    EmbeddingEngine first = engine();
    EmbeddingEngine second = engine();
    runner()
        .withBean("first", EmbeddingEngine.class, () -> first)
        .withBean("second", EmbeddingEngine.class, () -> second)
        .withBean("firstIndex", HybridIndexer.class, () -> indexer("index1", first))
        .withBean("secondIndex", HybridIndexer.class, () -> indexer("index2", second))
        .withPropertyValues("luciole.index.folder=" + folder.resolve("index"))
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context.getBeansOfType(EmbeddingEngine.class))
              .containsOnlyKeys("first", "second");
          assertThat(context).doesNotHaveBean(HybridSearcher.class);
          assertThat(context).doesNotHaveBean(LucioleEmbeddingModel.class);
          MeterRegistry registry = new SimpleMeterRegistry();
          context
              .getBeansOfType(MeterBinder.class)
              .values()
              .forEach(binder -> binder.bindTo(registry));
          context
              .getBeansOfType(HybridIndexer.class)
              .values()
              .forEach(indexer -> indexer.put(SourceDocument.of("one", "", "w1")).join());
          for (String engine : List.of("first", "second")) {
            assertThat(
                    registry
                        .get("luciole.texts.embedded")
                        .tag("engine", engine)
                        .functionCounter()
                        .count())
                .isEqualTo(1);
          }
          assertThat(registry.get("luciole.index.document").timer().count()).isEqualTo(2);
        });
    assertThat(folder.resolve("index")).doesNotExist();
    assertThat(IndexDescription.read(folder.resolve("index1")).documents()).isEqualTo(1);
    assertThat(IndexDescription.read(folder.resolve("index2")).documents()).isEqualTo(1);
  }

  @Test
  void end_doesNotCommit_whereTheOptionsSayThat() {
    withIndex()
        .run(context ->
            context.getBean(HybridIndexer.class).put(SourceDocument.of("one", "", "w1")).join());
    withIndex()
        .withBean(WriteOptions.class, () -> WriteOptions.defaults().commitOnClose(false))
        .run(context ->
            context.getBean(HybridIndexer.class).put(SourceDocument.of("two", "", "w2")).join());
    assertThat(IndexDescription.read(folder.resolve("index")).documents()).isEqualTo(1);
  }

  @Test
  void healthIndicator_isThereAsSpringBootsSettingsSay() {
    String indicator = "lucioleHealthIndicator";
    runner().run(context -> assertThat(context).hasBean(indicator));
    runner()
        .withPropertyValues("management.health.luciole.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(indicator));
    runner()
        .withPropertyValues("management.health.defaults.enabled=false")
        .run(context -> assertThat(context).doesNotHaveBean(indicator));
    runner()
        .withPropertyValues(
            "management.health.defaults.enabled=false", "management.health.luciole.enabled=true")
        .run(context -> assertThat(context).hasBean(indicator));
  }

  @Test
  void withoutSpringAiOrActuatorOrMicrometer_theEngineIsThereAllTheSame() {
    withIndex()
        .withClassLoader(
            new FilteredClassLoader(
                "org.springframework.ai",
                "io.luciole.spring.ai",
                "org.springframework.boot.actuate",
                "org.springframework.boot.health",
                "io.micrometer"))
        .run(context -> {
          assertThat(context).hasNotFailed();
          assertThat(context).hasSingleBean(HybridSearcher.class);
        });
  }

  @Test
  void context_closesEverything() {
    FakeBackend[] backend = new FakeBackend[1];
    EmbeddingEngine[] engine = new EmbeddingEngine[1];
    withIndex()
        .run(context -> {
          backend[0] = (FakeBackend) context.getBean(BackendProvider.class);
          engine[0] = context.getBean(EmbeddingEngine.class);
          assertThat(backend[0].openSessions()).isEqualTo(1);
        });
    assertThat(engine[0].health().state()).isEqualTo(EngineHealth.State.CLOSED);
    assertThat(backend[0].openSessions()).isZero();
    assertThat(backend[0].misuses()).isZero();
  }
}
