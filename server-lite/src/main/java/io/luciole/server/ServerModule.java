package io.luciole.server;

import static java.util.Objects.requireNonNull;

import com.google.inject.AbstractModule;
import com.google.inject.Provides;
import com.google.inject.Singleton;
import com.google.inject.multibindings.Multibinder;
import io.helidon.webserver.http1.Http1ConnectionSelector;
import io.luciole.EmbeddingEngine;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.util.List;

/** Wires a server: {@code Guice.createInjector(new ServerModule(config, engine))}. */
public final class ServerModule extends AbstractModule {
  /** Longest head of a request; what is longer is refused. */
  private static final int MAX_HEADERS = 16 << 10;

  private static final int MAX_PROLOGUE = 8 << 10;

  private final ServerConfig config;
  private final EmbeddingEngine engine;

  /** A module for a server over an engine, which stays the caller's to close. */
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
            Keys.class,
            Admission.class,
            Readiness.class,
            Embedder.class,
            HttpMeters.class,
            Gateway.class,
            SearchIndex.class,
            LucioleServer.class)
        .forEach(type -> bind(type).in(Singleton.class));
    Multibinder<Api> apis = Multibinder.newSetBinder(binder(), Api.class);
    apis.addBinding().to(OpenAiApi.class);
    apis.addBinding().to(TeiApi.class);
    apis.addBinding().to(RerankApi.class);
    apis.addBinding().to(M3Api.class);
    apis.addBinding().to(SearchApi.class);
    apis.addBinding().to(DocumentsApi.class);
    apis.addBinding().to(UpkeepApi.class);
    apis.addBinding().to(PageApi.class);
  }

  @Provides
  @Singleton
  PrometheusMeterRegistry registry() {
    return new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  }

  @Provides
  @Singleton
  HangUps connections() {
    return new HangUps(
        Http1ConnectionSelector.builder()
            .config(http -> http.maxHeadersSize(MAX_HEADERS).maxPrologueLength(MAX_PROLOGUE))
            .build(),
        config.limits().readTimeout());
  }
}
