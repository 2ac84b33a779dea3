package io.luciole.server;

import org.jspecify.annotations.Nullable;

/**
 * An error of a request that its sender is told about: thrown where it is detected, and written as
 * JSON by {@link Problems}.
 */
final class Problem extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String code;
  private final @Nullable String param;
  private final long retryAfterSeconds;

  Problem(int status, String code, String message, @Nullable String param, long retryAfterSeconds) {
    super(message, null, false, false);
    this.status = status;
    this.code = code;
    this.param = param;
    this.retryAfterSeconds = retryAfterSeconds;
  }

  Problem(int status, String code, String message) {
    this(status, code, message, null, 0);
  }

  /** 400: the request is wrong. */
  static Problem invalid(@Nullable String param, String message) {
    return new Problem(400, "invalid_request", message, param, 0);
  }

  /** 413: the request exceeds a limit of the server's. */
  static Problem tooLarge(@Nullable String param, String message) {
    return new Problem(413, "too_large", message, param, 0);
  }

  /** 404: what the path names does not exist. */
  static Problem notFound(String message) {
    return new Problem(404, "not_found", message, null, 0);
  }

  /** 429: the server is overloaded. */
  static Problem overloaded(String message, long retryAfterSeconds) {
    return new Problem(429, "overloaded", message, null, retryAfterSeconds);
  }

  /** 503: the server ends. */
  static Problem shuttingDown() {
    return new Problem(503, "shutting_down", "The server is shutting down.", null, 1);
  }

  /** 400: there is nothing to embed. */
  static Problem empty(String where) {
    return new Problem(
        400, "empty", "Expected at least one text as \"" + where + "\", found none.", where, 0);
  }

  /** The same with another status. */
  Problem withStatus(int other) {
    return other == status ? this : new Problem(other, code, text(), param, retryAfterSeconds);
  }

  int status() {
    return status;
  }

  /** The error's name, for programs. */
  String code() {
    return code;
  }

  /** The part of the request that is wrong, such as {@code input[3]}, or null. */
  @Nullable String param() {
    return param;
  }

  /** After how many seconds to try again, or 0. */
  long retryAfterSeconds() {
    return retryAfterSeconds;
  }

  String text() {
    return String.valueOf(getMessage());
  }
}
