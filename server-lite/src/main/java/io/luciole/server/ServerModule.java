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
import java.util.List;

/**
 * Wires a server: {@code Guice.createInjector(new ServerModule(config, engine))}. Applications that
 * use Guice install it beside their own modules and get {@link LucioleServer} from their injector.
 *
 * <p>Every type of the server's is bound explicitly and none depends on itself, so the module also
 * works where the injector requires explicit bindings and refuses circular proxies.
 */
public final class ServerModule extends AbstractModule {
  private final ServerConfig config;
  private final EmbeddingEngine engine;

  /**
   * Creates a module.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param engine the engine, which stays the caller's to close
   */
  public ServerModule(ServerConfig config, EmbeddingEngine engine) {
    this.config = requireNonNull(config, "config");
    this.engine = requireNonNull(engine, "engine");
  }

  @Override
  protected void configure() {
    bind(ServerConfig.class).toInstance(config);
    bind(EmbeddingEngine.class).toInstance(engine);
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
    return new HelidonConnections(config.limits().readTimeout());
  }
}
