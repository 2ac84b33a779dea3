package io.luciole.hub;

import java.net.URI;
import java.net.http.HttpHeaders;
import java.util.OptionalLong;

/**
 * An answer, after redirects.
 *
 * @param uri who gave it
 * @param ofHub whether that is the hub itself, not a server that it pointed to
 * @param body to be closed
 */
record HubReply(URI uri, boolean ofHub, int status, HttpHeaders headers, HubBody body)
    implements AutoCloseable {
  private static final int LONGEST = 200;

  /** A header in one line of readable characters, or nothing. */
  String header(String name) {
    String value = headers.firstValue(name).orElse("").replaceAll("\\p{Cntrl}+", " ").strip();
    return value.length() > LONGEST ? value.substring(0, LONGEST) + "…" : value;
  }

  /** A header that is a whole number, if it is there and is one. */
  OptionalLong number(String name) {
    try {
      String value = header(name);
      return value.isEmpty() ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(value));
    } catch (NumberFormatException e) {
      return OptionalLong.empty();
    }
  }

  @Override
  public void close() {
    body.close();
  }
}
