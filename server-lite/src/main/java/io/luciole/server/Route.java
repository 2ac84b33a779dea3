package io.luciole.server;

import static java.util.Objects.requireNonNull;

import io.helidon.http.Method;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

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
 * @param query the names that its query string may have
 * @param handling what answers it
 */
record Route(
    Method method,
    String path,
    Access access,
    Problems.Format errors,
    boolean limited,
    BodyFields query,
    Handling handling) {
  /** Who may call. If keys are configured, all but {@code OPEN} ask for one. */
  enum Access {
    /** Everybody. */
    OPEN,
    /** Callers with any key. */
    KEY,
    /** Callers with a key that may have texts embedded, compared or reranked. */
    EMBED,
    /** Callers with a key that may search and read the index. */
    SEARCH,
    /** Callers with a key that may change the index. */
    WRITE,
    /** Callers with a key that may read the meters. */
    METRICS;

    /** What a key can have a right to. */
    static final Set<Access> RIGHTS = Collections.unmodifiableSet(EnumSet.range(EMBED, METRICS));

    /** Its name in files and messages. */
    String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Answers a request. */
  interface Handling {
    void handle(Exchange exchange) throws Exception;
  }

  Route {
    requireNonNull(method, "method");
    requireNonNull(path, "path");
    requireNonNull(query, "query");
  }

  /**
   * A POST that uses the model. Its query string may name a role; other names are ignored unless
   * that may have been meant, since gateways and clients of the original API add some.
   */
  static Route post(String path, Problems.Format errors, Handling handling) {
    BodyFields query = BodyFields.lenient("role");
    return new Route(Method.POST, path, Access.EMBED, errors, true, query, handling);
  }

  /**
   * An operation of the index: GET reads it, and all other methods change it. Its query string has
   * no names.
   */
  static Route of(Method method, String path, Handling handling) {
    Access access = method.equals(Method.GET) ? Access.SEARCH : Access.WRITE;
    BodyFields query = BodyFields.strict();
    return new Route(method, path, access, Problems.Format.OPENAI, true, query, handling);
  }

  /** The same operation for other callers. */
  Route withAccess(Access other) {
    return new Route(method, path, other, errors, limited, query, handling);
  }

  /** The same operation with other names in its query string. */
  Route withQuery(BodyFields names) {
    return new Route(method, path, access, errors, limited, names, handling);
  }

  /** The same operation, handled otherwise. */
  Route with(Handling other) {
    return new Route(method, path, access, errors, limited, query, other);
  }

  /** A GET that manages the server, whatever its query string says. */
  static Route management(String path, Access access, Handling handling) {
    return new Route(
        Method.GET, path, access, Problems.Format.OPENAI, false, BodyFields.ANY, handling);
  }
}
