package io.luciole.server;

import com.google.inject.CreationException;
import com.google.inject.Guice;
import com.google.inject.Inject;
import com.google.inject.ProvisionException;
import com.google.inject.Stage;
import io.helidon.http.DirectHandler;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.HttpRouting;
import io.luciole.ConfigException;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * An HTTP server over an engine and, if configured, an index.
 *
 * <pre>{@code
 * try (EmbeddingEngine engine = EmbeddingEngine.builder().model("starter").open();
 *     LucioleServer server = LucioleServer.start(ServerConfig.defaults(), engine)) {
 *   System.out.println(server.uri());
 *   Thread.currentThread().join();
 * }
 * }</pre>
 *
 * <p>Applications with an injector of their own install {@link ServerModule} and call {@link
 * #start()}. docs/server.md lists the operations, limits and statuses.
 */
public final class LucioleServer implements AutoCloseable {
  private final ServerConfig config;
  private final Gateway gateway;
  private final SearchIndex index;
  private final HangUps hangUps;
  private final List<Route> routes = new ArrayList<>();
  private final WebServer web;
  private final AtomicBoolean closed = new AtomicBoolean();

  @Inject
  LucioleServer(
      ServerConfig config, Gateway gateway, SearchIndex index, HangUps hangUps, Set<Api> apis) {
    this.config = config;
    this.gateway = gateway;
    this.index = index;
    this.hangUps = hangUps;
    apis.forEach(api -> routes.addAll(api.routes()));
    routes.sort(Comparator.comparing(Route::path).thenComparing(r -> r.method().text()));
    HttpRouting.Builder routing = HttpRouting.builder();
    gateway.install(routing, routes);
    try {
      this.web = build(routing);
    } catch (RuntimeException e) {
      giveBack();
      throw e;
    }
  }

  private WebServer build(HttpRouting.Builder routing) {
    DirectHandlers.Builder direct = DirectHandlers.builder();
    for (DirectHandler.EventType type : DirectHandler.EventType.values()) {
      direct.addHandler(
          type,
          (request, event, status, headers, message) ->
              Gateway.beforeRouting(event, status.code()));
    }
    WebServerConfig.Builder builder =
        WebServer.builder()
            .address(config.requireAddress())
            .port(config.port())
            .shutdownHook(false)
            .featuresDiscoverServices(false)
            .protocolsDiscoverServices(false)
            .addConnectionSelector(hangUps)
            .connectionOptions(socket -> socket.tcpNoDelay(true))
            .backlog(4096)
            .writeQueueLength(0)
            .idleConnectionTimeout(Duration.ofMinutes(2))
            .shutdownGracePeriod(config.limits().shutdown())
            .directHandlers(direct.build())
            .routing(routing);
    config.tls().ifPresent(tls -> TlsKeys.install(tls, builder));
    return builder.build();
  }

  /**
   * Wires a server and starts it.
   *
   * @throws ConfigException if the configuration is wrong
   * @throws LucioleException if the index cannot be opened, or the port is taken
   */
  public static LucioleServer start(ServerConfig config, EmbeddingEngine engine) {
    var address = config.requireAddress();
    try {
      LucioleServer server =
          Guice.createInjector(Stage.PRODUCTION, new ServerModule(config, engine))
              .getInstance(LucioleServer.class);
      server.start();
      return server;
    } catch (CreationException | ProvisionException e) {
      if (e.getCause() instanceof LucioleException cause) {
        throw cause;
      }
      throw new LucioleException("Cannot start the server on " + address, e);
    }
  }

  /**
   * Starts listening.
   *
   * @throws LucioleException if that cannot be, because the port is taken for instance
   */
  public void start() {
    try {
      web.start();
    } catch (RuntimeException e) {
      giveBack();
      throw e;
    }
    // A port that is taken is logged there, not thrown.
    if (!web.isRunning() || web.port() <= 0) {
      giveBack();
      throw new LucioleException(
          "Cannot listen on "
              + config.host()
              + ", port "
              + config.port()
              + "; another program may have the port. Name another with --port.");
    }
  }

  /** The port that is listened on. */
  public int port() {
    return web.port();
  }

  /** Where the server is. */
  public URI uri() {
    String host = config.host().contains(":") ? '[' + config.host() + ']' : config.host();
    return URI.create(
        (config.tls().isEmpty() ? "http://" : "https://") + host + ':' + port() + '/');
  }

  /** The operations. */
  List<Route> routes() {
    return List.copyOf(routes);
  }

  /**
   * Refuses new requests, finishes those under way for up to the limit configured, commits what was
   * put into the index, and gives everything back but the engine. Closing twice does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    gateway.drain();
    try {
      web.stop();
    } finally {
      giveBack();
    }
  }

  private void giveBack() {
    hangUps.close();
    index.close();
  }
}
