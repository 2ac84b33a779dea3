package io.luciole.server;

import static java.util.Objects.requireNonNull;

import com.google.inject.AbstractModule;
import com.google.inject.Module;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.guice.LucioleModule;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/**
 * Wires a server: {@code Guice.createInjector(new ServerModule(config, engine))}. Applications that
 * use Guice install it beside their own modules and get {@link LucioleServer} from their injector.
 *
 * <p>Every type of the server's is bound explicitly and none depends on itself, so the module also
 * works where the injector requires explicit bindings and refuses circular proxies.
 */
public final class ServerModule extends AbstractModule {
  private final ServerConfig config;

  /** Binds {@link ServedModels}, and the default model's engine. */
  private final Module models;

  /**
   * Creates a module for one model, which is served under its own name.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param engine the engine, which stays the caller's to close
   */
  public ServerModule(ServerConfig config, EmbeddingEngine engine) {
    this(config, new LinkedHashMap<>(Map.of(engine.modelName(), engine)));
  }

  /**
   * Creates a module for several models.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param engines the engines by the names that clients call their models, the default one first;
   *     they stay the caller's to close
   */
  public ServerModule(ServerConfig config, SequencedMap<String, EmbeddingEngine> engines) {
    this(config, engines, new LinkedHashMap<>());
  }

  /**
   * Creates a module for several models and rerankers.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param engines the engines by the names that clients call their models, the default one first;
   *     they stay the caller's to close
   * @param rerankers the rerankers by the names that clients call them, the default one first; they
   *     stay the caller's to close
   */
  public ServerModule(
      ServerConfig config,
      SequencedMap<String, EmbeddingEngine> engines,
      SequencedMap<String, CrossEncoder> rerankers) {
    this(config, new Given(config, engines, rerankers));
  }

  /**
   * Creates a module for one model, whose engine is opened by Luciole's own module and closed by
   * its {@link io.luciole.guice.LucioleLifecycle}, after the server. The rest of the application
   * gets the same engine.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param luciole opens the engine; is not installed elsewhere
   */
  public ServerModule(ServerConfig config, LucioleModule luciole) {
    this(config, new Opened(config, requireNonNull(luciole, "luciole")));
  }

  private ServerModule(ServerConfig config, Module models) {
    this.config = requireNonNull(config, "config");
    this.models = models;
  }

  @Override
  protected void configure() {
    install(models);
    bind(ServerConfig.class).toInstance(config);
    bind(MeterRegistry.class).to(PrometheusMeterRegistry.class);
    List.of(
            FileWatch.class,
            ApiKeys.class,
            RequestLimiter.class,
            Readiness.class,
            Embedder.class,
            HttpMeters.class,
            Gateway.class,
            Indexes.class,
            DocumentBodies.class,
            BulkIngestion.class,
            LucioleServer.class)
        .forEach(type -> bind(type).in(Singleton.class));
    Multibinder<Api> apis = Multibinder.newSetBinder(binder(), Api.class);
    List.of(
            OpenAiApi.class,
            TeiApi.class,
            TokenizerApi.class,
            CohereApi.class,
            WeaviateApi.class,
            RerankApi.class,
            M3Api.class,
            SearchApi.class,
            IndexesApi.class,
            DocumentsApi.class,
            ReadingApi.class,
            ManagementApi.class,
            SearchPageApi.class)
        .forEach(type -> {
          bind(type).in(Singleton.class);
          apis.addBinding().to(type);
        });
  }

  @Provides
  @Singleton
  PrometheusMeterRegistry registry() {
    return new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  }

  @Provides
  @Singleton
  ClientConnections connections() {
    return new HelidonConnections(
        config.limits().readTimeout(),
        config.limits().maxConnections().orElseGet(Descriptors::forConnections));
  }

  /** Engines of the application's. */
  private static final class Given extends AbstractModule {
    private final ServerConfig config;
    private final SequencedMap<String, EmbeddingEngine> engines;
    private final SequencedMap<String, CrossEncoder> rerankers;

    Given(
        ServerConfig config,
        SequencedMap<String, EmbeddingEngine> engines,
        SequencedMap<String, CrossEncoder> rerankers) {
      this.config = config;
      this.engines = new LinkedHashMap<>(engines);
      this.rerankers = new LinkedHashMap<>(rerankers);
    }

    @Provides
    @Singleton
    ServedModels models() {
      return new ServedModels(engines, rerankers, config);
    }

    @Provides
    @Singleton
    EmbeddingEngine engine(ServedModels models) {
      return models.standard().engine();
    }
  }

  /** The engine of Luciole's own module. */
  private static final class Opened extends AbstractModule {
    private final ServerConfig config;
    private final LucioleModule luciole;

    Opened(ServerConfig config, LucioleModule luciole) {
      this.config = config;
      this.luciole = luciole;
    }

    @Override
    protected void configure() {
      install(luciole);
    }

    @Provides
    @Singleton
    ServedModels models(EmbeddingEngine engine) {
      return new ServedModels(
          new LinkedHashMap<>(Map.of(engine.modelName(), engine)), new LinkedHashMap<>(), config);
    }
  }
}
