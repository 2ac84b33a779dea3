package io.luciole.server;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.google.inject.Inject;
import io.helidon.http.DirectHandler;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import io.helidon.http.Method;
import io.helidon.webserver.CloseConnectionException;
import io.helidon.webserver.http.Handler;
import io.helidon.webserver.http.HttpRouting;
import io.helidon.webserver.http.ServerRequest;
import io.helidon.webserver.http.ServerResponse;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;

/**
 * Everything that is common to all requests, before their handlers and after them: request ids,
 * hosts, keys, CORS, the limit on concurrent requests, errors, meters and the access log.
 */
final class Gateway {
  private static final Logger log = LoggerFactory.getLogger(Gateway.class);
  private static final Logger access = LoggerFactory.getLogger("io.luciole.server.access");

  private static final HeaderName REQUEST_ID = HeaderNames.create("X-Request-Id");
  private static final HeaderName API_KEY = HeaderNames.create("X-API-Key");
  private static final HeaderName TRACEPARENT = HeaderNames.create("traceparent");
  private static final HeaderName FETCH_SITE = HeaderNames.create("Sec-Fetch-Site");
  private static final HeaderName NO_SNIFF = HeaderNames.create("X-Content-Type-Options");

  private static final String USUAL_HEADERS = "Authorization, Content-Type, X-API-Key";

  private final ServerConfig config;
  private final ApiKeys keys;
  private final AllowedHosts hosts;
  private final RequestLimiter limiter;
  private final HttpMeters meters;
  private final ClientConnections connections;
  private final Workers workers = new Workers();
  private final HeavyWork heavyWork;
  private final Leftovers leftovers;
  private volatile Phase phase = Phase.SERVING;

  @Inject
  Gateway(
      ServerConfig config,
      ApiKeys keys,
      RequestLimiter limiter,
      HttpMeters meters,
      ClientConnections connections) {
    this.config = config;
    this.keys = keys;
    this.hosts = new AllowedHosts(config, keys.isOpen());
    this.limiter = limiter;
    this.heavyWork =
        new HeavyWork(Runtime.getRuntime().availableProcessors(), limiter::requestingCallers);
    this.leftovers =
        new Leftovers(
            Runtime.getRuntime().availableProcessors(), config.limits().readTimeout(), connections);
    this.meters = meters;
    this.connections = connections;
  }

  /** What becomes of requests. */
  private enum Phase {
    SERVING,
    /** They are served, and connections end with their answers. */
    DRAINING,
    /** They are refused; those in progress continue. */
    ENDING
  }

  /**
   * Says from now on that the server is not ready, so that balancers send their requests elsewhere,
   * and serves those that still come.
   */
  void drain() {
    phase = Phase.DRAINING;
  }

  /** Refuses requests from now on; requests in progress continue. */
  void end() {
    phase = Phase.ENDING;
  }

  /** Whether the server is about to end, so that no new client should come. */
  boolean isEnding() {
    return phase != Phase.SERVING;
  }

  /** Gives the threads of handlers and of the meters back, once no request is in progress. */
  void close() {
    workers.close();
    meters.close();
  }

  /** Adds routes that pass through this gateway, and answers 405 and 404 to everything else. */
  void install(HttpRouting.Builder routing, List<Route> routes) {
    for (Route route : routes) {
      routing.route(route.method(), pattern(route.path()), handler(route));
      if (route.method().equals(Method.GET)) {
        routing.route(Method.HEAD, pattern(route.path()), handler(route));
      }
    }
    Set<String> paths = new TreeSet<>();
    routes.forEach(r -> paths.add(r.path()));
    for (String path : paths) {
      Set<String> allowed = new TreeSet<>();
      routes.stream()
          .filter(r -> r.path().equals(path))
          .forEach(r -> allowed.add(r.method().text()));
      if (allowed.contains(Method.GET.text())) {
        allowed.add(Method.HEAD.text());
      }
      String allow = String.join(", ", allowed);
      routing.any(
          pattern(path),
          handler(
              other(x -> {
                x.header(HeaderNames.ALLOW, allow);
                if (x.request().prologue().method().equals(Method.OPTIONS)) {
                  preflight(x, allow);
                  return;
                }
                throw new Problem(
                    405,
                    "method_not_allowed",
                    "Expected "
                        + allow
                        + ", found "
                        + x.request().prologue().method().text()
                        + '.');
              })));
    }
    routing.any(
        handler(
            other(x -> {
              throw Problem.notFound("There is nothing at this path; /openapi.json lists what is.");
            })));
  }

  /** A route's path as Helidon reads it, whose own {@code {+id}} ends before a line break. */
  private static String pattern(String path) {
    return path.replaceAll("\\{\\+(\\w+)}", "{$1:[\\\\s\\\\S]+}");
  }

