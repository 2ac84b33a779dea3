package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.helidon.http.Method;

/**
 * One operation.
 *
 * @param path as OpenAPI writes it, {@code /v1/documents/{id}}
 * @param access who may call it
 * @param errors how what goes wrong is told
 * @param limited whether it counts against the requests at once; those that look after the server
 *     do not
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
    /** Anybody. */
    OPEN,
    /** Who shows a key, if there are keys. */
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

  /** A route that looks after the server. */
  static Route management(String path, Access access, Handling handling) {
    return new Route(Method.GET, path, access, Problems.Format.OPENAI, false, handling);
  }
}
