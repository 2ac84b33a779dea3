package io.luciole.guice;

import static java.util.Objects.requireNonNull;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.Stage;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineBuilder;
import io.luciole.LucioleConfig;
import io.luciole.lucene.HybridIndexer;
import io.luciole.lucene.HybridSearcher;
import io.luciole.lucene.IndexKeys;
import io.luciole.lucene.WriteOptions;
import java.nio.file.Path;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Binds an {@link EmbeddingEngine} and, if {@code luciole.index.folder} is set, the {@link
 * HybridIndexer} of that index and a {@link HybridSearcher} that sees what the indexer writes after
 * each {@link HybridSearcher#refresh}. Each is a singleton that is opened when it is first asked
 * for, or at the start in Guice's production stage, as the {@link LucioleConfig} says:
 *
 * <pre>{@code
 * Injector injector = Guice.createInjector(new LucioleModule(LucioleConfig.load()));
 * EmbeddingEngine engine = injector.getInstance(EmbeddingEngine.class);
 * …
 * injector.getInstance(LucioleLifecycle.class).close();
 * }</pre>
 *
 * <p>If one of them cannot be opened in the production stage, there is no injector to ask for the
 * {@link LucioleLifecycle}, so those that are open are closed. In other stages they stay open, and
 * what failed is tried again when it is next asked for.
 *
 * <p>If a singleton of the application's own fails in the production stage, there is no injector
 * either, and Guice tells Luciole nothing: what is open stays open, and the index locked. An
 * application that goes on then closes it by a {@link #withLifecycle lifecycle} of its own.
 *
 * <p>All types are bound explicitly. For several engines, install one module for each in a {@code
 * PrivateModule} of its own, and expose what you need under a name.
 *
 * <p>Immutable, but for the lifecycle that it is given.
 */
public final class LucioleModule extends AbstractModule {
  private final LucioleConfig config;
  private final Consumer<EngineBuilder> engine;
  private final UnaryOperator<WriteOptions> index;
  private final @Nullable LucioleLifecycle lifecycle;

  /**
   * Creates a module.
   *
   * @param config the settings of engine and index, such as {@link LucioleConfig#load()}
   */
  public LucioleModule(LucioleConfig config) {
    this(requireNonNull(config, "config"), builder -> {}, UnaryOperator.identity(), null);
  }

  private LucioleModule(
      LucioleConfig config,
      Consumer<EngineBuilder> engine,
      UnaryOperator<WriteOptions> index,
      @Nullable LucioleLifecycle lifecycle) {
    this.config = config;
    this.engine = engine;
    this.index = index;
    this.lifecycle = lifecycle;
  }

  /**
   * Sets in code what the engine is to have beside its settings: a backend, a cache, listeners.
   *
   * @param change changes the builder before the engine is opened
   * @return a changed copy
   */
  public LucioleModule withEngine(Consumer<EngineBuilder> change) {
    return new LucioleModule(config, engine.andThen(change), index, lifecycle);
  }

  /**
   * Sets in code how the index is written beside its settings: its schema, fields of the
   * application's own.
   *
   * @param change makes options of those of the settings
   * @return a changed copy
   */
  public LucioleModule withIndex(UnaryOperator<WriteOptions> change) {
    requireNonNull(change, "change");
    return new LucioleModule(
        config, engine, options -> change.apply(index.apply(options)), lifecycle);
  }

  /**
   * Has everything closed by a lifecycle that the application has made, also if no injector comes
   * of it:
   *
   * <pre>{@code
   * LucioleLifecycle lifecycle = new LucioleLifecycle();
   * try {
   *   return Guice.createInjector(Stage.PRODUCTION, module.withLifecycle(lifecycle), ours);
   * } catch (CreationException e) {
   *   lifecycle.close();
   *   throw e;
   * }
   * }</pre>
   *
   * @param own a lifecycle for one injector
   * @return a changed copy, for one injector
   */
  public LucioleModule withLifecycle(LucioleLifecycle own) {
    return new LucioleModule(config, engine, index, requireNonNull(own, "own"));
  }

  @Override
  protected void configure() {
    LucioleLifecycle closes = lifecycle == null ? new LucioleLifecycle() : lifecycle;
    if (binder().currentStage() == Stage.PRODUCTION) {
      closes.opensAtTheStart();
    }
    bind(LucioleLifecycle.class).toInstance(closes);
    config.get(IndexKeys.FOLDER).ifPresent(folder -> install(new Index(folder)));
  }

  @Provides
  @Singleton
  EmbeddingEngine engine(LucioleLifecycle lifecycle) {
    return lifecycle.open(() -> {
      EngineBuilder builder = EmbeddingEngine.builder(config);
      engine.accept(builder);
      return builder.open();
    });
  }

  /** What there is with a folder alone. */
  private final class Index extends AbstractModule {
    private final Path folder;

    Index(Path folder) {
      this.folder = folder;
    }

    @Provides
    @Singleton
    HybridIndexer indexer(EmbeddingEngine engine, LucioleLifecycle lifecycle) {
      return lifecycle.open(() -> {
        WriteOptions options = index.apply(IndexKeys.options(config, engine));
        return HybridIndexer.open(folder, engine, options);
      });
    }

    @Provides
    @Singleton
    HybridSearcher searcher(
        HybridIndexer indexer, EmbeddingEngine engine, LucioleLifecycle lifecycle) {
      return lifecycle.open(() -> HybridSearcher.open(indexer, engine));
    }
  }
}