  private static Route other(Route.Handling handling) {
    return new Route(
        Method.GET,
        "other",
        Route.Access.OPEN,
        Problems.Format.OPENAI,
        false,
        BodyFields.ANY,
        handling);
  }

  private void preflight(Exchange x, String allow) {
    if (allowedOrigin(x) != null) {
      x.header(HeaderNames.ACCESS_CONTROL_ALLOW_METHODS, allow);
      // Clients that run in browsers send headers of their own, such as x-stainless-os.
      String asked = x.header(HeaderNames.ACCESS_CONTROL_REQUEST_HEADERS);
      x.header(HeaderNames.ACCESS_CONTROL_ALLOW_HEADERS, asked == null ? USUAL_HEADERS : asked);
      x.header(HeaderNames.ACCESS_CONTROL_MAX_AGE, "600");
    }
    x.send(204, "text/plain", new byte[0]);
  }

  private @Nullable String allowedOrigin(Exchange x) {
    String origin = x.header(HeaderNames.ORIGIN);
    return origin != null
            && (config.corsOrigins().contains(origin) || config.corsOrigins().contains("*"))
        ? origin
        : null;
  }

  private Handler handler(Route route) {
    return (request, response) -> handle(route, request, response);
  }

  private void handle(Route route, ServerRequest request, ServerResponse response) {
    TraceContext trace =
        TraceContext.of(
            request.headers().first(REQUEST_ID).orElse(null),
            request.headers().first(TRACEPARENT).orElse(null));
    Exchange x =
        new Exchange(
            request, response, config.limits(), connections, limiter.bodies(), heavyWork, trace);
    MDC.put("request_id", trace.requestId());
    if (trace.traceId() != null) {
      MDC.put("trace_id", trace.traceId());
    }
    x.header(REQUEST_ID, trace.requestId());
    x.header(NO_SNIFF, "nosniff");
    String origin = allowedOrigin(x);
    if (origin != null) {
      x.header(HeaderNames.ACCESS_CONTROL_ALLOW_ORIGIN, origin);
      x.header(HeaderNames.VARY, "Origin, Access-Control-Request-Headers");
      x.header(HeaderNames.ACCESS_CONTROL_EXPOSE_HEADERS, "*, Retry-After, X-Request-Id");
    }
    if (isEnding() || connections.isCrowded()) {
      x.header(HeaderNames.CONNECTION, "close");
    }
    boolean gone = false;
    try {
      run(route, x);
    } catch (CloseConnectionException | CancellationException e) {
      gone = true;
      throw new CloseConnectionException("the client is gone", e);
    } catch (UncheckedIOException e) {
      gone = true;
      throw new CloseConnectionException("the connection failed", e);
    } finally {
      x.end();
      meters.record(route, gone ? 499 : x.status(), x);
      if (config.accessLog() && access.isInfoEnabled()) {
        access.info("{}", line(x, gone));
      }
      MDC.remove("request_id");
      MDC.remove("trace_id");
    }
    RequestBody leftover = x.leftover();
    if (leftover != null || x.isLast()) {
      x.finish();
    }
    if (leftover != null) {
      leftovers.read(leftover);
    }
    if (x.isLast()) {
      // Otherwise the web server would wait for the client to close the connection.
      throw new CloseConnectionException("the connection ends with this answer");
    }
  }

  private void run(Route route, Exchange x) {
    boolean entered = false;
    try {
      if (route.access() != Route.Access.OPEN) {
        hosts.require(x.header(HeaderNames.HOST));
      }
      requireOwnPage(x);
      PercentEncoding.requireUtf8(x.request().path().rawPath(), "path");
      PercentEncoding.requireUtf8(x.request().query().rawValue(), "query string");
      authorize(route, x);
      route.query().checkQuery(x.queryNames());
      if (route.limited()) {
        if (phase == Phase.ENDING) {
          throw Problem.shuttingDown();
        }
        limiter.beginRequest(x.caller());
        entered = true;
      }
      if (route.limited()) {
        workers.handle(route.handling(), x);
      } else {
        route.handling().handle(x);
      }
    } catch (CloseConnectionException | CancellationException | UncheckedIOException e) {
      throw e;
    } catch (Throwable t) {
      Problem problem = Problems.of(t, route.errors());
      if (problem.status() == 500) {
        log.error("{} {} failed", route.method().text(), route.path(), t);
      }
      if (x.isSent()) {
        throw new CloseConnectionException("failed in the middle of the answer", t);
      }
      x.fail(problem, route.errors());
    } finally {
      if (entered) {
        limiter.endRequest(x.caller());
      }
    }
  }

