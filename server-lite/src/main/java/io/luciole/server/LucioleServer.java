package io.luciole.server;

import com.google.inject.Binder;
import com.google.inject.CreationException;
import com.google.inject.Guice;
import com.google.inject.Inject;
import com.google.inject.ProvisionException;
import com.google.inject.Stage;
import com.google.inject.spi.Message;
import io.helidon.http.DirectHandler;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.helidon.webserver.http.DirectHandlers;
import io.helidon.webserver.http.HttpRouting;
import io.luciole.ConfigException;
import io.luciole.CrossEncoder;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleException;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.SequencedMap;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An HTTP server over one engine or several and, if configured, an index.
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
  private static final Logger log = LoggerFactory.getLogger(LucioleServer.class);

  /** How often the server looks whether it still listens. */
  private static final Duration WATCH = Duration.ofSeconds(2);

  private final ServerConfig config;
  private final Gateway gateway;
  private final Indexes indexes;
  private final ClientConnections connections;
  private final FileWatch files;
  private final List<Route> routes = new ArrayList<>();
  private final WebServer web;
  private final AtomicBoolean closed = new AtomicBoolean();
  private final CompletableFuture<Void> ended = new CompletableFuture<>();
  private volatile @Nullable ListenerWatch watch;

  @Inject
  LucioleServer(
      ServerConfig config,
      Gateway gateway,
      Indexes indexes,
      ClientConnections connections,
      FileWatch files,
      Set<Api> apis) {
    this.config = config;
    this.gateway = gateway;
    this.indexes = indexes;
    this.connections = connections;
    this.files = files;
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
    config.tls().ifPresent(tls -> TlsKeys.watch(tls, files, web));
  }

  private WebServer build(HttpRouting.Builder routing) {
    DirectHandlers.Builder direct = DirectHandlers.builder();
    for (DirectHandler.EventType type : DirectHandler.EventType.values()) {
      direct.addHandler(
          type,
          (request, event, status, headers, message) ->
              gateway.beforeRouting(request, event, status.code(), message));
    }
    WebServerConfig.Builder builder =
        WebServer.builder()
            .address(config.requireAddress())
            .port(config.port())
            .shutdownHook(false)
            .featuresDiscoverServices(false)
            .protocolsDiscoverServices(false)
            .connectionOptions(socket -> socket.tcpNoDelay(true))
            .backlog(4096)
            .writeQueueLength(0)
            .idleConnectionTimeout(Duration.ofMinutes(2))
            .shutdownGracePeriod(config.limits().shutdown())
            .directHandlers(direct.build())
            .contentEncoding(new BodyEncodings())
            .routing(routing);
    connections.install(builder);
    config.tls().ifPresent(tls -> TlsKeys.install(tls, builder));
    return builder.build();
  }

  /**
   * Creates a server for one model, which is served under its own name, and starts it.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param engine the engine, which stays the caller's to close
   * @return the running server
   * @throws ConfigException if the configuration is wrong
   * @throws LucioleException if an index is of another model or in use, or the port is in use
   */
  public static LucioleServer start(ServerConfig config, EmbeddingEngine engine) {
    return start(config, new ServerModule(config, engine));
  }

  /**
   * Creates a server for several models and starts it.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param engines the engines by the names that clients call their models, the default one first;
   *     they stay the caller's to close
   * @return the running server
   * @throws ConfigException if the configuration is wrong, or two names are the same
   * @throws LucioleException if an index is of another model or in use, or the port is in use
   */
  public static LucioleServer start(
      ServerConfig config, SequencedMap<String, EmbeddingEngine> engines) {
    return start(config, new ServerModule(config, engines));
  }

  /**
   * Creates a server for several models and rerankers and starts it. Rerankers score the texts of
   * {@code /rerank}, and hits where a search asks for it.
   *
   * @param config where to listen, who may call, and how much to take on
   * @param engines as above
   * @param rerankers the rerankers by the names that clients call them, the default one first; they
   *     stay the caller's to close
   * @return the running server
   * @throws ConfigException if the configuration is wrong, or two names are the same
   * @throws LucioleException if the index cannot be opened, or the port is in use
   */
  public static LucioleServer start(
      ServerConfig config,
      SequencedMap<String, EmbeddingEngine> engines,
      SequencedMap<String, CrossEncoder> rerankers) {
    return start(config, new ServerModule(config, engines, rerankers));
  }

  private static LucioleServer start(ServerConfig config, ServerModule module) {
    var address = config.requireAddress();
    try {
      LucioleServer server =
          Guice.createInjector(Stage.PRODUCTION, LucioleServer::strict, module)
              .getInstance(LucioleServer.class);
      server.start();
      return server;
    } catch (CreationException e) {
      throw reason(e.getErrorMessages(), address, e);
    } catch (ProvisionException e) {
      throw reason(e.getErrorMessages(), address, e);
    }
  }

  /** What an application can act on: the exception of ours beneath Guice's, wherever it is. */
  private static LucioleException reason(
      Collection<Message> messages, Object address, RuntimeException failure) {
    for (Message message : messages) {
      for (Throwable t = message.getCause(); t != null; t = t.getCause()) {
        if (t instanceof LucioleException cause) {
          return cause;
        }
      }
    }
    return new LucioleException("Cannot start the server on " + address, failure);
  }

  /** Makes a missing binding or a circular dependency an error, instead of guessing. */
  private static void strict(Binder binder) {
    binder.requireExplicitBindings();
    binder.disableCircularProxies();
  }

  /**
   * Starts listening.
   *
   * @throws LucioleException if it cannot listen, for instance because the port is in use
   */
  public void start() {
    try {
      Descriptors.reserveForVirtualThreads();
      web.start();
    } catch (RuntimeException e) {
      giveBack();
      throw e;
    }
    // Helidon logs that a port is in use, and does not throw.
    if (!web.isRunning() || web.port() <= 0) {
      giveBack();
      throw new LucioleException(
          "Cannot listen on "
              + config.host()
              + ", port "
              + config.port()
              + "; another program may have the port. Name another with --port.");
    }
    files.start();
    watch = new ListenerWatch(config.requireAddress(), web.port(), WATCH, this::listenerHasEnded);
  }

  private void listenerHasEnded() {
    LucioleException failure =
        new LucioleException(
            "The server has stopped listening at "
                + uri()
                + ": the system accepted no more connections. The log says why; where it names too"
                + " many open files, raise the limit (ulimit -n) or lower luciole.server.max-connections,"
                + " and start the server again.");
    log.error("{}", failure.getMessage());
    ended.completeExceptionally(failure);
  }

  /**
   * When the server has ended.
   *
   * @return a future that completes when the server is closed; and with a {@link LucioleException}
   *     when it has stopped listening by itself, for instance because the process has no file
   *     descriptors left. It then serves nobody any more, and is still to be closed
   */
  public CompletableFuture<Void> ended() {
    return ended.copy();
  }

  /**
   * The port that the server listens on.
   *
   * @return the port, which was chosen by the system if 0 was configured
   */
  public int port() {
    return web.port();
  }

  /**
   * The server's address.
   *
   * @return its root, such as {@code http://127.0.0.1:8080/}
   */
  public URI uri() {
    String host = config.host().contains(":") ? '[' + config.host() + ']' : config.host();
    return URI.create(
        (config.tls().isEmpty() ? "http://" : "https://") + host + ':' + port() + '/');
  }

  /** All operations, ordered by path and method. */
  List<Route> routes() {
    return List.copyOf(routes);
  }

  /**
   * Says that it is not ready and serves on for the configured drain time, then refuses new
   * requests, finishes those in progress for up to the configured limit, commits what was put into
   * the index, and releases everything except the engine. If the calling thread is interrupted, the
   * drain time ends at once. Closing twice does nothing.
   */
  @Override
  public void close() {
    if (!closed.compareAndSet(false, true)) {
      return;
    }
    boolean interrupted = false;
    stopWatching();
    try {
      gateway.drain();
      if (web.isRunning()) {
        Thread.sleep(config.operations().drain());
      }
    } catch (InterruptedException e) {
      interrupted = true;
    }
    try {
      gateway.end();
      web.stop();
    } finally {
      giveBack();
      // Only now, since an interrupted thread cannot wait for requests in progress.
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void stopWatching() {
    ListenerWatch started = watch;
    if (started != null) {
      started.close();
    }
  }

  private void giveBack() {
    files.close();
    ended.complete(null);
    gateway.close();
    connections.close();
    indexes.close();
  }
}
