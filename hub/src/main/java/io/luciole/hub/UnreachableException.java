package io.luciole.hub;

import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.UnknownHostException;
import java.net.http.HttpConnectTimeoutException;
import java.nio.channels.UnresolvedAddressException;
import java.security.GeneralSecurityException;
import javax.net.ssl.SSLException;

/** No answer came from a server; the message says why in a line for people. */
final class UnreachableException extends IOException {
  private static final long serialVersionUID = 1L;

  private final boolean isLasting;

  /**
   * Creates an exception.
   *
   * @param proxy the proxy that was asked, as {@code HOST:PORT}; empty if none was
   */
  UnreachableException(URI uri, String proxy, Throwable cause) {
    super(text(uri, proxy, cause), cause);
    isLasting = isUntrusted(cause);
  }

  private static boolean isUntrusted(Throwable failure) {
    return isOf(GeneralSecurityException.class, failure);
  }

  private static boolean isOf(Class<? extends Throwable> kind, Throwable failure) {
    Throwable at = failure;
    while (at != null) {
      if (kind.isInstance(at)) {
        return true;
      }
      at = at.getCause();
    }
    return false;
  }

  /** Whether it is no use to try again at once. */
  boolean isLasting() {
    return isLasting;
  }

  private static String text(URI uri, String proxy, Throwable cause) {
    String host = uri.getHost() + (proxy.isEmpty() ? "" : " through the proxy " + proxy);
    String detail = cause.getMessage() == null ? "" : " (" + cause.getMessage().strip() + ")";
    return switch (cause) {
      case HttpConnectTimeoutException e -> "no connection to " + host + " in time";
      case ConnectException e when isOf(UnresolvedAddressException.class, e) ->
          proxy.isEmpty()
              ? "the host " + host + " is not known"
              : "the proxy "
                  + proxy
                  + ", through which "
                  + uri.getHost()
                  + " is asked, is not known";
      case ConnectException e -> "no connection to " + host + detail;
      case UnknownHostException e -> "the host " + e.getMessage() + " is not known";
      case SSLException e when isUntrusted(e) ->
          "no trusted connection to "
              + host
              + detail
              + "; where a proxy of your company looks into connections, its certificate must be"
              + " in the trust store (-Djavax.net.ssl.trustStore)";
      default -> "the connection to " + host + " failed" + detail;
    };
  }
}
