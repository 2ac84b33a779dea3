package io.luciole.hub;

import io.luciole.model.ModelException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The proxies of Java's own settings, and where these name none those of {@code HTTPS_PROXY},
 * {@code HTTP_PROXY}, {@code ALL_PROXY} and {@code NO_PROXY}, in upper or lower case, as other
 * tools read them. This machine itself is never asked for through a proxy of the environment.
 */
final class EnvironmentProxies extends ProxySelector {
  private static final int DEFAULT_PORT = 80;

  private final @Nullable Server http;
  private final @Nullable Server https;
  private final List<String> direct;

  private EnvironmentProxies(@Nullable Server http, @Nullable Server https, List<String> direct) {
    this.http = http;
    this.https = https;
    this.direct = direct;
  }

  /** A proxy, and who asks it. */
  private static final class Server {
    private final Proxy proxy;
    private final @Nullable String authorization;

    Server(Proxy proxy, @Nullable String authorization) {
      this.proxy = proxy;
      this.authorization = authorization;
    }
  }

  /**
   * Reads the environment.
   *
   * @throws ModelException if it names a proxy that cannot be used
   */
  static EnvironmentProxies of(Map<String, String> environment) {
    Server all = server(environment, "ALL_PROXY");
    Server http = server(environment, "HTTP_PROXY");
    Server https = server(environment, "HTTPS_PROXY");
    return new EnvironmentProxies(
        http == null ? all : http,
        https == null ? all : https,
        Arrays.stream(variable(environment, "NO_PROXY").split("[\\s,]+"))
            .map(host -> host.toLowerCase(Locale.ROOT))
            .filter(host -> !host.isEmpty())
            .toList());
  }

  private static String variable(Map<String, String> environment, String name) {
    String lower = environment.getOrDefault(name.toLowerCase(Locale.ROOT), "").strip();
    return lower.isEmpty() ? environment.getOrDefault(name, "").strip() : lower;
  }

  private static @Nullable Server server(Map<String, String> environment, String name) {
    String text = variable(environment, name);
    if (text.isEmpty()) {
      return null;
    }
    try {
      URI uri = URI.create(text.contains("://") ? text : "http://" + text);
      String host = uri.getHost();
      if ("http".equalsIgnoreCase(uri.getScheme()) && host != null) {
        int port = uri.getPort() < 0 ? DEFAULT_PORT : uri.getPort();
        String user = uri.getRawUserInfo();
        return new Server(
            new Proxy(Proxy.Type.HTTP, InetSocketAddress.createUnresolved(host, port)),
            user == null
                ? null
                : "Basic "
                    + Base64.getEncoder()
                        .encodeToString(
                            URLDecoder.decode(user.replace("+", "%2B"), StandardCharsets.UTF_8)
                                .getBytes(StandardCharsets.UTF_8)));
      }
    } catch (IllegalArgumentException e) {
      // Refused below; without the text, which may hold a password.
    }
    throw new ModelException(
        "Expected "
            + name
            + " to be http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, found something else"
            + " (proxies that speak SOCKS or TLS are not supported).");
  }

  @Override
  public List<Proxy> select(URI uri) {
    ProxySelector java = ProxySelector.getDefault();
    List<Proxy> chosen = java == null ? List.of() : java.select(uri);
    if (chosen.stream().anyMatch(proxy -> proxy.type() != Proxy.Type.DIRECT)) {
      return chosen;
    }
    return List.of(server(uri).map(server -> server.proxy).orElse(Proxy.NO_PROXY));
  }

  /** The value of {@code Proxy-Authorization} on the way to an address, if one is needed. */
  Optional<String> authorization(URI uri) {
    return server(uri)
        .filter(server -> select(uri).contains(server.proxy))
        .map(server -> server.authorization);
  }

  private Optional<Server> server(URI uri) {
    String host = uri.getHost();
    if (host == null || isDirect(host.toLowerCase(Locale.ROOT), uri.getPort())) {
      return Optional.empty();
    }
    return Optional.ofNullable("https".equalsIgnoreCase(uri.getScheme()) ? https : http);
  }

  private boolean isDirect(String host, int port) {
    if (host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]")) {
      return true;
    }
    return direct.stream()
        .anyMatch(entry -> {
          String name = entry.replaceFirst("^\\*?\\.", "");
          int colon = name.lastIndexOf(':');
          if (colon > 0 && name.substring(colon + 1).equals(Integer.toString(port))) {
            name = name.substring(0, colon);
          }
          return entry.equals("*") || host.equals(name) || host.endsWith("." + name);
        });
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException failure) {
    // The failure of the request says it.
  }
}
