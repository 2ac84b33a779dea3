package io.luciole.server;

import org.jspecify.annotations.Nullable;

/**
 * What a request fails with, for its sender: thrown where it is found out, and written by {@link
 * Problems}.
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

  /** The request itself is wrong. */
  static Problem invalid(@Nullable String param, String message) {
    return new Problem(400, "invalid_request", message, param, 0);
  }

  /** The request is more than the server takes. */
  static Problem tooLarge(@Nullable String param, String message) {
    return new Problem(413, "too_large", message, param, 0);
  }

  /** There is no such thing. */
  static Problem notFound(String message) {
    return new Problem(404, "not_found", message, null, 0);
  }

  /** Too much is under way. */
  static Problem overloaded(String message, long retryAfterSeconds) {
    return new Problem(429, "overloaded", message, null, retryAfterSeconds);
  }

  int status() {
    return status;
  }

  /** A word for programs. */
  String code() {
    return code;
  }

  /** Where in the request, if it is there: {@code input[3]}. */
  @Nullable String param() {
    return param;
  }

  /** When to try again, or 0. */
  long retryAfterSeconds() {
    return retryAfterSeconds;
  }

  String text() {
    return String.valueOf(getMessage());
  }
}
