package io.luciole.guice;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.google.inject.AbstractModule;
import com.google.inject.CreationException;
import com.google.inject.Guice;
import com.google.inject.Inject;
import com.google.inject.Injector;
import com.google.inject.Key;
import com.google.inject.PrivateModule;
import com.google.inject.ProvisionException;
import com.google.inject.Singleton;
import com.google.inject.Stage;
import com.google.inject.name.Names;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexMismatchException;
import io.luciole.lucene.MetadataType;
import io.luciole.lucene.SourceDocument;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LucioleModuleTest {
  @TempDir Path folder;
  private final FakeBackend backend = new FakeBackend();
  private final Map<String, String> settings = new HashMap<>();

  @BeforeEach
  void writeModel() throws Exception {
    Path model = Files.createDirectory(folder.resolve("model"));
    var unused = FakeModel.write(model, 64);
    settings.put("luciole.model", model.toString());
  }

  private LucioleModule module() {
    return new LucioleModule(LucioleConfig.of(settings))
        .withEngine(builder -> builder.backend(backend));
  }

  private void setIndex() {
    settings.put("luciole.index.folder", folder.resolve("index").toString());
  }

  @Test
  void whatIsWritten_isFoundAndStaysWhenTheLifecycleEnds() {
    setIndex();
    settings.put("luciole.index.metadata", "year=long");
    Injector injector = Guice.createInjector(module());
    HybridSearcher searcher = injector.getInstance(HybridSearcher.class);
    EmbeddingEngine engine = injector.getInstance(EmbeddingEngine.class);
    injector.getInstance(HybridIndexer.class).put(SourceDocument.of("a", "", "w1 w2")).join();
    assertThat(searcher.refresh()).isTrue();
    assertThat(searcher.search("w1").hits()).hasSize(1);
    assertThat(searcher.schema().metadata()).containsEntry("year", MetadataType.LONG);

    LucioleLifecycle lifecycle = injector.getInstance(LucioleLifecycle.class);
    lifecycle.close();
    lifecycle.close();
    assertThat(backend.openSessions()).isZero();
    assertThatThrownBy(() -> engine.embed("w1")).isInstanceOf(EngineClosedException.class);
    assertThatThrownBy(() -> searcher.search("w1")).isInstanceOf(IllegalStateException.class);

    Injector again = Guice.createInjector(module());
    assertThat(again.getInstance(HybridSearcher.class).documents()).isEqualTo(1);
    again.getInstance(LucioleLifecycle.class).close();
  }

  @Test
  void withoutFolder_thereIsNoIndex() {
    Injector injector = Guice.createInjector(Stage.PRODUCTION, module());
    assertThat(backend.openSessions()).isEqualTo(1);
    assertThat(injector.getExistingBinding(Key.get(HybridIndexer.class))).isNull();
    assertThat(injector.getExistingBinding(Key.get(HybridSearcher.class))).isNull();
    injector.getInstance(LucioleLifecycle.class).close();
  }

  @Test
  void inDevelopment_nothingIsOpenedBeforeItIsAskedFor() {
    setIndex();
    Injector injector = Guice.createInjector(module());
    assertThat(backend.opened()).isZero();
    injector.getInstance(LucioleLifecycle.class).close();
    assertThatThrownBy(() -> injector.getInstance(EmbeddingEngine.class))
        .isInstanceOf(ProvisionException.class)
        .hasMessageContaining("Luciole is closed; make another injector");
    assertThat(backend.opened()).isZero();
  }

  @Test
  void strictInjector_takesTheModule() {
    setIndex();
    Injector injector =
        Guice.createInjector(
            Stage.PRODUCTION,
            module(),
            new AbstractModule() {
              @Override
              protected void configure() {
                binder().requireExplicitBindings();
                binder().disableCircularProxies();
                binder().requireExactBindingAnnotations();
              }
            });
    assertThat(injector.getInstance(HybridSearcher.class).documents()).isZero();
    injector.getInstance(LucioleLifecycle.class).close();
  }

  @Test
  void twoEngines_liveInPrivateModules() {
    Injector injector = Guice.createInjector(named("a"), named("b"));
    EmbeddingEngine a = injector.getInstance(Key.get(EmbeddingEngine.class, Names.named("a")));
    EmbeddingEngine b = injector.getInstance(Key.get(EmbeddingEngine.class, Names.named("b")));
    assertThat(a).isNotSameAs(b);
    injector.getInstance(Key.get(LucioleLifecycle.class, Names.named("a"))).close();
    assertThatThrownBy(() -> a.embed("w1")).isInstanceOf(EngineClosedException.class);
    assertThat(b.embed("w1").join().tokenCount()).isEqualTo(3);
    injector.getInstance(Key.get(LucioleLifecycle.class, Names.named("b"))).close();
  }

  private PrivateModule named(String name) {
    return new PrivateModule() {
      @Override
      protected void configure() {
        install(module());
        bind(EmbeddingEngine.class)
            .annotatedWith(Names.named(name))
            .to(Key.get(EmbeddingEngine.class));
        bind(LucioleLifecycle.class)
            .annotatedWith(Names.named(name))
            .to(Key.get(LucioleLifecycle.class));
        expose(EmbeddingEngine.class).annotatedWith(Names.named(name));
        expose(LucioleLifecycle.class).annotatedWith(Names.named(name));
      }
    };
  }

  @Test
  void inProduction_whatCannotBeOpenedLeavesNothingOpen() throws IOException {
    setIndex();
    Files.writeString(folder.resolve("index"), "not a folder");
    CreationException refused =
        catchThrowableOfType(
            CreationException.class, () -> Guice.createInjector(Stage.PRODUCTION, module()));
    assertThat(backend.opened()).isEqualTo(1);
    assertThat(backend.openSessions()).isZero();
    assertThat(refused.getErrorMessages())
        .isNotEmpty()
        .allSatisfy(message ->
            assertThat(message.getCause())
                .isInstanceOf(IndexMismatchException.class)
                .hasMessageContaining(folder.resolve("index").toString()));
  }

  /** A singleton of an application, which fails after Luciole is open. */
  private static final class Failing {
    @Inject
    Failing(HybridSearcher searcher) {
      throw new IllegalStateException("failed beside " + searcher.documents() + " documents");
    }
  }

  @Test
  void inProduction_whereTheApplicationFails_itsLifecycleClosesAll_andASecondStartWorks() {
    setIndex();
    LucioleLifecycle lifecycle = new LucioleLifecycle();
    assertThatThrownBy(() ->
            Guice.createInjector(
                Stage.PRODUCTION,
                module().withLifecycle(lifecycle),
                binder -> binder.bind(Failing.class).in(Singleton.class)))
        .isInstanceOf(CreationException.class)
        .hasMessageContaining("failed beside 0 documents");
    assertThat(backend.openSessions()).isEqualTo(1);
    lifecycle.close();
    assertThat(backend.openSessions()).isZero();

    Injector second = Guice.createInjector(Stage.PRODUCTION, module());
    second.getInstance(HybridIndexer.class).put(SourceDocument.of("a", "", "w1")).join();
    second.getInstance(LucioleLifecycle.class).close();
    assertThat(backend.openSessions()).isZero();
  }

  @Test
  void inDevelopment_whatCannotBeOpenedIsTriedAgain() throws IOException {
    setIndex();
    Path file = Files.writeString(folder.resolve("index"), "not a folder");
    Injector injector = Guice.createInjector(module());
    EmbeddingEngine engine = injector.getInstance(EmbeddingEngine.class);
    assertThatThrownBy(() -> injector.getInstance(HybridIndexer.class))
        .isInstanceOf(ProvisionException.class);
    assertThat(engine.embed("w1").join().tokenCount()).isEqualTo(3);

    Files.delete(file);
    injector.getInstance(HybridIndexer.class).put(SourceDocument.of("a", "", "w1")).join();
    injector.getInstance(LucioleLifecycle.class).close();
    assertThat(backend.openSessions()).isZero();
  }

  @Test
  void lifecycleAtTheStart_closesWhatIsOpenAndFailsAlike() {
    LucioleLifecycle lifecycle = new LucioleLifecycle();
    lifecycle.opensAtTheStart();
    List<String> closed = new ArrayList<>();
    AutoCloseable engine =
        () -> {
          closed.add("engine");
          throw new IllegalStateException("closing");
        };
    assertThat(lifecycle.open(() -> engine)).isSameAs(engine);
    Error broken = new LinkageError("broken");
    assertThatThrownBy(() ->
            lifecycle.open(() -> {
              throw broken;
            }))
        .isSameAs(broken)
        .hasSuppressedException(new IllegalStateException("closing"));
    assertThat(closed).containsExactly("engine");
    assertThatThrownBy(() -> lifecycle.open(() -> engine)).hasCause(broken);
    lifecycle.close();
    assertThat(closed).containsExactly("engine");
  }

  @Test
  void optionsInCode_comeAfterTheSettings() {
    setIndex();
    List<String> written = new ArrayList<>();
    Injector injector =
        Guice.createInjector(
            module()
                .withIndex(
                    options -> options.fields((source, document) -> written.add(source.id()))));
    injector.getInstance(HybridIndexer.class).put(SourceDocument.of("a", "", "w1")).join();
    injector.getInstance(LucioleLifecycle.class).close();
    assertThat(written).containsExactly("a");
  }

  @Test
  void lifecycle_closesTheNewestFirstAndAllOfThem() {
    LucioleLifecycle lifecycle = new LucioleLifecycle();
    List<String> closed = new ArrayList<>();
    for (String name : List.of("engine", "indexer", "searcher")) {
      AutoCloseable resource =
          () -> {
            closed.add(name);
            if (!name.equals("engine")) {
              throw new IllegalStateException(name);
            }
          };
      assertThat(lifecycle.open(() -> resource)).isSameAs(resource);
    }
    assertThatThrownBy(lifecycle::close)
        .hasMessage("searcher")
        .satisfies(e ->
            assertThat(e.getSuppressed())
                .singleElement()
                .hasToString("java.lang.IllegalStateException: indexer"));
    assertThat(closed).containsExactly("searcher", "indexer", "engine");
  }
}
