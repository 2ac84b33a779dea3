package io.luciole.hub;

import io.luciole.model.ModelException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpTimeoutException;
import java.util.Locale;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * Asks the hub and the servers that it points to.
 *
 * <p>Redirects are followed here and not by {@link HttpClient}, so that the token goes to the hub's
 * own scheme, host and port only. For use by one thread.
 */
final class HubClient implements AutoCloseable {
  static final int MAX_REDIRECTS = 10;
  private static final int REDIRECT_BODY = 1 << 16;

  private final HubSettings settings;
  private final HubTuning tuning;
  private final HttpClient http;

  HubClient(HubSettings settings, HubTuning tuning) {
    this.settings = settings;
    this.tuning = tuning;
    this.http =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(tuning.connect())
            .proxy(settings.proxies())
            .build();
  }

  HubSettings settings() {
    return settings;
  }

  /** An address beneath the hub's, from a path that is encoded already. */
  URI uri(String path) {
    return URI.create(settings.endpoint() + path);
  }

  /**
   * Asks for what is at an address, following redirects wherever they lead.
   *
   * @param from the first byte wanted
   */
  HubReply get(URI uri, long from) throws IOException, InterruptedException {
    return send("GET", uri, from, true);
  }

  /**
   * Asks what is at an address, following redirects within the hub only: the answer that points
   * elsewhere is the one that describes the file.
   */
  HubReply head(URI uri) throws IOException, InterruptedException {
    return send("HEAD", uri, 0, false);
  }

  private HubReply send(String method, URI first, long from, boolean away)
      throws IOException, InterruptedException {
    URI uri = first;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      HubReply reply = exchange(request(method, uri, from));
      URI next = redirect(reply);
      if (next == null || (!away && !isHub(next))) {
        return reply;
      }
      try (reply) {
        // Read to its end, so that the connection can be used again.
        reply.body().all(REDIRECT_BODY);
      } catch (HubBody.TooLongException e) {
        // Then it is not used again.
      }
      uri = next;
    }
    throw new ModelException(
        "The hub redirects "
            + MAX_REDIRECTS
            + " times and more, the last time to "
            + uri.getHost()
            + ". Is HF_ENDPOINT right?");
  }

  private HttpRequest request(String method, URI uri, long from) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .method(method, BodyPublishers.noBody())
            .setHeader("User-Agent", "luciole; java/" + Runtime.version().feature())
            .setHeader("Accept-Encoding", "identity");
    HubSettings.Token token = settings.token();
    if (token != null && isHub(uri)) {
      request.setHeader("Authorization", "Bearer " + token.secret());
    }
    settings
        .proxies()
        .authorization(uri)
        .ifPresent(value -> request.setHeader("Proxy-Authorization", value));
    if (from > 0) {
      request.setHeader("Range", "bytes=" + from + "-");
    }
    return request.build();
  }

  /**
   * Sends a request and waits until its answer begins.
   *
   * <p>The request's own time limit is not used, since it holds for the body too on newer JDKs; nor
   * is {@link HttpClient#sendAsync}, whose results pass through the common pool, which callers of a
   * pull may have filled.
   */
  private HubReply exchange(HttpRequest request) throws IOException, InterruptedException {
    HubBody body = new HubBody(tuning.stall());
    Thread sender = Thread.ofVirtual().name("luciole-hub").start(() -> send(request, body));
    try {
      HubBody.Head head = body.head();
      return new HubReply(request.uri(), isHub(request.uri()), head.status(), head.headers(), body);
    } catch (TimeoutException e) {
      sender.interrupt();
      throw new HttpTimeoutException(
          request.uri().getHost()
              + through(request.uri())
              + " gave no answer for "
              + tuning.stall().toSeconds()
              + " s");
    } catch (InterruptedException e) {
      sender.interrupt();
      throw e;
    } catch (ExecutionException e) {
      throw new UnreachableException(
          request.uri(), proxy(request.uri()), e.getCause() == null ? e : e.getCause());
    }
  }

  private String through(URI uri) {
    String proxy = proxy(uri);
    return proxy.isEmpty() ? "" : " through the proxy " + proxy;
  }

  /** The proxy that is asked for an address, without its login; empty if none is. */
  private String proxy(URI uri) {
    return settings.proxies().select(uri).stream()
        .filter(proxy -> proxy.address() instanceof InetSocketAddress)
        .map(proxy -> (InetSocketAddress) proxy.address())
        .map(address -> address.getHostString() + ':' + address.getPort())
        .findFirst()
        .orElse("");
  }

  private void send(HttpRequest request, HubBody body) {
    try {
      HttpResponse<@Nullable Void> response =
          http.send(
              request,
              info -> {
                body.begin(info.statusCode(), info.headers());
                return body;
              });
      if (response.statusCode() == 407) {
        // A proxy's refusal of a tunnel has no body.
        body.begin(response.statusCode(), response.headers());
        body.end();
      }
    } catch (IOException | InterruptedException | RuntimeException e) {
      body.fail(e);
    }
  }

  /** Where an answer points to, or null if it is none that does. */
  private static @Nullable URI redirect(HubReply reply) throws IOException {
    boolean redirects =
        switch (reply.status()) {
          case 301, 302, 303, 307, 308 -> true;
          default -> false;
        };
    String location = reply.headers().firstValue("Location").orElse("");
    if (!redirects || location.isEmpty()) {
      return null;
    }
    URI next;
    try {
      next = reply.uri().resolve(encoded(location));
    } catch (IllegalArgumentException e) {
      throw new IOException(reply.uri().getHost() + " redirects to an unreadable address", e);
    }
    boolean downgrade = "https".equals(scheme(reply.uri())) && !"https".equals(scheme(next));
    if (!isHttp(next) || downgrade) {
      throw new ModelException(
          reply.uri().getHost()
              + " redirects to an address that is not safe to follow, of scheme \""
              + scheme(next)
              + "\".");
    }
    return next;
  }

  /** An address whose characters that no address may have are encoded. */
  private static String encoded(String address) {
    StringBuilder text = new StringBuilder(address.length());
    for (int i = 0; i < address.length(); i++) {
      char c = address.charAt(i);
      if (c <= ' ' || c == 0x7f || "\"<>\\^`{|}".indexOf(c) >= 0) {
        text.append(String.format(Locale.ROOT, "%%%02X", (int) c));
      } else {
        text.append(c);
      }
    }
    return text.toString();
  }

  /** Whether an address is one that can be asked. */
  static boolean isHttp(URI uri) {
    String scheme = scheme(uri);
    return (scheme.equals("https") || scheme.equals("http")) && uri.getHost() != null;
  }

  /** Whether an address has the hub's scheme, host and port. */
  private boolean isHub(URI uri) {
    URI hub = settings.endpoint();
    return scheme(uri).equals(scheme(hub))
        && hub.getHost().equalsIgnoreCase(uri.getHost())
        && port(uri) == port(hub);
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0 ? uri.getPort() : scheme(uri).equals("https") ? 443 : 80;
  }

  private static String scheme(URI uri) {
    return uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
  }

  /** Ends all connections. */
  @Override
  public void close() {
    http.shutdownNow();
  }
}