  /**
   * Refuses requests that a page of another site makes through a browser that can reach this
   * server. CORS does not stop them: it only hides the answer, and a request such as a deletion
   * does its harm without one. Browsers send the origin of a page; other clients do not.
   */
  private void requireOwnPage(Exchange x) {
    Method method = x.request().prologue().method();
    if (method.equals(Method.GET)
        || method.equals(Method.HEAD)
        || method.equals(Method.OPTIONS)
        || allowedOrigin(x) != null) {
      return;
    }
    String site = x.header(FETCH_SITE);
    String origin = x.header(HeaderNames.ORIGIN);
    String host = x.header(HeaderNames.HOST);
    boolean own =
        site != null
            ? site.equals("same-origin") || site.equals("none")
            : origin == null || origin.endsWith("://" + host);
    own |= origin != null && config.operations().publicOrigins().contains(origin);
    if (!own) {
      throw new Problem(
          403,
          "foreign_origin",
          "Expected a call from this server's own page, at "
              + host
              + ", found one from a page of "
              + (origin == null ? "another site" : origin)
              + ". If that is where a proxy publishes this server, let the proxy pass the Host header on,"
              + " or name the origin in luciole.server.public-origins; pages of others may call if"
              + " luciole.server.cors-origins names them.");
    }
  }

  private void authorize(Route route, Exchange x) {
    ApiKeys.Known key =
        keys.isOpen() ? null : keys.caller(x.header(HeaderNames.AUTHORIZATION), x.header(API_KEY));
    x.caller(key == null ? x.request().remotePeer().host() : key.name());
    if (keys.isOpen() || route.access() == Route.Access.OPEN) {
      return;
    }
    if (key == null) {
      x.header(HeaderNames.WWW_AUTHENTICATE, "Bearer");
      throw new Problem(
          401,
          "invalid_api_key",
          "Expected a key this server knows, as Authorization: Bearer KEY or X-API-Key: KEY.");
    }
    if (!key.allows(route.access())) {
      throw new Problem(
          403,
          "no_right",
          "Expected a key with the right to "
              + route.access().word()
              + ", found that of "
              + key.name()
              + ", which has the rights "
              + key.rights().stream()
                  .map(Route.Access::word)
                  .sorted()
                  .collect(Collectors.joining(", "))
              + ". The server's file of keys gives rights.");
    }
  }

  /** One line of the access log, a JSON object. */
  private static String line(Exchange x, boolean gone) {
    ObjectNode line = JsonBodies.object();
    line.put("method", x.request().prologue().method().text());
    line.put("path", x.request().path().rawPath());
    line.put("status", gone ? 499 : x.status());
    line.put("ms", Math.round(x.elapsedNanos() / 1e4) / 100.0);
    line.put("bytes_in", x.bytesRead());
    line.put("bytes_out", x.bytesWritten());
    if (x.texts() > 0) {
      line.put("texts", x.texts());
      line.put("tokens", x.tokens());
    }
    line.put("caller", x.caller());
    line.put("request_id", x.trace().requestId());
    if (x.trace().traceId() != null) {
      line.put("trace_id", x.trace().traceId());
      line.put("parent_id", x.trace().spanId());
    }
    return line.toString();
  }

  /** Answers what Helidon refuses before routing: a malformed first line, too many headers. */
  DirectHandler.TransportResponse beforeRouting(
      DirectHandler.TransportRequest request,
      DirectHandler.EventType type,
      int status,
      String reason) {
    Problem problem =
        switch (type) {
          case PAYLOAD_TOO_LARGE -> Problem.tooLarge(null, "The body is too large.");
          case FORBIDDEN -> new Problem(403, "forbidden", "Forbidden.");
          case INTERNAL_ERROR -> new Problem(500, "internal", "The server failed.");
          default -> new Problem(status, "bad_http", badHttp(status));
        };
    meters.recordRefused(problem.status());
    if (config.accessLog() && access.isInfoEnabled()) {
      ObjectNode line = JsonBodies.object();
      line.put("method", request.method());
      line.put("path", request.path());
      line.put("status", problem.status());
      line.put("refused", reason);
      access.info("{}", line);
    }
    byte[] body = JsonBodies.bytes(Problems.write(problem, Problems.Format.OPENAI));
    return DirectHandler.TransportResponse.builder()
        .status(io.helidon.http.Status.create(problem.status()))
        .header(HeaderNames.CONTENT_TYPE, "application/json")
        .entity(new String(body, StandardCharsets.UTF_8))
        .keepAlive(false)
        .build();
  }

  private static String badHttp(int status) {
    return switch (status) {
      case 414 ->
          "The first line of a request may have "
              + HelidonConnections.MAX_PROLOGUE
              + " bytes, with its path and query string.";
      case 501 ->
          "Expected no Transfer-Encoding but \"chunked\"; that a body is in gzip belongs in"
              + " Content-Encoding.";
      default ->
          "Expected proper HTTP/1.1, with a head of at most "
              + HelidonConnections.MAX_HEADERS
              + " bytes.";
    };
  }
}
