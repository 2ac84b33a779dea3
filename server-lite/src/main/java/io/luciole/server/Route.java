package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.helidon.http.Method;

/**
 * One operation of the HTTP API.
 *
 * @param method its HTTP method
 * @param path its path as OpenAPI writes it, such as {@code /v1/documents/{id}}
 * @param access who may call it
 * @param errors the format of its errors
 * @param limited whether it counts towards the limit on concurrent requests and is handled by one
 *     of {@link Workers}' threads, as all do except those that manage the server: these answer at
 *     once, on the connection's virtual thread, and so also when all cores are busy
 * @param handling what answers it
 */
record Route(
    Method method,
    String path,
    Access access,
    Problems.Format errors,
    boolean limited,
    Handling handling) {
  /** Who may call. */
  enum Access {
    /** Everybody. */
    OPEN,
    /** Callers with a key, if keys are configured. */
    KEY
  }

  /** Answers a request. */
  interface Handling {
    void handle(Exchange exchange) throws Exception;
  }

  Route {
    requireNonNull(method, "method");
    requireNonNull(path, "path");
  }

  static Route post(String path, Problems.Format errors, Handling handling) {
    return new Route(Method.POST, path, Access.KEY, errors, true, handling);
  }

  static Route of(Method method, String path, Handling handling) {
    return new Route(method, path, Access.KEY, Problems.Format.OPENAI, true, handling);
  }

  /** A GET that manages the server. */
  static Route management(String path, Access access, Handling handling) {
    return new Route(Method.GET, path, access, Problems.Format.OPENAI, false, handling);
  }
}
