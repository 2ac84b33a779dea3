package io.luciole.server;

import java.net.URI;
import java.util.HashSet;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The hosts that requests may name as this server. A page elsewhere can make a browser call a
 * server on this machine by a name that its owner lets point here for a moment (DNS rebinding): to
 * the browser, and by its headers, that is the page's own server. But the name stands in {@code
 * Host}, and is not this server's. So a server that only this machine reaches and that asks for no
 * key answers only to the names of this machine and to those that are configured. Immutable.
 */
final class AllowedHosts {
  private static final String LOOPBACK = "127(\\.\\d{1,3}){3}|\\[::1]|localhost|.+\\.localhost";

  private final boolean all;
  private final Set<String> named = new HashSet<>();

  /**
   * Reads the hosts.
   *
   * @param open whether the server asks for no key
   */
  AllowedHosts(ServerConfig config, boolean open) {
    named.addAll(config.operations().allowedHosts());
    boolean told = !named.isEmpty();
    boolean exposed = open && config.requireAddress().isLoopbackAddress();
    all = named.contains("*") || !(told || exposed);
    named.add(host(config.host().contains(":") ? '[' + config.host() + ']' : config.host()));
    config.operations().publicOrigins().forEach(origin -> named.add(URI.create(origin).getHost()));
  }

  /**
   * Throws if a request is for another host.
   *
   * @param header the request's {@code Host}, or null: browsers always send it
   */
  void require(@Nullable String header) {
    if (all || header == null) {
      return;
    }
    String host = host(header);
    if (!named.contains(host) && !host.matches(LOOPBACK)) {
      throw new Problem(
          421,
          "unknown_host",
          "Expected a request for localhost, found one for \""
              + (host.length() > 100 ? host.substring(0, 100) + '…' : host)
              + "\". If that is a name of this server, such as that of a proxy before it, list it in "
              + ServerKeys.ALLOWED_HOSTS
              + "; a server with keys answers to any name.");
    }
  }

  /** The host of a {@code Host} header, without its port, as it is compared. */
  private static String host(String header) {
    String lower = header.strip().toLowerCase(Locale.ROOT);
    int port = lower.lastIndexOf(':');
    String host = port > lower.lastIndexOf(']') ? lower.substring(0, port) : lower;
    return host.endsWith(".") ? host.substring(0, host.length() - 1) : host;
  }
}
