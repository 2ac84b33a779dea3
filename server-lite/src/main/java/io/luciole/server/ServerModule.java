package io.luciole.server;

import static java.util.Objects.requireNonNull;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import io.luciole.EmbeddingEngine;
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
  private final SequencedMap<String, EmbeddingEngine> engines;

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
    this.config = requireNonNull(config, "config");
    this.engines = new LinkedHashMap<>(engines);
  }

  @Override
  protected void configure() {
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
  ServedModels models() {
    return new ServedModels(engines, config);
  }

  /** The default model's engine. */
  @Provides
  @Singleton
  EmbeddingEngine engine(ServedModels models) {
    return models.standard().engine();
  }

  @Provides
  @Singleton
  ClientConnections connections() {
    return new HelidonConnections(
        config.limits().readTimeout(),
        config.limits().maxConnections().orElseGet(Descriptors::forConnections));
  }
}
